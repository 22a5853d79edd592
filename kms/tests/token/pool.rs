//! The pool of worker processes: it answers as threads do, and goes on when workers die, hang or cannot start.

use crate::requests::{KDD, known_keys, verify, whole_card};
use crate::site::{Site, site_test};
use fuda_kms::{Hsm, Metrics};
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

fn card(hsm: &Hsm, number: u8) {
    let mut request = whole_card(hsm.epoch().unwrap());
    request.kdd = KDD;
    request.epoch = hsm.epoch().unwrap();
    let _ = number;
    verify(&request, &hsm.card(request.clone()).unwrap().steps);
}

fn pids(metrics: &Metrics) -> Vec<u32> {
    metrics.workers.iter().filter_map(|worker| worker.pid).collect()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pool(site: &Site, workers: u16) -> Hsm {
    known_keys(site);
    site.pool(workers).unwrap()
}

site_test! {
    fn workers_are_processes_that_end_with_the_pool_and_leave_nothing(site) {
        let hsm = pool(site, 2);
        card(&hsm, 0);
        let metrics = hsm.metrics();
        let pids = pids(&metrics);
        assert_eq!((metrics.requests, metrics.failures, metrics.starts, pids.len()), (1, 0, 2, 2));
        assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 2, "each has a copy of the token");
        drop(hsm);
        for pid in pids {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} is left");
        }
        assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 0, "a copy is left");
    }
}

site_test! {
    fn a_worker_that_is_killed_while_idle_is_replaced(site) {
        let hsm = pool(site, 2);
        for _ in 0..3 {
            for pid in pids(&hsm.metrics()) {
                signal(pid, Signal::KILL);
            }
            card(&hsm, 0);
        }
        until("both serve again", || pids(&hsm.metrics()).len() == 2);
        let metrics = hsm.metrics();
        assert_eq!((metrics.requests, metrics.failures), (3, 0), "{metrics:?}");
        assert!(metrics.deaths >= 3, "{metrics:?}");
    }
}
