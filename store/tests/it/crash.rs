//! `kill -9` in the middle of writing: everything that was answered is there afterwards.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use fuda_store::Store;
use fuda_tests_cluster::{Engine, on_both_engines};

use crate::{Place, create_notes, ids, insert, options};

const CHILD_URL: &str = "FUDA_STORE_TEST_CHILD_URL";

/// The child: writes notes from four threads and prints each id once it is answered. Does nothing as an ordinary test.
#[test]
fn child_writes_until_killed() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let store = Store::open_with(&url, &options()).unwrap();
    create_notes(&store).unwrap();
    std::thread::scope(|scope| {
        for lane in 0..4_i64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0.. {
                    let id = n * 4 + lane;
                    insert(store, id, "x").unwrap();
                    println!("answered {id}");
                }
            });
        }
    });
}

fn what_was_answered_survives_sigkill(engine: Engine) {
    let place = Place::on(engine);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::child_writes_until_killed", "--exact", "--nocapture"])
        .env(CHILD_URL, &place.url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answered = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test harness prints its own line without an end before the first of ours.
        if let Some((_, id)) = line.split_once("answered ") {
            answered.push(id.parse::<i64>().unwrap());
        }
        if answered.len() == 200 && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(!child.wait().unwrap().success());
    assert!(answered.len() >= 200, "{}", answered.len());
    let store = place.open();
    let found = ids(&store);
    let lost: Vec<_> = answered.iter().filter(|id| !found.contains(id)).collect();
    assert!(lost.is_empty(), "answered but lost: {lost:?}");
}

on_both_engines!(what_was_answered_survives_sigkill);
