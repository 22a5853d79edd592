//! `scp03_transcripts_*.json`: whole sessions, real cards' and other programs'.

use crate::load::{self, hex, text};
use crate::replay;
use fuda_card::id::DfName;
use fuda_card::scp03::{Mode, SequenceCounter, predicted_card_challenge};
use serde_json::Value;

#[test]
fn synthetic_sessions() {
    for file in load::own("scp03_transcripts") {
        file.list("vectors").iter().for_each(check);
    }
}

#[test]
fn public_sessions() {
    for file in load::public("scp03_transcripts") {
        file.list("vectors").iter().for_each(check);
    }
}

fn check(transcript: &Value) {
    replay::whole(transcript);
    let df_name = [&transcript["sd_aid"], &transcript["derived"]["sd_aid_reproducing_challenge"]];
    let counter = hex(&transcript["derived"], "sequence_counter");
    if let (Some(name), Ok(counter)) = (df_name.into_iter().find_map(Value::as_str), counter.try_into()) {
        let mode = if text(transcript, "mode") == "S8" { Mode::S8 } else { Mode::S16 };
        let name: DfName = name.parse().unwrap();
        let keys = replay::static_keys(transcript);
        let predicted = predicted_card_challenge(keys.enc(), SequenceCounter::from_bytes(counter), &name, mode);
        assert_eq!(predicted.as_bytes(), hex(&transcript["derived"], "card_challenge"), "{}", text(transcript, "id"));
    }
}
