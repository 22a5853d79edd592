//! kdf3.json, the project's vectors of card keys.

use serde_json::Value;

pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kdk: [u8; 16],
    pub(crate) kdd: [u8; 10],
    /// ENC, MAC, DEK: key and GP KCV.
    pub(crate) set: [([u8; 16], [u8; 3]); 3],
}

/// The AES-128 cases.
pub(crate) fn kdf3() -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/kdf3.json")).unwrap();
    let cases = file["cases"].as_array().unwrap().iter().filter(|case| case["aes_bits"] == 128);
    cases
        .map(|case| Case {
            id: case["id"].as_str().unwrap().to_owned(),
            kdk: bytes(&case["kdk"]),
            kdd: bytes(&case["kdd"]),
            set: ["enc", "mac", "dek"].map(|purpose| (bytes(&case[purpose]["key"]), bytes(&case[purpose]["gp_kcv"]))),
        })
        .collect()
}

fn bytes<const N: usize>(text: &Value) -> [u8; N] {
    hex::decode(text.as_str().unwrap()).unwrap().try_into().unwrap()
}
