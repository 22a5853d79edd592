//! CMAC (RFC 4493), padding (ISO/IEC 9797-1 method 2), key derivation `kdf3`.

use super::{bytes, project};
use crate::crypto::{AesKey, pad, unpad};
use crate::kdf3::{Purpose, derive};
use fuda_card::id::Kdd;

#[test]
fn cmac() {
    let file = project("aes_cmac_rfc4493.json");
    let cases = file["vectors"].as_array().or_else(|| file["cases"].as_array()).unwrap();
    let mut checked = 0;
    for case in cases {
        let message = ["message", "msg", "data"].iter().find_map(|field| case.get(field));
        let mac = ["mac", "tag", "cmac"].iter().find_map(|field| case.get(field));
        if let (Some(key), Some(message), Some(mac)) = (case.get("key"), message, mac) {
            let key = AesKey::from_bytes(&bytes(key)).unwrap();
            let mac = bytes(mac);
            assert_eq!(key.cmac(&[&bytes(message)])[..mac.len()], mac, "{case}");
            checked += 1;
        }
    }
    assert!(checked >= 4, "only {checked} cases have the fields this test knows");
}

#[test]
fn padding() {
    for case in project("iso9797_padding_m2.json")["vectors"].as_array().unwrap() {
        let padded = bytes(&case["padded"]);
        match (case["expect"].as_str(), case["data"].as_str()) {
            (Some("reject"), _) => assert_eq!(unpad(&padded), None, "{case}"),
            (Some(_), None) => assert_eq!(unpad(&padded), Some(&[][..]), "{case}"),
            (None, Some(data)) if case["block"] == 16 => {
                let data = hex::decode(data).unwrap();
                assert_eq!(pad(&data), padded, "{case}");
                assert_eq!(unpad(&padded), Some(data.as_slice()), "{case}");
            }
            _ => assert_eq!(case["block"], 8, "{case}"),
        }
    }
}

#[test]
fn kdf3() {
    for case in project("kdf3.json")["cases"].as_array().unwrap() {
        let master = AesKey::from_bytes(&bytes(&case["kdk"])).unwrap();
        let kdd = Kdd::new(bytes(&case["kdd"]).try_into().unwrap());
        for (name, purpose) in [("enc", Purpose::Enc), ("mac", Purpose::Mac), ("dek", Purpose::Dek)] {
            let key = derive(&master, &kdd, purpose).unwrap();
            assert_eq!(key.expose(), bytes(&case[name]["key"]), "{name} of {}", case["id"]);
            assert_eq!(key.gp_kcv().as_slice(), bytes(&case[name]["gp_kcv"]), "{name} of {}", case["id"]);
        }
    }
}
