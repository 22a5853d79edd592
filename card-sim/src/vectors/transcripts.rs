//! SCP03 transcripts: session keys, cryptograms, and the card's end of every wrapped exchange.

use super::{bytes, project, public, text};
use crate::authenticate::Initiated;
use crate::channel::{Channel, Level, check_mac};
use crate::crypto::AesKey;
use crate::derivation::{Constant, Mode, SessionKeys, card_challenge};
use crate::keys::StaticKeys;
use crate::tree::FileId;
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Kvn;
use serde_json::Value;

/// The cards of these recordings padded 11 bytes to 32; a host accepts that, but this card pads as the standard says.
const PADS_TWO_BLOCKS: [&str; 2] = [
    "samsung-aes128-s8-33: \"GET STATUS LIST_ISSUER_DOMAIN\"",
    "samsung-aes128-s16-33: \"GET STATUS LIST_ISSUER_DOMAIN\"",
];

#[test]
fn synthetic() {
    let file = project("scp03_transcripts_synthetic.json");
    assert_eq!(replay_all(&file), 5);
}

#[test]
fn published() {
    if let Some(file) = public("scp03_transcripts_public.json") {
        assert_eq!(replay_all(&file), 13);
    }
}

fn replay_all(file: &Value) -> usize {
    let transcripts = file["vectors"].as_array().unwrap();
    transcripts.iter().for_each(replay);
    transcripts.len()
}

fn replay(transcript: &Value) {
    let id = text(transcript, "id");
    let mode = if text(transcript, "mode") == "S16" { Mode::S16 } else { Mode::S8 };
    let key = |name: &str| AesKey::from_bytes(&bytes(&transcript["static_keys"][name])).unwrap();
    let statics = StaticKeys { enc: key("enc"), mac: key("mac"), dek: key("dek") };
    let derived = &transcript["derived"];
    let host = bytes(&derived["host_challenge"]);
    let card = bytes(&derived["card_challenge"]);
    if let (Some(name), Ok(counter)) = (transcript["sd_aid"].as_str(), bytes(&derived["sequence_counter"]).try_into())
        && derived["i"] == "70"
    {
        let name = hex::decode(name).unwrap();
        assert_eq!(card_challenge(&statics, mode, counter, &name), card, "{id}: card challenge");
    }
    let keys = SessionKeys::derive(&statics, &host, &card).unwrap();
    for (name, key) in [("s_enc", &keys.enc), ("s_mac", &keys.mac), ("s_rmac", &keys.rmac)] {
        if let Some(expected) = derived.get(name).filter(|value| value.is_string()) {
            assert_eq!(key.expose(), bytes(expected), "{id}: {name}");
        }
    }
    let cryptogram = |constant| keys.cryptogram(constant, mode, &host, &card);
    assert_eq!(cryptogram(Constant::CardCryptogram), bytes(&derived["card_cryptogram"]), "{id}: card cryptogram");
    assert_eq!(cryptogram(Constant::HostCryptogram), bytes(&derived["host_cryptogram"]), "{id}: host cryptogram");

    let level = Level::from_byte(bytes(&transcript["security_level"])[0]).unwrap();
    let mut opening = Some(keys);
    let mut channel: Option<Channel> = None;
    for step in transcript["steps"].as_array().unwrap() {
        let name = format!("{id}: {}", step["name"]);
        let Some(command) = step.get("capdu").map(|capdu| Command::decode(&bytes(capdu)).unwrap()) else { continue };
        match (&mut channel, command.ins) {
            (None, 0x82) => {
                let keys = opening.take().unwrap();
                let (chain, _) = check_mac(&keys.mac, mode, [0; 16], &command).unwrap_or_else(|| panic!("{name}"));
                let initiated = Initiated::of(FileId::ROOT, Kvn::new(0x30), statics.dek.ram_copy(), keys, mode);
                channel = Some(Channel::open(initiated, level, chain));
            }
            (None, _) => {}
            (Some(channel), _) => exchange(channel, step, &command, &name),
        }
    }
    assert!(channel.is_some(), "{id}: no EXTERNAL AUTHENTICATE");
}

/// One wrapped exchange; BEGIN and END R-MAC SESSION change the level as they would on a card that has them.
fn exchange(channel: &mut Channel, step: &Value, command: &Command, name: &str) {
    let plain = channel.unwrap(command).unwrap_or_else(|| panic!("{name}: command refused"));
    if let Some(expected) = step.get("plain_capdu") {
        let expected = Command::decode(&bytes(expected)).unwrap();
        let fields =
            |command: &Command| (command.cla & 0x80, command.ins, command.p1, command.p2, command.data.clone());
        assert_eq!(fields(&plain), fields(&expected), "{name}: plain command");
    }
    if let (Some(plain), Some(expected)) = (step.get("plain_rapdu"), step.get("rapdu")) {
        let plain = Response::decode(&bytes(plain)).unwrap();
        match (command.cla & 0x80, command.ins) {
            (0x80, 0x7A) => channel.change_level(Level::from_byte(0x13).unwrap()),
            (0x80, 0x78) => channel.change_level(channel.opened_at()),
            _ => {}
        }
        let wrapped = hex::encode(channel.wrap(plain).encode());
        if !PADS_TWO_BLOCKS.contains(&name) {
            assert_eq!(wrapped, expected.as_str().unwrap(), "{name}: response");
        }
    }
}
