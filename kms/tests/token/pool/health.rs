//! `fuda-kms health`: green, red by name, and green again by itself.

use super::{children, runs, signal, until};
use crate::requests::known_keys;
use crate::site::{Site, site_test};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

fn health(site: &Site) -> (Option<i32>, Value) {
    let output = site.fuda_kms(&["health", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), serde_json::from_str(text.lines().last().unwrap()).unwrap())
}

/// Starts `health --watch` and hands over its lines.
fn watch(site: &Site) -> (Child, Receiver<String>) {
    let mut command = site.fuda_kms_command();
    let mut program = command.args(["health", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (said, lines) = sync_channel(64);
    let out = BufReader::new(program.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
    (program, lines)
}

/// The next line that says so, within the time that a person would wait.
fn next(lines: &Receiver<String>, beginning: &str) -> String {
    loop {
        let line = lines.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|error| panic!("{beginning}: {error}"));
        if line.starts_with(beginning) {
            return line;
        }
    }
}

site_test! {
    fn a_healthy_token_and_what_is_wrong_with_others(site) {
        known_keys(site);
        let (code, report) = health(site);
        let named = |report: &Value| -> Vec<String> {
            report["checks"].as_array().unwrap().iter().map(|check| check["what"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!((code, &report["ok"], &report["metrics"]["requests"]), (Some(0), &true.into(), &1.into()), "{report}");
        assert_eq!(named(&report)[..2], ["token", "master"], "{report}");
        assert!(named(&report).contains(&"ap/ticket@1".to_owned()) && named(&report).last().unwrap() == "worker 1");

        // Another key under the name and identifier of one of ours.
        let session = site.session();
        let label = cryptoki::object::Attribute::Label(b"issuer@1".to_vec());
        let old = session.find_objects(&[label]).unwrap()[0];
        let id = site.registry().version(&"issuer@1".parse().unwrap()).unwrap().object_id;
        session.destroy_object(old).unwrap();
        crate::site::import_with_id(&session, "issuer@1", &id, &[0x77; 16]);
        let (code, report) = health(site);
        assert_eq!((code, &report["error"]["code"]), (Some(6), &"KEY_KCV_MISMATCH".into()), "{report}");

        std::fs::write(site.path("pin"), "0000wrong\n").unwrap();
        assert_eq!(health(site).1["error"]["code"], "PIN_REFUSED");
        let (code, report) = health(site);
        assert_eq!((code, &report["error"]["code"]), (Some(7), &"PIN_LATCHED".into()), "{report}");
    }
}

site_test! {
    fn a_watch_turns_red_when_the_token_is_moved_away_and_green_when_it_is_back(site) {
        known_keys(site);
        let (mut program, lines) = watch(site);
        next(&lines, "well: ");
        std::fs::rename(site.path("tokens"), site.path("away")).unwrap();
        let red = next(&lines, "FAULT: ");
        assert!(red.contains("master: TOKEN_DIRECTORY") && red.contains("tokens"), "{red}");
        // Now the worker dies as well, and no other can start.
        children(program.id()).into_iter().for_each(|pid| signal(pid, Signal::KILL));
        let red = next(&lines, "FAULT: ");
        assert!(red.contains("token: TOKEN_DIRECTORY") && red.contains("worker 1: TOKEN_DIRECTORY"), "{red}");
        std::fs::rename(site.path("away"), site.path("tokens")).unwrap();
        next(&lines, "well: ");
        let workers = children(program.id());
        signal(program.id(), Signal::INT);
        assert_eq!(program.wait().unwrap().code(), Some(0));
        until("its workers to end", || workers.iter().all(|pid| !runs(*pid)));
        assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 0, "a copy is left");
    }
}

site_test! {
    fn a_watch_that_begins_without_a_token_begins_red(site) {
        known_keys(site);
        std::fs::rename(site.path("tokens"), site.path("away")).unwrap();
        let (mut program, lines) = watch(site);
        next(&lines, "FAULT: token: TOKEN_DIRECTORY");
        std::fs::rename(site.path("away"), site.path("tokens")).unwrap();
        next(&lines, "well: ");
        // A key that nobody announced: the master is not what the workers work with.
        let session = site.session();
        crate::site::import_with_id(&session, "stray", b"stray", &[0x55; 16]);
        let red = next(&lines, "FAULT: ");
        assert!(red.contains("master: TOKEN_CHANGED"), "{red}");
        signal(program.id(), Signal::TERM);
        assert_eq!(program.wait().unwrap().code(), Some(6));
    }
}
