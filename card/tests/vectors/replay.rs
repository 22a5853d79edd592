//! A recorded session played against the host side: every command must come out as recorded.

use crate::load::{hex, text};
use fuda_card::Error;
use fuda_card::apdu::{Command, Response};
use fuda_card::crypto::AesKey;
use fuda_card::id::Kvn;
use fuda_card::scp03::{
    Authenticated, Challenge, InitializeUpdate, Initiated, Proved, SecurityLevel, Sent, StaticKeys,
};
use fuda_card::status::StatusWord;
use serde_json::Value;

/// Where a replay has come to: waiting for the response of the step reached.
pub(crate) enum Waiting {
    Initialize(InitializeUpdate),
    Authenticate(Proved),
    Command(Sent),
}

impl Waiting {
    /// Feeds any response to the step reached.
    pub(crate) fn feed(self, transcript: &Value, response: &Response) -> Result<Option<Response>, Error> {
        match self {
            Self::Initialize(command) => prove(transcript, command.answered(response)?).map(|_| None),
            Self::Authenticate(proved) => proved.authenticated(response).map(|_| None),
            Self::Command(sent) => sent.response(response).map(|(_, plain)| Some(plain)),
        }
    }
}

/// Plays a transcript whole.
pub(crate) fn whole(transcript: &Value) {
    up_to(transcript, None);
}

/// Plays a transcript until the command `last` has been sent.
pub(crate) fn until(transcript: &Value, last: &str) -> Waiting {
    up_to(transcript, Some(last)).unwrap_or_else(|| panic!("no step `{last}` in {}", text(transcript, "id")))
}

fn up_to(transcript: &Value, last: Option<&str>) -> Option<Waiting> {
    let steps = transcript["steps"].as_array().unwrap();
    let initialize = initialize_update(transcript, &steps[0]);
    if last == Some(text(&steps[0], "name")) {
        return Some(Waiting::Initialize(initialize));
    }
    let initiated = initialize.answered(&response(&steps[0], "rapdu")).unwrap();
    check_keys(transcript, &initiated);

    let (proved, command) = prove(transcript, initiated).unwrap();
    assert_eq!(command.encode().unwrap(), hex(&steps[1], "capdu"), "EXTERNAL AUTHENTICATE");
    if last == Some(text(&steps[1], "name")) {
        return Some(Waiting::Authenticate(proved));
    }
    let mut channel = proved.authenticated(&response(&steps[1], "rapdu")).unwrap();

    for step in &steps[2..] {
        let at = format!("{}: {}", text(transcript, "id"), text(step, "name"));
        if !step["plain_capdu"].is_string() {
            continue;
        }
        let plain = Command::decode(&hex(step, "plain_capdu")).unwrap();
        let (sent, command) = channel.wrap(&plain).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(hex::encode(command.encode().unwrap()), text(step, "capdu"), "{at}");
        if last == Some(text(step, "name")) {
            return Some(Waiting::Command(sent));
        }
        channel = take(sent, step, &at);
    }
    None
}

fn initialize_update(transcript: &Value, step: &Value) -> InitializeUpdate {
    let capdu = hex(step, "capdu");
    let challenge = hex(&transcript["derived"], "host_challenge");
    let host_challenge = match text(transcript, "mode") {
        "S8" => Challenge::S8(challenge.try_into().unwrap()),
        _ => Challenge::S16(challenge.try_into().unwrap()),
    };
    let command = InitializeUpdate { kvn: Kvn::new(capdu[2]), host_challenge };
    assert_eq!(command.command().encode().unwrap(), capdu, "INITIALIZE UPDATE");
    command
}

/// The recorded response, or, where none was recorded, an error that leaves the channel as it is.
fn take(sent: Sent, step: &Value, at: &str) -> Authenticated {
    if !step["rapdu"].is_string() {
        return sent.response(&Response::status(StatusWord::CONDITIONS_NOT_SATISFIED)).unwrap().0;
    }
    let (channel, plain) = sent.response(&response(step, "rapdu")).unwrap_or_else(|error| panic!("{at}: {error}"));
    assert_eq!(hex::encode(plain.encode()), text(step, "plain_rapdu"), "{at}");
    channel
}

fn check_keys(transcript: &Value, initiated: &Initiated) {
    let derived = &transcript["derived"];
    let answer = initiated.answer();
    assert_eq!(answer.kdd.as_bytes().to_vec(), hex(derived, "key_diversification_data"));
    assert_eq!(answer.kvn.to_u8(), hex(derived, "kvn")[0]);
    assert_eq!(answer.options.to_u8(), hex(derived, "i")[0]);
    assert_eq!(answer.card_challenge.as_bytes(), hex(derived, "card_challenge"));
    assert_eq!(answer.counter.map_or(Vec::new(), |count| count.to_bytes().to_vec()), hex(derived, "sequence_counter"));
    let keys = static_keys(transcript).session_keys(&initiated.context());
    assert_eq!(keys.enc().expose(), hex(derived, "s_enc"));
    assert_eq!(keys.mac().expose(), hex(derived, "s_mac"));
    assert_eq!(keys.rmac().expose(), hex(derived, "s_rmac"));
}

pub(crate) fn static_keys(transcript: &Value) -> StaticKeys {
    let key = |name| AesKey::new(&hex(&transcript["static_keys"], name)).unwrap();
    StaticKeys::new(key("enc"), key("mac"), key("dek"))
}

fn prove(transcript: &Value, initiated: Initiated) -> Result<(Proved, Command), Error> {
    let level = SecurityLevel::try_from(hex(transcript, "security_level")[0]).unwrap();
    let keys = static_keys(transcript).session_keys(&initiated.context());
    initiated.prove(keys, level)
}

pub(crate) fn response(step: &Value, key: &str) -> Response {
    Response::decode(&hex(step, key)).unwrap()
}
