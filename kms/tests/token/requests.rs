//! Whole cards: one request with every session and every key set of a card, its calls, its errors, and what is left behind.

use crate::oracle;
use crate::site::{Maker, Site, both_tokens};
use cryptoki::object::{Attribute, ObjectClass};
use fuda_kms::{CardChallenge, CardRequest, CardStep, Epoch, Error, Hsm, KeyVersion, StepAnswer};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};

pub(crate) const KDD: [u8; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const KEYS: [&str; 7] =
    ["initial@1", "transport@1", "issuer@1", "ap/ticket@1", "ap/library@1", "ap/parking@1", "ap/points@1"];

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

pub(crate) fn open(key: &str, challenge: CardChallenge) -> CardStep {
    CardStep::OpenSession { key: version(key), host_challenge: [0x11; 8], challenge }
}

fn wrap(new: &str, under: &str) -> CardStep {
    CardStep::WrapKeySet { new: version(new), under: version(under) }
}

/// The first channel answers its challenge; the others are with sets that we put there, whose counters start at 1.
pub(crate) fn whole_card(epoch: Epoch) -> CardRequest {
    let first = |name: u8| CardChallenge::Predicted { counter: 1, df_name: vec![0xA0, 0, 0, 0, name] };
    let mut steps = vec![open("initial@1", CardChallenge::Answered([0x22; 8])), wrap("transport@1", "initial@1")];
    steps.extend([open("transport@1", first(0)), wrap("issuer@1", "transport@1"), open("issuer@1", first(0))]);
    for (number, ap) in KEYS[3..].iter().enumerate() {
        steps.extend([wrap(ap, "issuer@1"), open(ap, first(number as u8 + 1))]);
    }
    CardRequest { epoch, kdd: KDD, steps }
}

pub(crate) fn with_known_keys(site: &Site) -> Hsm {
    known_keys(site);
    site.hsm(2).unwrap()
}

/// A token with keys whose values this test knows.
pub(crate) fn known_keys(site: &Site) {
    site.init(&["receipt"]);
    let session = site.session();
    for (number, key) in KEYS.iter().enumerate() {
        site.import(&session, key, &[number as u8 + 0x30; 16]);
    }
}

fn static_key(key: &KeyVersion, purpose: u8) -> Vec<u8> {
    let number = KEYS.iter().position(|name| version(name) == *key).unwrap() as u8;
    oracle::kdf3(&[number + 0x30; 16], &KDD, purpose)
}

/// Compares every byte of an answer with software.
pub(crate) fn verify(request: &CardRequest, answers: &[StepAnswer]) {
    assert_eq!(request.steps.len(), answers.len());
    for (step, answer) in request.steps.iter().zip(answers) {
        match (step, answer) {
            (
                CardStep::OpenSession { key, host_challenge, challenge },
                StepAnswer::Session { card_challenge, keys },
            ) => {
                let (enc, mac) = (static_key(key, 1), static_key(key, 2));
                match challenge {
                    CardChallenge::Answered(answered) => assert_eq!(card_challenge, answered),
                    CardChallenge::Predicted { counter, df_name } => {
                        let context = [&counter.to_be_bytes()[1..], df_name].concat();
                        assert_eq!(card_challenge[..], oracle::scp03(&enc, 2, 64, &context)[..8]);
                    }
                }
                let context = [*host_challenge, *card_challenge].concat();
                assert_eq!(*keys.s_enc.expose(), oracle::scp03(&enc, 4, 128, &context));
                assert_eq!(*keys.s_mac.expose(), oracle::scp03(&mac, 6, 128, &context));
                assert_eq!(*keys.s_rmac.expose(), oracle::scp03(&mac, 7, 128, &context));
            }
            (CardStep::WrapKeySet { new, under }, StepAnswer::KeySet(set)) => {
                for (purpose, wrapped) in (1..).zip(set) {
                    let key = static_key(new, purpose);
                    assert_eq!(oracle::decrypt(&static_key(under, 3), wrapped.ciphertext.as_bytes()), key);
                    assert_eq!(wrapped.kcv, oracle::gp_kcv(&key));
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

both_tokens! {
    fn a_whole_card_in_one_request_derives_each_key_once_and_leaves_nothing(site) {
        let hsm = with_known_keys(site);
        let request = whole_card(hsm.epoch().unwrap());
        let answer = hsm.card(request.clone()).unwrap();
        verify(&request, &answer.steps);
        // Open and close; 7 sets x 3 keys, but for the four AP DEKs that only go onto the card: all derived once;
        // 6 x 3 keys of one call to wrap and 2 for the KCV; 7 x 3 session keys and 6 predicted challenges of 2 calls.
        assert_eq!(answer.calls, 2 + 7 * 3 + 6 * 3 * (1 + 2) + (7 * 3 + 6) * 2);
        let left = site.session().find_objects(&[Attribute::Token(false), Attribute::Class(ObjectClass::SECRET_KEY)]).unwrap();
        // On Kryoptic each of the two workers keeps a session copy of every key-derivation key.
        let copies = if site.maker() == Maker::Kryoptic { 2 * KEYS.len() } else { 0 };
        assert_eq!(left.len(), copies, "session keys are left");
        let metrics = hsm.metrics();
        assert_eq!((metrics.requests, metrics.failures, metrics.calls), (1, 0, u64::from(answer.calls)));
    }
}

both_tokens! {
    fn many_cards_at_once_all_get_their_own_keys(site) {
        let hsm = with_known_keys(site);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let hsm = hsm.clone();
                scope.spawn(move || {
                    for _ in 0..25 {
                        let request = whole_card(hsm.epoch().unwrap());
                        verify(&request, &hsm.card(request.clone()).unwrap().steps);
                    }
                });
            }
        });
        assert_eq!(hsm.metrics().requests, 100);
    }
}

both_tokens! {
    fn requests_that_nobody_should_make_are_refused_and_the_worker_goes_on(site) {
        let hsm = with_known_keys(site);
        let epoch = hsm.epoch().unwrap();
        let ask = |epoch, steps| hsm.card(CardRequest { epoch, kdd: KDD, steps });
        let answered = || CardChallenge::Answered([0; 8]);
        assert!(matches!(ask(epoch, vec![]), Err(Error::BadRequest { .. })));
        assert!(matches!(ask(epoch, vec![open("receipt@1", answered())]), Err(Error::WrongKind { .. })));
        assert!(matches!(ask(epoch, vec![open("issuer@2", answered())]), Err(Error::VersionUnknown { .. })));
        let ahead = Epoch::new(epoch.number() + 1);
        assert!(matches!(ask(ahead, vec![open("issuer@1", answered())]), Err(Error::EpochAhead { .. })));
        assert!(matches!(hsm.sign(&version("issuer@1"), &[0; 32]), Err(Error::WrongKind { .. })));
        // A caller that is behind is answered by the registry as it is now.
        ask(Epoch::new(0), vec![open("issuer@1", answered())]).unwrap();
        verify(&whole_card(epoch), &hsm.card(whole_card(epoch)).unwrap().steps);
    }
}

both_tokens! {
    fn a_signature_verifies_with_the_public_key(site) {
        site.init(&["receipt"]);
        let hsm = site.hsm(1).unwrap();
        let digest = [0xAB; 32];
        let signature = Signature::from_slice(&hsm.sign(&version("receipt@1"), &digest).unwrap()).unwrap();
        let key = VerifyingKey::from(hsm.public_key(&version("receipt@1")).unwrap());
        key.verify_prehash(&digest, &signature).unwrap();
        assert!(key.verify_prehash(&[0xAC; 32], &signature).is_err());
    }
}

both_tokens! {
    fn a_worker_that_was_logged_out_logs_in_again_once(site) {
        let hsm = with_known_keys(site);
        let request = whole_card(hsm.epoch().unwrap());
        verify(&request, &hsm.card(request.clone()).unwrap().steps);
        site.session().logout().unwrap();
        verify(&request, &hsm.card(request.clone()).unwrap().steps);
        assert!(hsm.metrics().retries >= 1);
        assert_eq!(hsm.metrics().failures, 0);
        // Without a PIN it cannot; once the PIN is back it goes on.
        site.session().logout().unwrap();
        std::fs::rename(site.path("pin"), site.path("pin-away")).unwrap();
        assert!(matches!(hsm.card(request.clone()), Err(Error::PinFile { .. })));
        std::fs::rename(site.path("pin-away"), site.path("pin")).unwrap();
        verify(&request, &hsm.card(request.clone()).unwrap().steps);
    }
}
