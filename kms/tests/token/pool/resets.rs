//! Libraries that lose their session or hang on the way to the token, to order (`faulty.rs`).

use super::{children, pids, runs, signal, until};
use crate::faulty::Faulty;
use crate::return_values::card;
use crate::site::{Site, site_test};
use fuda_kms::Hsm;
use fuda_kms::metrics::WorkerState;
use fuda_kms::provider::TokenCopy;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// CKR_DEVICE_REMOVED.
const DEVICE_REMOVED: u64 = 0x32;

fn start(site: &Site, workers: u16) -> (Faulty, Hsm) {
    site.init(&["issuer", "ap/ticket"]);
    let faulty = Faulty::before(site);
    let mut token = site.token();
    token.provider.profile.start_ms = 4000;
    (faulty, site.pool_of(token, workers).unwrap())
}

site_test! {
    fn a_worker_whose_library_cannot_be_brought_back_is_replaced_and_its_request_answered(site) {
        let (faulty, hsm) = start(site, 1);
        let before = pids(&hsm.metrics());
        // For the card, for the test derivation, and for the session that was to be opened anew.
        faulty.next("C_OpenSession", 3, DEVICE_REMOVED);
        card(&hsm).unwrap();
        let metrics = hsm.metrics();
        assert_eq!((metrics.resets, metrics.failures, metrics.deaths, faulty.recover()), (1, 0, 0, 0), "{metrics:?}");
        assert_ne!(pids(&metrics), before);
    }
}

site_test! {
    fn a_device_that_stays_away_fails_requests_by_name_and_is_used_again_when_it_is_back(site) {
        let (faulty, hsm) = start(site, 2);
        faulty.always("C_OpenSession", DEVICE_REMOVED);
        let mut error = card(&hsm).unwrap_err();
        until("both workers to be missed", || {
            if let Err(latest) = card(&hsm) {
                error = latest;
            }
            hsm.metrics().workers.iter().all(|worker| worker.state == WorkerState::Failed)
        });
        assert_eq!(error.code(), "HSM_CALL_FAILED");
        assert!(error.to_string().contains("CKR_DEVICE_REMOVED"), "{error}");
        faulty.recover();
        let since = Instant::now();
        until("an answer", || card(&hsm).is_ok());
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
        let metrics = hsm.metrics();
        assert!((1..=2).contains(&metrics.resets), "{metrics:?}");
    }
}

site_test! {
    fn a_start_that_hangs_in_the_login_is_reported_never_killed_and_others_go_on(site) {
        let (faulty, hsm) = start(site, 2);
        faulty.next_does("C_Login", "hang");
        signal(pids(&hsm.metrics())[0], Signal::KILL);
        until("the late start", || hsm.metrics().workers[0].fault.is_some());
        let metrics = hsm.metrics();
        assert_eq!(metrics.workers[0].fault.as_ref().unwrap().code(), "WORKER_START_LATE", "{metrics:?}");
        let serving = pids(&metrics);
        let hung: Vec<u32> = children(std::process::id()).into_iter().filter(|pid| !serving.contains(pid)).collect();
        assert_eq!((serving.len(), hung.len()), (1, 1), "no second worker of the place joins it");
        for _ in 0..5 {
            card(&hsm).unwrap();
        }
        // Not after the five seconds that a drained worker has, and not with the pool.
        std::thread::sleep(Duration::from_secs(6));
        assert!(runs(hung[0]));
        drop(hsm);
        assert!(runs(hung[0]));
        signal(hung[0], Signal::KILL);
    }
}

site_test! {
    fn a_worker_that_was_given_up_while_it_waited_for_the_start_up_lock_does_not_log_in(site) {
        site.init(&["issuer"]);
        let faulty = Faulty::before(site);
        let mut token = site.token();
        token.provider.profile.start_ms = 700;
        // Without a copy to be made, the worker is the first to want the lock.
        token.provider.profile.token_copy = TokenCopy::None;
        let lock = std::fs::File::options().write(true).open(site.path("token-factory.startup.lock")).unwrap();
        flock(&lock, FlockOperation::LockExclusive).unwrap();
        let error = site.pool_of(token, 1).unwrap_err();
        assert_eq!(error.code(), "WORKER_START_LATE", "{error}");
        let ours = std::process::id();
        assert_eq!(children(ours).len(), 1, "it still waits");
        drop(lock);
        until("its end", || children(ours).is_empty());
        assert_eq!(faulty.logins(), 0);
        drop(site.pool(1).unwrap());
        assert_eq!(faulty.logins(), 1);
    }
}
