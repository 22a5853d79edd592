//! `apdu_encoding.json`: command APDUs, short and extended.

use crate::load::{self, hex, text};
use fuda_card::apdu::{Command, Length};
use serde_json::Value;

#[test]
fn commands_encode_and_decode() {
    for file in load::own("apdu_encoding") {
        for vector in file.list("vectors") {
            match vector["expect"].as_str() {
                None => check(vector),
                Some("reject") => {
                    Command::decode(&hex(vector, "encoded")).expect_err(text(vector, "why"));
                }
                Some(accepted) => {
                    assert!(accepted.contains("Ne=65536"), "unknown expectation: {accepted}");
                    let command = Command::decode(&hex(vector, "encoded")).unwrap();
                    assert_eq!((command.ne, command.data.len()), (Some(65_536), 0));
                }
            }
        }
    }
}

fn check(vector: &Value) {
    let id = text(vector, "id");
    let encoded = repeated(text(vector, "encoded"));
    let header = |key| hex(vector, key)[0];
    let length = if vector["extended"].as_bool().unwrap() { Length::Extended } else { Length::Short };
    let command = Command {
        cla: header("cla"),
        ins: header("ins"),
        p1: header("p1"),
        p2: header("p2"),
        data: repeated(text(vector, "data")),
        ne: vector["ne"].as_u64().map(|ne| u32::try_from(ne).unwrap()),
        length,
    };
    assert_eq!(command.encode().unwrap(), encoded, "{id}");
    assert_eq!(Command::decode(&encoded).unwrap(), command, "{id}");
}

/// Hex with `+` between parts and `aa*n` for n bytes aa.
fn repeated(text: &str) -> Vec<u8> {
    text.split('+')
        .map(str::trim)
        .flat_map(|part| match part.split_once('*') {
            Some((byte, count)) => hex::decode(byte).unwrap().repeat(count.parse().unwrap()),
            None => hex::decode(part).unwrap(),
        })
        .collect()
}
