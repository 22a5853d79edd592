//! `kdf3.json` and `gp_kdf3_diversification.json`: card keys from a key-derivation key.

use crate::load::{self, hex, text};
use fuda_card::crypto::{AesKey, CmacKcv, Kcv};
use fuda_card::id::Kdd;
use fuda_card::kdf3::{Purpose, block, card_key};
use serde_json::Value;

fn kdd(vector: &Value) -> Kdd {
    Kdd::new(hex(vector, "kdd").try_into().unwrap())
}

#[test]
fn card_keys_and_check_values() {
    for file in load::own("kdf3") {
        for case in file.list("cases") {
            let kdk = AesKey::new(&hex(case, "kdk")).unwrap();
            for (name, purpose) in ["enc", "mac", "dek"].into_iter().zip(Purpose::ALL) {
                let expected = &case[name];
                let key = card_key(&kdk, purpose, &kdd(case));
                assert_eq!(key.expose(), hex(expected, "key"), "{} {name}", text(case, "id"));
                assert_eq!(Kcv::of(&key).as_bytes().to_vec(), hex(expected, "gp_kcv"));
                assert_eq!(CmacKcv::of(&key).as_bytes().to_vec(), hex(expected, "cmac5_kcv"));
                if expected["encrypt_data"].is_string() {
                    let (data, k1) = (hex(expected, "encrypt_data"), hex(case, "k1"));
                    let unmasked: Vec<u8> = data.iter().zip(k1).map(|(byte, mask)| byte ^ mask).collect();
                    assert_eq!(unmasked, block(1, purpose, &kdd(case)), "one AES block derives the key in a token");
                    assert_eq!(kdk.encrypt_block(data.try_into().unwrap()).to_vec(), hex(expected, "key"));
                }
            }
        }
    }
}

#[test]
fn card_keys_as_other_programs_derive_them() {
    for file in load::public("gp_kdf3_diversification") {
        for vector in file.list("vectors") {
            let master = AesKey::new(&hex(vector, "master")).unwrap();
            let number = hex(vector, "purpose")[0];
            let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.to_u8() == number).unwrap();
            let key = card_key(&master, purpose, &kdd(vector));
            assert_eq!(key.expose(), hex(vector, "derived"), "{}", text(vector, "id"));
            assert_eq!(Kcv::of(&key).as_bytes().to_vec(), hex(vector, "kcv_gp"));
        }
    }
}
