//! `scp03_negative*.json`: responses that a host must not believe.

use crate::load::{self, VectorFile, text};
use crate::replay;
use fuda_card::Error;
use serde_json::Value;

#[test]
fn forged_responses_end_the_channel() {
    check(&load::own("scp03_negative"));
}

#[test]
fn forged_responses_of_further_files_end_the_channel() {
    check(&load::public("scp03_negative"));
}

fn check(files: &[VectorFile]) {
    for file in files {
        let transcript = base(text(&file.json, "base"));
        for vector in file.list("vectors") {
            let waiting = replay::until(&transcript, text(vector, "step"));
            let outcome = waiting.feed(&transcript, &replay::response(vector, "rapdu"));
            let (id, expect) = (text(vector, "id"), text(vector, "expect"));
            if expect.starts_with("accept") && !expect.contains("reject padding") {
                assert!(outcome.is_ok(), "{id}: {outcome:?}");
            } else {
                let error = outcome.expect_err(id);
                assert!(expected_code(id).is_none_or(|code| code == error.code()), "{id}: {}", error.code());
                assert_eq!(expect.contains("reject padding"), matches!(error, Error::ResponsePadding(_)), "{id}");
            }
        }
    }
}

/// The transcript that a file of negatives names in its `base`.
fn base(words: &str) -> Value {
    let own = load::own("scp03_transcripts");
    let mut transcripts = own.iter().flat_map(|file| file.list("vectors"));
    transcripts.find(|transcript| words.contains(text(transcript, "id"))).expect(words).clone()
}

/// Why each case must fail, so that none passes for another reason.
fn expected_code(id: &str) -> Option<&'static str> {
    Some(match id {
        "rmac-bitflip" | "response-of-previous-command-replayed" => "SCP03_RESPONSE_MAC",
        "sw-changed-9000-to-9001" | "error-sw-with-data" => "SCP03_DATA_WITH_ERROR_STATUS",
        "rmac-missing-on-9000" => "SCP03_RESPONSE_MAC_MISSING",
        "card-cryptogram-wrong" => "SCP03_CARD_CRYPTOGRAM",
        "iu-scp02" => "SCP03_OTHER_PROTOCOL",
        "iu-kvn-mismatch" => "SCP03_KVN_MISMATCH",
        "ext-auth-with-extra-data" => "CARD_UNEXPECTED_DATA",
        "renc-padding-no-80" => "SCP03_RESPONSE_PADDING",
        _ => return None,
    })
}
