//! Routes and lengths: what each token can be trusted with, and what is refused by name instead of being computed wrongly.

use crate::oracle;
use crate::site::{Site, both_tokens, kryoptic_test, site_test};
use crate::vectors;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass};
use fuda_kms::{CardChallenge, CardRequest, CardStep, Error, Hsm, KeyVersion, StepAnswer, WrappedKey, checkup};

const KDD: [u8; 10] = [0x0C, 9, 8, 7, 6, 5, 4, 3, 2, 1];

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

fn key_set(hsm: &Hsm, kdd: [u8; 10], new: &str, under: &str) -> [WrappedKey; 3] {
    let step = CardStep::WrapKeySet { new: version(new), under: version(under) };
    let answer = hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd, steps: vec![step] }).unwrap();
    match answer.steps.as_slice() {
        [StepAnswer::KeySet(set)] => *set,
        other => panic!("{other:?}"),
    }
}

fn known_aes_256(site: &Site) -> Hsm {
    site.init(&["receipt"]);
    let session = site.session();
    site.import(&session, "transport@1", &[0x7A; 16]);
    for case in vectors::kdf3(256) {
        site.import(&session, &format!("ap/{}@1", case.id), &case.kdk);
    }
    site.hsm(1).unwrap()
}

kryoptic_test! {
    fn every_aes_256_vector_of_kdf3_comes_out_of_a_token_with_sp_800_108(site) {
        let hsm = known_aes_256(site);
        let cases = vectors::kdf3(256);
        assert!(cases.len() >= 4, "{} cases", cases.len());
        for case in &cases {
            let dek = oracle::kdf3(&[0x7A; 16], &case.kdd, 3);
            let set = key_set(&hsm, case.kdd, &format!("ap/{}@1", case.id), "transport@1");
            for (wrapped, (key, kcv)) in set.iter().zip(&case.set) {
                assert_eq!(oracle::decrypt(&dek, wrapped.ciphertext.as_bytes()), *key, "{}", case.id);
                assert_eq!(wrapped.kcv, *kcv, "{}", case.id);
            }
        }
    }
}

kryoptic_test! {
    fn an_aes_256_channel_has_session_keys_of_its_length(site) {
        let hsm = known_aes_256(site);
        let case = &vectors::kdf3(256)[0];
        let [(enc, _), (mac, _), (dek, _)] = &case.set;
        let (host, name) = ([0x11; 8], [0xA0, 0, 0, 1, 0x51, 0, 0, 0]);
        let key = version(&format!("ap/{}@1", case.id));
        let steps = vec![
            CardStep::OpenSession {
                key: key.clone(),
                host_challenge: host,
                challenge: CardChallenge::Predicted { counter: 7, df_name: name.to_vec() },
            },
            CardStep::WrapKeySet { new: version("transport@1"), under: key },
        ];
        let answer = hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd: case.kdd, steps }).unwrap();
        let [StepAnswer::Session { card_challenge, keys }, StepAnswer::KeySet(set)] = answer.steps.as_slice() else { panic!("{answer:?}") };
        assert_eq!(card_challenge[..], oracle::scp03(enc, 2, 64, &[&[0, 0, 7], name.as_slice()].concat()));
        let context = [host, *card_challenge].concat();
        assert_eq!(*keys.s_enc.expose(), oracle::scp03(enc, 4, 256, &context));
        assert_eq!(*keys.s_mac.expose(), oracle::scp03(mac, 6, 256, &context));
        assert_eq!(*keys.s_rmac.expose(), oracle::scp03(mac, 7, 256, &context));
        assert_eq!(oracle::decrypt(dek, set[0].ciphertext.as_bytes()), oracle::kdf3(&[0x7A; 16], &case.kdd, 1));
    }
}

kryoptic_test! {
    fn an_aes_256_key_is_born_registered_and_checked(site) {
        site.try_init("[[key]]\nname = \"issuer\"\nbits = 256\n[[key]]\nname = \"transport\"\n").unwrap();
        let findings = checkup::run(&site.token(), &site.registry(), None).unwrap().findings;
        assert!(findings.iter().all(|finding| finding.faults.is_empty()), "{findings:?}");
        let set = key_set(&site.hsm(1).unwrap(), KDD, "issuer@1", "transport@1");
        assert!(set.iter().all(|key| key.ciphertext.as_bytes().len() == 32));
        let error = site.try_init("[[key]]\nname = \"issuer\"\n").unwrap_err();
        assert_eq!(error.to_string(), "issuer@1: the length differs: keys.toml says AES-128, the registry says AES-256");
    }
}

