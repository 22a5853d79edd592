//! Keys of known value give the cards' keys of kdf3.json, the public vector, and what software computes.

use crate::oracle;
use crate::site::both_tokens;
use crate::vectors;
use fuda_kms::{CardAnswer, CardChallenge, CardRequest, CardStep, Hsm, KeyVersion, StepAnswer};

fn ask(hsm: &Hsm, kdd: [u8; 10], steps: Vec<CardStep>) -> CardAnswer {
    hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd, steps }).unwrap()
}

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

both_tokens! {
    /// The three keys of a set come out of the token as PUT KEY carries them; software, which knows the KDKs, opens them.
    fn every_vector_of_kdf3_comes_out_of_the_token(site) {
        const TRANSPORT: [u8; 16] = [0x7A; 16];
        site.init(&["receipt"]);
        let session = site.session();
        site.import(&session, "transport@1", &TRANSPORT);
        let cases = vectors::kdf3(128);
        assert!(cases.len() >= 10, "{} cases", cases.len());
        for case in &cases {
            site.import(&session, &format!("ap/{}@1", case.id), &case.kdk);
        }
        let hsm = site.hsm(2).unwrap();
        for case in &cases {
            let step = CardStep::WrapKeySet { new: version(&format!("ap/{}@1", case.id)), under: version("transport@1") };
            let answer = ask(&hsm, case.kdd, vec![step]);
            let [StepAnswer::KeySet(set)] = answer.steps.as_slice() else { panic!("{answer:?}") };
            let dek = oracle::kdf3(&TRANSPORT, &case.kdd, 3);
            for (wrapped, (key, kcv)) in set.iter().zip(&case.set) {
                assert_eq!(oracle::decrypt(&dek, wrapped.ciphertext.as_bytes()), *key, "{}", case.id);
                assert_eq!(wrapped.kcv, *kcv, "{}", case.id);
            }
        }
    }
}

both_tokens! {
    fn the_public_test_key_gives_the_public_check_values(site) {
        site.try_init("[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n[[key]]\nname = \"transport\"\n").unwrap();
        let hsm = site.hsm(1).unwrap();
        let step = CardStep::WrapKeySet { new: version("initial@1"), under: version("transport@1") };
        let answer = ask(&hsm, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], vec![step]);
        let [StepAnswer::KeySet(set)] = answer.steps.as_slice() else { panic!("{answer:?}") };
        assert_eq!(set.map(|key| hex::encode_upper(key.kcv)), ["E79C05", "D1BD77", "3FDE8C"]);
    }
}

both_tokens! {
    /// SCP03: session keys for an answered challenge, and for one that is predicted from counter and DF name.
    fn session_keys_are_those_of_software(site) {
        const KDK: [u8; 16] = [0x5C; 16];
        site.init(&["receipt"]);
        site.import(&site.session(), "issuer@1", &KDK);
        let hsm = site.hsm(1).unwrap();
        let kdd = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
        let (enc, mac) = (oracle::kdf3(&KDK, &kdd, 1), oracle::kdf3(&KDK, &kdd, 2));
        let (host, name) = ([0x11; 8], [0xA0, 0, 0, 1, 0x51, 0, 0, 0]);
        let predicted: [u8; 8] = oracle::scp03(&enc, 2, 64, &[&[0, 1, 2], name.as_slice()].concat())[..8].try_into().unwrap();
        for (challenge, card) in [
            (CardChallenge::Answered([0x22; 8]), [0x22; 8]),
            (CardChallenge::Predicted { counter: 0x0102, df_name: name.to_vec() }, predicted),
        ] {
            let step = CardStep::OpenSession { key: version("issuer@1"), host_challenge: host, challenge };
            let answer = ask(&hsm, kdd, vec![step]);
            let [StepAnswer::Session { card_challenge, keys }] = answer.steps.as_slice() else { panic!("{answer:?}") };
            assert_eq!(*card_challenge, card);
            let context = [host, card].concat();
            assert_eq!(*keys.s_enc.expose(), oracle::scp03(&enc, 4, 128, &context));
            assert_eq!(*keys.s_mac.expose(), oracle::scp03(&mac, 6, 128, &context));
            assert_eq!(*keys.s_rmac.expose(), oracle::scp03(&mac, 7, 128, &context));
        }
    }
}
