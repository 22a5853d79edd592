//! Intermediate values of recorded sessions: chaining value, encryption counter and ICVs after every step.

use super::keys::SessionKeys;
use super::level::{Mode, SecurityLevel};
use super::session::Session;
use crate::apdu::{Command, Response};
use crate::crypto::BLOCK_BYTES;
use crate::load::{self, hex, text};
use serde_json::Value;

#[test]
fn every_trace_of_every_session() {
    for file in load::own("scp03_transcripts").into_iter().chain(load::public("scp03_transcripts")) {
        file.list("vectors").iter().for_each(replay);
    }
}

fn replay(transcript: &Value) {
    let derived = &transcript["derived"];
    let keys = SessionKeys::new(&hex(derived, "s_enc"), &hex(derived, "s_mac"), &hex(derived, "s_rmac")).unwrap();
    let mode = if text(transcript, "mode") == "S8" { Mode::S8 } else { Mode::S16 };
    let level = SecurityLevel::try_from(hex(transcript, "security_level")[0]).unwrap();
    let mut session = Session::new(keys, mode, level, [0; BLOCK_BYTES]);

    let authenticate = Command::new(0x80, 0x82, level.to_u8(), 0x00).with_data(hex(derived, "host_cryptogram"));
    session.append_c_mac(authenticate).unwrap();
    let steps = transcript["steps"].as_array().unwrap();
    check(&session, &steps[1]);
    for step in &steps[2..] {
        let Some(plain) = step["plain_capdu"].as_str() else { continue };
        let command = Command::decode(&hex::decode(plain).unwrap()).unwrap();
        let level_then = session.level_after(&command).unwrap();
        session.wrap(&command).unwrap();
        check(&session, step);
        if step["rapdu"].is_string() {
            session.unwrap(&Response::decode(&hex(step, "rapdu")).unwrap()).unwrap();
            session.level = level_then;
        }
    }
}

fn check(session: &Session, step: &Value) {
    let trace = &step["trace"];
    let expected = |key: &str| trace[key].as_str().map(|text| hex::decode(text).unwrap());
    let agrees = |key: &str, value: [u8; BLOCK_BYTES]| expected(key).is_none_or(|bytes| bytes == value);
    assert!(agrees("c_mac_full", session.chaining), "{step}");
    assert!(agrees("c_icv", session.icv(0x00)), "{step}");
    assert!(agrees("r_icv", session.icv(0x80)), "{step}");
    assert!(trace["enc_counter"].as_u64().is_none_or(|counter| counter == session.counter), "{step}");
    if let Some(input) = expected("r_mac_input") {
        assert!(agrees("r_mac_full", session.keys.rmac().cmac(&[&input])), "{step}");
    }
}

#[test]
fn a_response_in_the_middle_of_a_session() {
    for file in load::public("scp03_response_fragment") {
        for vector in file.list("vectors") {
            let s_rmac = hex(vector, "s_rmac");
            // S-MAC signs commands only; any key of the right length will do.
            let keys = SessionKeys::new(&hex(vector, "s_enc"), &s_rmac, &s_rmac).unwrap();
            let chaining = hex(vector, "mac_chaining_value").try_into().unwrap();
            let mut session = Session::new(keys, Mode::S8, SecurityLevel::CMacCEncRMacREnc, chaining);
            session.counter = vector["enc_counter"].as_u64().unwrap();
            let plain = session.unwrap(&Response::decode(&hex(vector, "rapdu")).unwrap()).unwrap();
            assert_eq!(plain.data, hex(vector, "plain"));
        }
    }
}
