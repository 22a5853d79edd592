//! A token that is away: workers that run go on with their copies, others cannot start, and all is well when it is back.

use super::{card, children, pids, pool, runs, signal, until};
use crate::requests::known_keys;
use crate::site::{Site, site_test};
use rustix::process::Signal;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

site_test! {
    fn without_the_token_requests_fail_by_name_and_succeed_soon_after_it_is_back(site) {
        let hsm = pool(site, 2);
        std::fs::rename(site.path("tokens"), site.path("away")).unwrap();
        card(&hsm).unwrap();
        pids(&hsm.metrics()).into_iter().for_each(|pid| signal(pid, Signal::KILL));
        let mut error = None;
        until("the workers to be missed", || {
            error = card(&hsm).err();
            error.is_some()
        });
        let error = error.unwrap();
        assert_eq!((error.code(), error.exit()), ("TOKEN_DIRECTORY", fuda_cli::Exit::Hsm), "{error}");
        assert!(error.to_string().contains("tokens"), "{error}");
        // Nobody waits for a minute to be told so.
        let since = Instant::now();
        assert!(card(&hsm).is_err());
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());

        std::fs::rename(site.path("away"), site.path("tokens")).unwrap();
        let since = Instant::now();
        until("an answer", || card(&hsm).is_ok());
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        until("both to serve", || pids(&hsm.metrics()).len() == 2);
    }
}

site_test! {
    fn a_refused_pin_latches_and_the_pool_goes_on_by_itself_when_it_is_cleared(site) {
        let hsm = pool(site, 2);
        let right = std::fs::read_to_string(site.path("pin")).unwrap();
        std::fs::write(site.path("pin"), "0000wrong\n").unwrap();
        pids(&hsm.metrics()).into_iter().for_each(|pid| signal(pid, Signal::KILL));
        until("the PIN to be refused", || site.token().files().latched().unwrap().is_some());
        until("the workers to be missed", || card(&hsm).is_err());
        let ours = std::process::id();
        until("the refused to end", || children(ours).is_empty());
        let starts = hsm.metrics().starts;
        std::fs::write(site.path("pin"), right).unwrap();
        assert!(matches!(card(&hsm).unwrap_err().code(), "PIN_REFUSED" | "PIN_LATCHED"));
        assert!(site.fuda_kms(&["token", "clear-pin-latch"]).status.success());
        until("an answer", || card(&hsm).is_ok());
        assert!(hsm.metrics().starts > starts && pids(&hsm.metrics()).into_iter().all(runs));
    }
}

/// A watch that has its PIN from somewhere else than a file, and whose worker is killed once.
fn watched_with(site: &Site, pin: &str, stdin: Stdio) {
    let mut command = site.fuda_kms_command();
    command.args(["health", "--watch", "--pin", pin]).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut program = command.env("CREDENTIALS_DIRECTORY", site.path("credentials")).spawn().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("well: "));
    let workers = children(program.id());
    workers.iter().for_each(|pid| signal(*pid, Signal::KILL));
    until("another worker", || {
        let now = children(program.id());
        now.len() == 1 && now != workers
    });
    signal(program.id(), Signal::INT);
    assert_eq!(program.wait().unwrap().code(), Some(0));
}

site_test! {
    fn a_pin_from_a_descriptor_is_kept_for_restarts_and_a_credential_is_read_again(site) {
        known_keys(site);
        std::fs::create_dir(site.path("credentials")).unwrap();
        std::fs::rename(site.path("pin"), site.path("credentials/factory-pin")).unwrap();
        let pin = std::fs::File::open(site.path("credentials/factory-pin")).unwrap();
        watched_with(site, "fd:0", pin.into());
        watched_with(site, "cred:factory-pin", Stdio::null());
        let absent = site.fuda_kms(&["health", "--pin", "cred:factory-pin", "--json"]);
        assert!(String::from_utf8_lossy(&absent.stdout).contains("\"PIN_INPUT\""), "no $CREDENTIALS_DIRECTORY");
    }
}
