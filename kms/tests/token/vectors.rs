//! kdf3.json, the project's vectors of card keys.

use serde_json::Value;

pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kdk: Vec<u8>,
    pub(crate) kdd: [u8; 10],
    /// ENC, MAC, DEK: key and GP KCV.
    pub(crate) set: [(Vec<u8>, [u8; 3]); 3],
}

/// The cases of a length.
pub(crate) fn kdf3(bits: u32) -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/kdf3.json")).unwrap();
    let cases = file["cases"].as_array().unwrap().iter().filter(|case| case["aes_bits"] == bits);
    cases
        .map(|case| Case {
            id: case["id"].as_str().unwrap().to_owned(),
            kdk: bytes(&case["kdk"]),
            kdd: bytes(&case["kdd"]).try_into().unwrap(),
            set: ["enc", "mac", "dek"]
                .map(|purpose| (bytes(&case[purpose]["key"]), bytes(&case[purpose]["gp_kcv"]).try_into().unwrap())),
        })
        .collect()
}

fn bytes(text: &Value) -> Vec<u8> {
    hex::decode(text.as_str().unwrap()).unwrap()
}
