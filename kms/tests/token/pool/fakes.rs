//! Programs that are no workers of ours, or bad ones: shell scripts that speak the frames.

use super::until;
use crate::requests::known_keys;
use crate::site::{Site, site_test};
use fuda_kms::{CardRequest, Error, Hsm, Place};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// `frame` reads one, `say` writes one.
const SPEAK: &str = r#"#!/bin/sh
frame() {
    set -- $(dd bs=1 count=4 2>/dev/null | od -An -tu1)
    [ $# = 4 ] || return 1
    dd bs=1 count=$(( $3 * 256 + $4 )) 2>/dev/null >>heard
}
say() { printf "$(printf '\\%03o\\%03o\\%03o\\%03o' 0 0 $(( ${#1} / 256 )) $(( ${#1} % 256 )))%s" "$1" >&0; }
cd "$(dirname "$0")"
"#;

fn script(site: &Site, body: &str) -> PathBuf {
    let path = site.path("fake-worker");
    std::fs::write(&path, format!("{SPEAK}{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn hello() -> String {
    let (contract, commit) = (fuda_kms::wire::CONTRACT, fuda_cli::version::COMMIT);
    format!(r#"{{"hello":{{"contract":{contract},"commit":"{commit}"}}}}"#)
}

fn started(site: &Site, body: &str, workers: u16) -> Result<Hsm, Error> {
    if !site.path("pin").exists() {
        known_keys(site);
    }
    let mut token = site.token();
    token.provider.profile.start_ms = 6000;
    token.provider.profile.answer_ms = 6000;
    site.hsm_of(token, Place::Processes { program: script(site, body) }, workers)
}

fn heard(site: &Site) -> String {
    std::fs::read_to_string(site.path("heard")).unwrap_or_default()
}

site_test! {
    fn a_worker_of_another_build_is_refused_by_name_and_never_sees_the_pin(site) {
        let ours = hello();
        let other_contract = ours.replace("\"contract\":", "\"contract\":9");
        let other_commit = ours.replace("\"commit\":\"", "\"commit\":\"another-");
        let other_words = r#"{"version":"2.0"}"#.to_owned();
        for greeting in [&other_contract, &other_commit, &other_words] {
            let error = started(site, &format!("frame; say '{greeting}'; frame; exit 0"), 2).unwrap_err();
            assert_eq!((error.code(), error.exit()), ("WORKER_VERSION", fuda_cli::Exit::Hsm), "{error}");
            if greeting != &other_words {
                let told = if greeting == &other_commit { "another-".to_owned() } else { format!("contract 9{}", fuda_kms::wire::CONTRACT) };
                assert!(error.to_string().contains(&told), "{error}");
            }
        }
        let pin = std::fs::read_to_string(site.path("pin")).unwrap();
        assert!(heard(site).contains("\"hello\"") && !heard(site).contains(pin.trim_end()), "{}", heard(site));
    }
}

site_test! {
    fn a_program_that_is_missing_or_ends_at_once_is_named(site) {
        known_keys(site);
        let missing = Place::Processes { program: site.path("no-such-program") };
        let error = site.hsm_at(missing, 1).unwrap_err();
        assert_eq!(error.code(), "WORKER_NOT_STARTED", "{error}");
        let ends = Place::Processes { program: script(site, "exit 3") };
        let error = site.hsm_at(ends, 1).unwrap_err();
        assert_eq!(error.code(), "WORKER_GONE", "{error}");
        assert!(error.to_string().contains('3'), "{error}");
    }
}

site_test! {
    fn a_worker_that_hangs_on_its_way_to_the_token_is_reported_and_not_killed(site) {
        let body = format!("frame; say '{}'; frame; frame || echo ended by itself >>heard", hello());
        let error = started(site, &body, 1).unwrap_err();
        assert_eq!(error.code(), "WORKER_START_LATE", "{error}");
        until("its end", || heard(site).contains("ended by itself"));
        let pin = std::fs::read_to_string(site.path("pin")).unwrap();
        assert!(heard(site).contains(pin.trim_end()), "it had the PIN: {}", heard(site));
    }
}

site_test! {
    fn a_request_that_workers_die_of_is_given_up_after_three_of_them(site) {
        let ready = r#"{"ready":{"epoch":1}}"#;
        let body = format!("frame; say '{}'; frame; say '{ready}'; frame; exit 4", hello());
        let hsm = started(site, &body, 4).unwrap();
        let steps = crate::requests::whole_card(hsm.epoch().unwrap()).steps;
        let error = hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd: [0; 10], steps }).unwrap_err();
        assert_eq!(error.code(), "HSM_REQUEST_GIVEN_UP", "{error}");
        assert!(error.to_string().contains("3 workers") && error.to_string().contains("exit status: 4"), "{error}");
        let metrics = hsm.metrics();
        assert_eq!((metrics.deaths, metrics.handed_over, metrics.requests, metrics.failures), (3, 2, 1, 1), "{metrics:?}");
    }
}

site_test! {
    fn a_worker_that_talks_nonsense_is_replaced(site) {
        let ready = r#"{"ready":{"epoch":1}}"#;
        let body = format!("frame; say '{}'; frame; say '{ready}'; frame; say '{{\"answer\":{{}}}}'; frame", hello());
        let hsm = started(site, &body, 1).unwrap();
        let error = hsm.sign(&"receipt@1".parse().unwrap(), &[0; 32]).unwrap_err();
        assert_eq!(error.code(), "HSM_REQUEST_GIVEN_UP", "{error}");
        assert!(error.to_string().contains("bad message"), "{error}");
    }
}
