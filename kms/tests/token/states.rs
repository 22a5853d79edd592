//! What a version may be used for follows from its state, within a second of the change and without a restart.

use crate::site::both_tokens;
use fuda_kms::state::State;
use fuda_kms::{CardChallenge, CardRequest, CardStep, Error, Hsm, KeyVersion};
use std::time::{Duration, Instant};

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

fn open(hsm: &Hsm) -> Result<(), Error> {
    let step = CardStep::OpenSession {
        key: version("issuer@1"),
        host_challenge: [0; 8],
        challenge: CardChallenge::Answered([0; 8]),
    };
    hsm.card(CardRequest { epoch: hsm.epoch()?, kdd: [0; 10], steps: vec![step] }).map(drop)
}

fn issue(hsm: &Hsm) -> Result<(), Error> {
    let step = CardStep::WrapKeySet { new: version("issuer@1"), under: version("transport@1") };
    hsm.card(CardRequest { epoch: hsm.epoch()?, kdd: [0; 10], steps: vec![step] }).map(drop)
}

fn forbidden(outcome: &Result<(), Error>) -> bool {
    matches!(outcome, Err(Error::StateForbids { .. }))
}

both_tokens! {
    fn grace_opens_and_issues_nothing_suspended_does_neither_and_resumes(site) {
        site.init(&["transport", "issuer"]);
        let (hsm, registry) = (site.hsm(2).unwrap(), site.registry());
        let issuer = version("issuer@1");
        open(&hsm).unwrap();
        issue(&hsm).unwrap();
        for (state, opens, issues) in [
            (State::SuspendedActive, false, false),
            (State::Active, true, true),
            (State::Grace, true, false),
            (State::SuspendedGrace, false, false),
            (State::Grace, true, false),
            (State::Retired, false, false),
            (State::Destroyed, false, false),
        ] {
            registry.change_state(&issuer, state).unwrap();
            let since = Instant::now();
            while open(&hsm).is_ok() != opens || issue(&hsm).is_ok() != issues {
                assert!(since.elapsed() < Duration::from_secs(2), "{state} has no effect");
                std::thread::sleep(Duration::from_millis(20));
            }
            for (outcome, allowed) in [(open(&hsm), opens), (issue(&hsm), issues)] {
                assert_eq!(forbidden(&outcome), !allowed, "{state}: {outcome:?}");
            }
        }
        assert!(matches!(registry.change_state(&issuer, State::Active), Err(Error::StateForbids { .. })));
    }
}

both_tokens! {
    fn a_key_that_is_gone_or_another_stops_the_start_by_name(site) {
        site.init(&["transport", "issuer"]);
        let session = site.session();
        let find = |label: &str| {
            session.find_objects(&[cryptoki::object::Attribute::Label(label.as_bytes().to_vec())]).unwrap()[0]
        };
        session.destroy_object(find("issuer@1")).unwrap();
        let error = site.hsm(2).unwrap_err();
        assert!(matches!(&error, Error::KeyAbsent { version, .. } if *version == self::version("issuer@1")), "{error}");
        // Another key under the same name and identifier: only the check value tells.
        let id = site.registry().version(&version("issuer@1")).unwrap().object_id;
        crate::site::import_with_id(&session, "issuer@1", &id, &[0x77; 16]);
        let error = site.hsm(2).unwrap_err();
        assert_eq!((error.code(), error.exit()), ("KEY_KCV_MISMATCH", fuda_cli::Exit::Integrity), "{error}");
    }
}
