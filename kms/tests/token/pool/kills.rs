//! Workers killed at random moments, on their way to the token included, singly and all at once: no token is damaged, every request has
//! its one right answer, and nobody tries a PIN twice. `cargo xtask torture workers` is the long form: it sets `FUDA_KILLS`, and
//! `FUDA_TEST_SEED` to have a run again.

use super::{card, children, pids, pool, signal, until};
use crate::site::{Maker, both_tokens};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Kills when `FUDA_KILLS` does not say: ten seconds.
const KILLS: u64 = 60;
const WORKERS: u16 = 8;
const CALLERS: usize = 4;
/// The longest time in which no caller has an answer, whatever dies.
const OUTAGE_MAX: Duration = Duration::from_secs(5);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[derive(Default)]
struct Seen {
    answered: AtomicU64,
    errors: Mutex<BTreeMap<&'static str, u64>>,
    last: Mutex<Option<Instant>>,
    outage: Mutex<Duration>,
}

impl Seen {
    fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let last = self.last.lock().unwrap().replace(now);
        if let Some(last) = last {
            let mut outage = self.outage.lock().unwrap();
            *outage = outage.max(now - last);
        }
    }
}

/// How long every starter is killed: long enough for more deaths of each place than it takes to call it failed.
const SIEGE: Duration = Duration::from_millis(1_500);

both_tokens! {
    fn killed_on_their_way_for_a_while_they_are_waited_for(site) {
        let hsm = pool(site, 2);
        let (over, ours) = (AtomicBool::new(false), std::process::id());
        let errors = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    if let Err(error) = card(&hsm) {
                        errors.lock().unwrap().push(error.code());
                    }
                }
            });
            let since = Instant::now();
            while since.elapsed() < SIEGE {
                children(ours).into_iter().for_each(|pid| signal(pid, Signal::KILL));
                std::thread::sleep(Duration::from_millis(1));
            }
            let requests = hsm.metrics().requests;
            until("answers after the siege", || hsm.metrics().requests > requests + 20);
            over.store(true, Ordering::Relaxed);
        });
        let metrics = hsm.metrics();
        assert!(metrics.failed_starts >= 6, "each place lost three on their way: {metrics:?}");
        assert_eq!(*errors.lock().unwrap(), [""; 0], "{metrics:?}");
    }
}

both_tokens! {
    fn killed_at_random_moments_they_lose_no_request_and_harm_no_token(site) {
        let hsm = pool(site, WORKERS);
        let (kills, seed) = (number("FUDA_KILLS").unwrap_or(KILLS), number("FUDA_TEST_SEED"));
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
        println!("again with FUDA_TEST_SEED={seed} FUDA_KILLS={kills}");
        let (seen, over, ours) = (Seen::default(), AtomicBool::new(false), std::process::id());
        let starting = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        match card(&hsm) {
                            Ok(()) => seen.answered(),
                            Err(error) => *seen.errors.lock().unwrap().entry(error.code()).or_default() += 1,
                        }
                    }
                });
            }
            let (mut random, mut done) = (Random(seed), 0);
            while done < kills {
                // Now and then soon after another, when its victim's successor is about to log in.
                let longest = if random.below(3) == 0 { 40 } else { 300 };
                std::thread::sleep(Duration::from_millis(random.below(longest)));
                let workers = children(ours);
                let serving = pids(&hsm.metrics());
                let on_their_way: Vec<u32> = workers.iter().copied().filter(|pid| !serving.contains(pid)).collect();
                // One in twelve times all of them at once, one in three times those on their way to the token, else one.
                let victims = if random.below(12) == 0 {
                    workers
                } else if random.below(3) == 0 && !on_their_way.is_empty() {
                    on_their_way
                } else {
                    let at = usize::try_from(random.below(workers.len().max(1) as u64)).unwrap();
                    workers.get(at).copied().into_iter().collect()
                };
                for pid in victims {
                    starting.fetch_add(u64::from(!serving.contains(&pid)), Ordering::Relaxed);
                    signal(pid, Signal::KILL);
                    done += 1;
                }
            }
            // Those that were killed last are replaced, and the callers see it.
            let answered = seen.answered.load(Ordering::Relaxed);
            until("answers after the last kill", || seen.answered.load(Ordering::Relaxed) > answered + 20);
            over.store(true, Ordering::Relaxed);
        });
        let metrics = hsm.metrics();
        let (answered, outage) = (seen.answered.load(Ordering::Relaxed), *seen.outage.lock().unwrap());
        println!(
            "{:?}: {answered} requests answered, longest time without an answer {outage:?}; {} of the kills met a start-up; {} starts, \
             {} deaths while serving, {} failed starts, {} requests handed over",
            site.maker(),
            starting.into_inner(), metrics.starts, metrics.deaths, metrics.failed_starts, metrics.handed_over,
        );
        let errors = seen.errors.into_inner().unwrap();
        assert!(errors.is_empty(), "{errors:?} {metrics:?}");
        assert_eq!((metrics.requests, metrics.failures, metrics.timeouts), (answered, 0, 0), "{metrics:?}");
        assert!(outage < OUTAGE_MAX, "{outage:?}");
        drop(hsm);
        assert_eq!(site.token().files().latched().unwrap(), None, "a PIN was tried");
        let checked = site.fuda_kms(&["check", "--json"]);
        assert!(checked.status.success(), "{checked:?}");
        if site.maker() == Maker::SoftHsm {
            assert_eq!(std::fs::read_dir(site.path("workers")).unwrap().count(), 0, "a copy is left");
        }
    }
}
