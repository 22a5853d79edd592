//! What the pool leaves behind, and single workers that die or hang.

use super::{card, children, pids, pool, runs, signal, until};
use crate::requests::known_keys;
use crate::site::{both_tokens, site_test};
use rustix::process::Signal;
use std::io::BufRead;
use std::process::Stdio;

site_test! {
    fn workers_are_processes_that_end_with_the_pool_and_leave_nothing(site) {
        let hsm = pool(site, 2);
        card(&hsm).unwrap();
        let metrics = hsm.metrics();
        let pids = pids(&metrics);
        assert_eq!((metrics.requests, metrics.failures, metrics.starts, pids.len()), (1, 0, 2, 2));
        assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 2, "each has a copy of the token");
        drop(hsm);
        assert!(pids.into_iter().all(|pid| !runs(pid)), "a worker is left");
        assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 0, "a copy is left");
    }
}

both_tokens! {
    fn a_worker_that_is_killed_while_idle_is_replaced(site) {
        let hsm = pool(site, 2);
        for _ in 0..3 {
            pids(&hsm.metrics()).into_iter().for_each(|pid| signal(pid, Signal::KILL));
            card(&hsm).unwrap();
        }
        until("both serve again", || pids(&hsm.metrics()).len() == 2);
        let metrics = hsm.metrics();
        assert_eq!((metrics.requests, metrics.failures), (3, 0), "{metrics:?}");
        assert!(metrics.deaths >= 3, "{metrics:?}");
    }
}

both_tokens! {
    fn a_worker_that_hangs_is_timed_out_and_its_request_goes_to_another(site) {
        known_keys(site);
        let mut token = site.token();
        token.provider.profile.answer_ms = 2000;
        let hsm = site.pool_of(token, 2).unwrap();
        let stopped = pids(&hsm.metrics())[0];
        signal(stopped, Signal::STOP);
        let mut asked = 0;
        // Two callers at once, so that one of them meets the stopped worker.
        until("somebody to meet it", || {
            std::thread::scope(|scope| {
                let callers = [0; 2].map(|_| scope.spawn(|| card(&hsm)));
                callers.into_iter().for_each(|caller| caller.join().unwrap().unwrap());
            });
            asked += 2;
            hsm.metrics().timeouts > 0
        });
        let metrics = hsm.metrics();
        let counts = (metrics.requests, metrics.failures, metrics.timeouts, metrics.handed_over);
        assert_eq!(counts, (asked, 0, 1, 1), "{metrics:?}");
        assert!(metrics.queued_us_max > 0, "{metrics:?}");
        until("the end of the stopped worker", || !runs(stopped));
    }
}

site_test! {
    fn workers_end_with_a_program_that_is_killed_and_the_next_removes_their_copies(site) {
        known_keys(site);
        let watch = || {
            let mut command = site.fuda_kms_command();
            command.args(["health", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
        };
        // The first is killed with its worker about to start, the second with a worker that serves.
        let mut program = watch();
        until("a worker", || !children(program.id()).is_empty());
        let workers = children(program.id());
        program.kill().unwrap();
        program.wait().unwrap();
        until("its end", || workers.iter().all(|pid| !runs(*pid)));

        let mut program = watch();
        let mut line = String::new();
        std::io::BufReader::new(program.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("well: "), "{line}");
        let workers = children(program.id());
        assert_eq!(workers.len(), 1);
        program.kill().unwrap();
        program.wait().unwrap();
        until("its end", || workers.iter().all(|pid| !runs(*pid)));
        assert!(std::fs::read_dir(site.path("workers")).unwrap().count() > 0, "nothing to remove");
        drop(site.pool(1).unwrap());
        assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 0, "copies of the killed are left");
    }
}
