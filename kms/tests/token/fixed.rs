//! The scheme `fixed`: the public GlobalPlatform default key of cards on sale, which is ENC, MAC and DEK of each of them.

use crate::oracle;
use crate::site::both_tokens;
use fuda_kms::{CardChallenge, CardRequest, CardStep, Error, KeyVersion, StepAnswer, checkup, inspect};

const KEYS: &str = "[[key]]\nname = \"initial\"\npublic = \"gp-default\"\nscheme = \"fixed\"\ncheck = \"504A77\"\n[[key]]\nname = \"issuer\"\n";
const GP_DEFAULT: [u8; 16] = *b"@ABCDEFGHIJKLMNO";

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

fn wrap(new: &str, under: &str) -> CardStep {
    CardStep::WrapKeySet { new: version(new), under: version(under) }
}

both_tokens! {
    fn channel_and_wrapping_are_those_of_the_key_itself(site) {
        site.try_init(KEYS).unwrap();
        let hsm = site.hsm(1).unwrap();
        let (host, card) = ([0x11; 8], [0x22; 8]);
        let steps = vec![
            CardStep::OpenSession { key: version("initial@1"), host_challenge: host, challenge: CardChallenge::Answered(card) },
            wrap("issuer@1", "initial@1"),
        ];
        for kdd in [[0; 10], [7; 10]] {
            let answer = hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd, steps: steps.clone() }).unwrap();
            let [StepAnswer::Session { keys, .. }, StepAnswer::KeySet(set)] = answer.steps.as_slice() else { panic!("{answer:?}") };
            let context = [host, card].concat();
            assert_eq!(*keys.s_enc.expose(), oracle::scp03(&GP_DEFAULT, 4, 128, &context));
            assert_eq!(*keys.s_mac.expose(), oracle::scp03(&GP_DEFAULT, 6, 128, &context));
            assert_eq!(*keys.s_rmac.expose(), oracle::scp03(&GP_DEFAULT, 7, 128, &context));
            for key in set {
                assert_eq!(oracle::gp_kcv(&oracle::decrypt(&GP_DEFAULT, key.ciphertext.as_bytes())), key.kcv);
            }
        }
    }
}

both_tokens! {
    fn it_never_goes_onto_a_card(site) {
        site.try_init(KEYS).unwrap();
        let hsm = site.hsm(1).unwrap();
        let ask = |steps| hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd: [0; 10], steps });
        let error = ask(vec![wrap("initial@1", "issuer@1")]).unwrap_err();
        assert_eq!((error.code(), error.exit()), ("KEY_SCHEME_FORBIDS", fuda_cli::Exit::Refused), "{error}");
        assert!(error.to_string().contains("initial@1 has the scheme `fixed`"), "{error}");
        ask(vec![wrap("issuer@1", "initial@1")]).unwrap();
    }
}

both_tokens! {
    fn its_object_has_the_two_rights_that_it_needs(site) {
        site.try_init(KEYS).unwrap();
        let rows = inspect::attributes(&site.token(), &site.registry(), &version("initial@1")).unwrap();
        let granted: Vec<_> = rows.iter().filter(|(_, value)| value == "true").map(|(name, _)| name.as_str()).collect();
        // Its value is public: a copy of it is no loss.
        assert_eq!(granted, ["TOKEN", "PRIVATE", "SENSITIVE", "COPYABLE", "SIGN", "WRAP"]);
        let findings = checkup::run(&site.token(), &site.registry(), None).unwrap().findings;
        assert!(findings.iter().all(|finding| finding.faults.is_empty()), "{findings:?}");
        assert_eq!(findings.iter().map(|finding| finding.scheme).collect::<Vec<_>>(), ["fixed", "kdf3"]);
    }
}

both_tokens! {
    fn the_schemes_of_file_and_registry_must_agree_and_production_refuses_it_by_name(site) {
        site.try_init(KEYS).unwrap();
        site.try_init(KEYS).unwrap();
        let error = site.try_init(&KEYS.replace("scheme = \"fixed\"\ncheck = \"504A77\"", "")).unwrap_err();
        assert_eq!(error.to_string(), "initial@1: the scheme differs: keys.toml says kdf3, the registry says fixed");
        site.configure("production");
        let error = site.try_init(KEYS).unwrap_err();
        assert!(matches!(error, Error::Policy { .. }) && error.to_string().contains("`initial`") && error.to_string().contains("fixed"), "{error}");
        let error = site.hsm(1).unwrap_err();
        assert!(matches!(error, Error::Policy { .. }) && error.to_string().contains("initial@1"), "{error}");
    }
}
