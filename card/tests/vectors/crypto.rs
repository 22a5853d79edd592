//! CMAC, padding, key check values and the SCP03 data derivation, each alone.

use crate::load::{self, hex, text};
use fuda_card::crypto::{AesKey, CmacKcv, Kcv, padding};
use fuda_card::scp03::{Constant, derive};

#[test]
fn cmac_gives_the_examples_of_rfc_4493() {
    for file in load::own("aes_cmac_rfc4493") {
        for vector in file.list("vectors") {
            let key = AesKey::new(&hex(vector, "key")).unwrap();
            assert_eq!(key.cmac(&[&hex(vector, "msg")]).to_vec(), hex(vector, "tag"), "{}", text(vector, "id"));
        }
    }
}

#[test]
fn cmac_passes_wycheproof() {
    for file in load::public("wycheproof_aes_cmac") {
        for group in file.list("testGroups") {
            for test in group["tests"].as_array().unwrap() {
                let tag = hex(test, "tag");
                let computed = AesKey::new(&hex(test, "key")).map(|key| key.cmac(&[&hex(test, "msg")]));
                let agrees = computed.is_ok_and(|full| full.starts_with(&tag) && !tag.is_empty());
                assert_eq!(agrees, test["result"] == "valid", "tcId {}", test["tcId"]);
            }
        }
    }
}

#[test]
fn padding_method_2_pads_and_unpads() {
    for file in load::own("iso9797_padding_m2") {
        for vector in file.list("vectors") {
            let block = usize::try_from(vector["block"].as_u64().unwrap()).unwrap();
            let mut data = hex(vector, "padded");
            let unpadded = padding::unpad(&mut data, block);
            match vector["expect"].as_str() {
                Some("reject") => assert!(unpadded.is_err(), "{vector}"),
                Some(_) => assert_eq!((unpadded, data), (Ok(()), Vec::new()), "{vector}"),
                None => {
                    assert_eq!((unpadded, &data), (Ok(()), &hex(vector, "data")), "{vector}");
                    padding::pad(&mut data, block);
                    assert_eq!(data, hex(vector, "padded"), "{vector}");
                }
            }
        }
    }
}

#[test]
fn check_values_follow_their_conventions() {
    for file in load::public("kcv") {
        for vector in file.list("vectors") {
            let key = AesKey::new(&hex(vector, "key")).unwrap();
            assert_eq!(Kcv::of(&key).as_bytes().to_vec(), hex(vector, "gp_aes_kcv_ecb_01"));
            assert_eq!(CmacKcv::of(&key).as_bytes().to_vec(), hex(vector, "x9_24_cmac_zero_5"));
        }
    }
}

#[test]
fn the_scp03_derivation_alone() {
    for file in load::public("scp03_kdf") {
        for vector in file.list("vectors") {
            let key = AesKey::new(&hex(vector, "key")).unwrap();
            let constant = Constant::new(hex(vector, "constant")[0]);
            let bits = u16::try_from(vector["l_bits"].as_u64().unwrap()).unwrap();
            let out = derive(&key, constant, bits, &hex(vector, "context"));
            assert_eq!(out[..usize::from(bits) / 8].to_vec(), hex(vector, "output"), "{}", text(vector, "id"));
        }
    }
}