site_test! {
    /// The trap: C_DeriveKey returns CKR_OK, and only the first half is right.
    fn encrypt_data_gives_a_wrong_second_half_without_an_error(site) {
        site.init(&["receipt"]);
        let session = site.session();
        let case = &vectors::kdf3(256)[0];
        let kdk = session.create_object(&[
            Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), Attribute::Token(false),
            Attribute::Value(case.kdk.clone()), Attribute::Derive(true),
        ]).unwrap();
        let number = u128::from_be_bytes(oracle::encrypt(&case.kdk, [0; 16]));
        let k1 = ((number << 1) ^ (0x87 * (number >> 127))).to_be_bytes();
        let input: Vec<u8> = [1, 2].into_iter().flat_map(|counter| {
            let block = [&[counter, 0, 0, 0, 1, 0], case.kdd.as_slice()].concat();
            block.into_iter().zip(k1).map(|(byte, key)| byte ^ key).collect::<Vec<u8>>()
        }).collect();
        let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new([0; 16], &input));
        let child = session.derive_key(&mechanism, kdk, &[
            Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), Attribute::Token(false),
            Attribute::ValueLen(32.into()), Attribute::Sensitive(false), Attribute::Extractable(true),
        ]).unwrap();
        let Attribute::Value(value) = &session.get_attributes(child, &[AttributeType::Value]).unwrap()[0] else { panic!() };
        let right = &case.set[0].0;
        assert_eq!(value[..16], right[..16]);
        assert_ne!(value[16..], right[16..]);
    }
}

site_test! {
    fn aes_256_is_refused_by_name_where_only_encrypt_data_is(site) {
        let error = site.try_init("[[key]]\nname = \"issuer\"\nbits = 256\n").unwrap_err();
        assert_eq!((error.code(), error.exit()), ("HSM_NO_ROUTE", fuda_cli::Exit::Hsm), "{error}");
        assert!(error.to_string().contains("AES-256") && error.to_string().contains("encrypt-data"), "{error}");
        // Nothing was born and nothing registered; AES-128 goes on.
        assert!(site.registry().list().unwrap().is_empty());
        site.init(&["issuer"]);
    }
}

both_tokens! {
    fn an10922_is_that_of_software(site) {
        site.init(&["receipt"]);
        let session = site.session();
        site.import(&session, "transport@1", &[0x7A; 16]);
        site.import_as(&session, "initial@1", &[0x5B; 16], fuda_kms::Scheme::An10922);
        let hsm = site.hsm(1).unwrap();
        let dek = oracle::kdf3(&[0x7A; 16], &KDD, 3);
        for (purpose, wrapped) in (1..).zip(key_set(&hsm, KDD, "initial@1", "transport@1")) {
            let key = oracle::an10922(&[0x5B; 16], &[KDD.as_slice(), &[0, 0, purpose], b"FUDA"].concat());
            assert_eq!(oracle::decrypt(&dek, wrapped.ciphertext.as_bytes()), key);
            assert_eq!(wrapped.kcv, oracle::gp_kcv(&key));
        }
    }
}

kryoptic_test! {
    /// The library reads its configuration once per process: this one is left without SP 800-108 from the start.
    fn the_next_route_is_taken_where_the_best_is_missing(site) {
        site.configure_kryoptic(&["CKM_SP800_108_COUNTER_KDF"]);
        site.init(&["receipt"]);
        let session = site.session();
        let case = &vectors::kdf3(128)[0];
        site.import(&session, "transport@1", &[0x7A; 16]);
        site.import(&session, "issuer@1", &case.kdk);
        let dek = oracle::kdf3(&[0x7A; 16], &case.kdd, 3);
        for (wrapped, (key, _)) in key_set(&site.hsm(1).unwrap(), case.kdd, "issuer@1", "transport@1").iter().zip(&case.set) {
            assert_eq!(oracle::decrypt(&dek, wrapped.ciphertext.as_bytes()), *key);
        }
        let error = site.try_init("[[key]]\nname = \"recovery\"\nbits = 256\n").unwrap_err();
        assert!(matches!(error, Error::NoRoute { .. }), "{error}");
    }
}

kryoptic_test! {
    fn a_token_without_any_route_is_refused_by_name(site) {
        site.configure_kryoptic(&["CKM_SP800_108_COUNTER_KDF", "CKM_AES_CBC_ENCRYPT_DATA"]);
        let error = site.try_init("[[key]]\nname = \"issuer\"\n").unwrap_err();
        assert_eq!(error.code(), "HSM_NO_ROUTE", "{error}");
        assert_eq!(error.to_string(), "the token cannot derive AES-128 card keys");
    }
}
