//! A line with worker processes: it loads no PKCS#11 library, and a worker that is killed costs no chip.

use fuda_tests::memory::children;
use fuda_tests::running::until;
use fuda_tests::{Order, Site, agree};
use rustix::process::{Pid, Signal, kill_process};

/// What a process has mapped, and its resident memory in KiB.
fn mapped(pid: u32) -> (String, u64) {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    (maps, resident.unwrap_or(0))
}

fn kill(pid: u32) {
    let _ = kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL);
}

#[test]
fn only_the_workers_load_the_pkcs11_library() {
    let site = Site::new();
    site.order(&Order::small(12));
    site.blank("stack", 12);
    let feeder = site.feeder("stack", 1, &["--latency", "3ms"]);
    let line = site.line(1, &["--hsm-workers", "2"]);
    site.until_ejected(2);
    let workers = children(line.pid());
    assert_eq!(workers.len(), 2);
    let (maps, resident) = mapped(line.pid());
    assert!(maps.contains("fuda-factory") && !maps.contains("softhsm"), "{maps}");
    println!("line {resident} KiB");
    for pid in workers {
        let (maps, resident) = mapped(pid);
        assert!(maps.contains("fuda-kms") && maps.contains("libsofthsm2.so"), "{maps}");
        println!("worker {resident} KiB");
        let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
        let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
        let pin = std::fs::read_to_string(site.path("pin")).unwrap();
        assert!(!environment.contains(pin.trim_end()) && !arguments.contains(pin.trim_end()));
        let conf = environment.split('\0').find_map(|entry| entry.strip_prefix("SOFTHSM2_CONF=")).unwrap();
        assert!(conf.contains("workers/"), "{conf}: a worker is on the master");
    }
    assert_eq!(line.wait().done()["good"], 12);
    let _ = feeder.wait().done();
    assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 0, "a copy of the token is left");
}

#[test]
fn workers_that_are_killed_during_a_run_cost_no_chip_and_no_second_attempt() {
    let site = Site::new();
    site.order(&Order::small(15));
    site.blank("stack", 15);
    let feeder = site.feeder("stack", 2, &["--latency", "2ms"]);
    let mut line = site.line(2, &["--hsm-workers", "2"]);
    site.until_ejected(1);
    let mut killed = 0;
    while !line.has_ended() {
        let made = site.chips("ejected").len();
        for pid in children(line.pid()) {
            kill(pid);
            killed += 1;
        }
        // However slow the machine is, the next ones come to work before they die too.
        until("another card", || line.has_ended() || site.chips("ejected").len() > made);
    }
    let report = line.wait().done();
    assert_eq!(report["good"], 15);
    assert!(killed >= 4, "only {killed} workers were killed");
    let told = &report["run"]["hsm"];
    assert!(told["deaths"].as_u64().unwrap() + told["failed_starts"].as_u64().unwrap() >= 4, "{told}");
    assert_eq!((&told["failures"], told["workers"].as_array().unwrap().len()), (&0.into(), 2), "{told}");
    let _ = feeder.wait().done();
    assert_eq!(site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1"), 0, "a card was interrupted");
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

/// Workers on copies do not notice it; the first that has to be started anew does, and then the line stops.
#[test]
fn a_token_that_vanishes_during_a_run_stops_the_line_at_the_next_start_of_a_worker_and_costs_no_chip() {
    let site = Site::new();
    site.order(&Order::small(30));
    site.blank("stack", 30);
    let feeder = site.feeder("stack", 1, &["--latency", "4ms"]);
    let line = site.line(1, &[]);
    site.until_ejected(1);
    std::fs::rename(site.path("tokens"), site.path("elsewhere")).unwrap();
    let before = site.chips("ejected").len();
    until("cards made with copies", || site.chips("ejected").len() > before + 1);
    children(line.pid()).into_iter().for_each(kill);
    let failure = line.wait().fails(7, "TOKEN_DIRECTORY");
    assert!(failure.what.contains("tokens"), "{failure:?}");
    std::fs::rename(site.path("elsewhere"), site.path("tokens")).unwrap();

    assert_eq!(site.line(1, &[]).wait().done()["good"], 30);
    let _ = feeder.wait().done();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}

#[test]
fn a_token_that_is_away_for_a_while_costs_the_line_nothing_as_long_as_a_worker_lives() {
    let site = Site::new();
    site.order(&Order::small(150));
    site.blank("stack", 150);
    let feeder = site.feeder("stack", 2, &["--latency", "2ms"]);
    let mut line = site.line(2, &["--hsm-workers", "2"]);
    site.until_ejected(1);
    let before = children(line.pid());
    assert_eq!(before.len(), 2);
    std::fs::rename(site.path("tokens"), site.path("elsewhere")).unwrap();
    kill(before[0]);
    let made = site.chips("ejected").len();
    until("cards made by the other worker", || site.chips("ejected").len() > made + 3);
    until("the end of the killed one, whom none can follow", || children(line.pid()) == [before[1]]);
    std::fs::rename(site.path("elsewhere"), site.path("tokens")).unwrap();
    until("two workers again", || children(line.pid()).len() == 2);
    assert!(!line.has_ended(), "the run was too short");
    assert_eq!(line.wait().done()["good"], 150);
    let _ = feeder.wait().done();
    assert_eq!(site.database().count("SELECT COUNT(*) FROM card WHERE attempt > 1"), 0, "a card was interrupted");
}
