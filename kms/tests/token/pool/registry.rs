//! The pool follows the registry: states within two seconds, new keys through fresh copies, fresh workers after enough derivations.

use super::{card, pids, pool, until};
use crate::requests::{KDD, known_keys, open};
use crate::site::{Maker, both_tokens, site_test};
use fuda_kms::state::State;
use fuda_kms::{CardChallenge, CardRequest, Hsm, KeyVersion};
use std::time::{Duration, Instant};

fn opens(hsm: &Hsm, key: &str) -> Result<(), &'static str> {
    let steps = vec![open(key, CardChallenge::Answered([0; 8]))];
    let epoch = hsm.epoch().map_err(|error| error.code())?;
    hsm.card(CardRequest { epoch, kdd: KDD, steps }).map(drop).map_err(|error| error.code())
}

both_tokens! {
    fn nothing_derives_two_seconds_after_a_suspension_in_any_process(site) {
        let hsm = pool(site, 4);
        let (registry, issuer): (_, KeyVersion) = (site.registry(), "issuer@1".parse().unwrap());
        for state in [State::SuspendedActive, State::Active, State::Grace, State::Retired, State::Destroyed] {
            registry.change_state(&issuer, state).unwrap();
            let since = Instant::now();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        while since.elapsed() < Duration::from_millis(2600) {
                            let begun = since.elapsed();
                            let outcome = opens(&hsm, "issuer@1");
                            let allowed = matches!(state, State::Active | State::Grace);
                            if begun > Duration::from_secs(2) {
                                assert_eq!(outcome, if allowed { Ok(()) } else { Err("KEY_STATE_FORBIDS") }, "{state}");
                            }
                        }
                    });
                }
            });
        }
        let metrics = hsm.metrics();
        let renewals = if site.maker() == Maker::SoftHsm { 4 } else { 0 };
        assert!(metrics.renewals >= renewals && metrics.deaths + metrics.resets == 0, "{metrics:?}");
    }
}

site_test! {
    fn a_key_that_comes_into_the_token_later_is_used_through_a_fresh_copy(site) {
        let hsm = pool(site, 3);
        let before = pids(&hsm.metrics());
        assert_eq!(opens(&hsm, "ap/late@1"), Err("KEY_UNKNOWN"));
        site.import(&site.session(), "ap/late@1", &[0x99; 16]);
        until("the new key", || opens(&hsm, "ap/late@1") == Ok(()));
        // A worker learns of it with its next request.
        until("fresh workers", || {
            card(&hsm).unwrap();
            pids(&hsm.metrics()).iter().all(|pid| !before.contains(pid))
        });
        let metrics = hsm.metrics();
        assert!(metrics.renewals >= 3 && metrics.deaths + metrics.resets + metrics.timeouts == 0, "{metrics:?}");
        assert_eq!(metrics.failed_starts, 0, "{metrics:?}");
    }
}

site_test! {
    fn a_worker_that_has_derived_enough_makes_room_for_a_fresh_one(site) {
        known_keys(site);
        let mut token = site.token();
        token.provider.profile.recycle_derivations = 200;
        let hsm = site.pool_of(token, 1).unwrap();
        let mut seen = pids(&hsm.metrics());
        until("three of them", || {
            card(&hsm).unwrap();
            seen.extend(pids(&hsm.metrics()));
            hsm.metrics().recycles >= 3
        });
        seen.dedup();
        let metrics = hsm.metrics();
        assert!(seen.len() >= 3, "{seen:?}");
        assert_eq!((metrics.failures, metrics.deaths, metrics.handed_over), (0, 0, 0), "{metrics:?}");
        assert!(metrics.workers[0].derived < 2000, "{metrics:?}");
    }
}
