//! The messages between pool and worker against their golden files.

use super::*;
use crate::message::{CardAnswer, CardStep, StepAnswer};
use crate::name::KeyVersion;
use crate::sealed::{Blob, SealedKey, SealedSet};
use crate::secret::{Plain, SessionKey, SessionKeys};
use crate::vault::{VaultDeed, VaultReply, WrappedDataKey};
use std::sync::Arc;

const DOWN: &str = include_str!("../golden/to_worker.jsonl");
const UP: &str = include_str!("../golden/from_worker.jsonl");

fn build() -> Build {
    Build { contract: 4, commit: "1a2b3c4d5e6f".to_owned() }
}

fn down() -> Vec<ToWorker> {
    let hello = Hello {
        build: build(),
        module: "/usr/lib/softhsm/libsofthsm2.so".into(),
        label: "factory".to_owned(),
        state_dir: "/etc/fuda".into(),
        mode: ModeWord::Test,
        provider: "softhsm".to_owned(),
        store: "sqlite:/etc/fuda/factory.db".to_owned(),
        on: On::Copy,
    };
    let vault = |deed| Task::Vault { epoch: Epoch::new(7), key: "vault@1".parse().unwrap(), deed };
    let (epoch, key) = (Epoch::new(7), || "receipt@1".parse().unwrap());
    let card = CardRequest::from_wire(include_bytes!("../golden/card_request.json")).unwrap();
    let tasks = [
        Task::Card(card),
        Task::Sign { epoch, key: key(), digest: [0xAB; 32] },
        Task::PublicKey { epoch, key: key() },
        Task::Health { epoch },
        Task::Mac { epoch, key: "index@1".parse().unwrap(), data: vec![0x5A; 4] },
        vault(VaultDeed::NewDataKey),
        vault(VaultDeed::Seal { data_key: data_key(), aad: vec![0xAD; 2], plain: Arc::new(plain()) }),
        vault(VaultDeed::Open { data_key: data_key(), aad: vec![0xAD; 2], sealed: vec![0x5E; 30] }),
        Task::Several(vec![Task::Sign { epoch, key: key(), digest: [0xAB; 32] }, Task::Health { epoch }]),
    ];
    let requests = (1..).zip(tasks).map(|(id, task)| ToWorker::Request { id, task });
    std::iter::once(ToWorker::Hello(Box::new(hello))).chain(requests).chain([ToWorker::Drain]).collect()
}

fn data_key() -> WrappedDataKey {
    WrappedDataKey::new([0xDA; 40])
}

fn plain() -> Plain {
    Plain::new(vec![0x44; 3])
}

fn fault() -> Fault {
    Fault::of(&Error::KeyAbsent { version: "ap/ticket@3".parse().unwrap(), label: "T-3".to_owned() })
}

fn up() -> Vec<FromWorker> {
    let key = |byte| SessionKey::new(&[byte; 16]).unwrap();
    let keys = SessionKeys { s_enc: key(0x44), s_mac: key(0x55), s_rmac: key(0x66) };
    let card = CardAnswer { calls: 42, steps: vec![StepAnswer::Session { card_challenge: [0x22; 8], keys }] };
    let health = |fault| KeyHealth { key: "ap/ticket@3".parse().unwrap(), fault };
    let mut tally = Tally { calls: 42, retries: 1, ..Tally::default() };
    tally.errors.insert("CKR_DEVICE_ERROR".to_owned(), 1);
    let point = p256::PublicKey::from_sec1_bytes(&p256::AffinePoint::GENERATOR.to_sec1_point(false).to_bytes());
    let answers = [
        (Ok(Reply::Card(card)), tally, After::GoOn),
        (Ok(Reply::Signature([0xCD; 64])), Tally::default(), After::Renew),
        (Ok(Reply::PublicKey(point.unwrap())), Tally::default(), After::GoOn),
        (Ok(Reply::Health(vec![health(None), health(Some(fault()))])), Tally::default(), After::GoOn),
        (Ok(Reply::Mac([0x3C; 16])), Tally::default(), After::GoOn),
        (Ok(Reply::Vault(VaultReply::DataKey(data_key()))), Tally::default(), After::GoOn),
        (Ok(Reply::Vault(VaultReply::Sealed(vec![0x5E; 30]))), Tally::default(), After::GoOn),
        (Ok(Reply::Vault(VaultReply::Opened(plain()))), Tally::default(), After::GoOn),
        (Err(Error::Worker(Box::new(fault()))), Tally::default(), After::Replace),
        (Ok(Reply::Several(vec![Reply::Signature([0xCD; 64]), Reply::Mac([0x3C; 16])])), Tally::default(), After::GoOn),
        (Ok(Reply::Several(Vec::new())), Tally::default(), After::GoOn),
    ];
    let answers = (1..).zip(answers).map(|(id, (outcome, tally, after))| FromWorker::Answer {
        id,
        epoch: Epoch::new(7),
        done: Done { outcome, tally, after },
    });
    let first = [FromWorker::Hello(build()), FromWorker::Ready { epoch: Epoch::new(7) }, FromWorker::Refused(fault())];
    first.into_iter().chain(answers).collect()
}

#[test]
fn the_golden_messages_are_what_is_written_and_read() {
    let lines: Vec<_> =
        down().iter().map(|message| String::from_utf8(message.to_wire().unwrap().to_vec()).unwrap()).collect();
    assert_eq!(lines.join("\n"), DOWN.trim_end());
    let read: Vec<_> = DOWN.lines().map(|line| ToWorker::from_wire(line.as_bytes()).unwrap()).collect();
    assert_eq!(read, down());
    let lines: Vec<_> =
        up().iter().map(|message| String::from_utf8(message.to_wire().unwrap().to_vec()).unwrap()).collect();
    assert_eq!(lines.join("\n"), UP.trim_end());
    for line in UP.lines() {
        let again = FromWorker::from_wire(line.as_bytes()).unwrap().to_wire().unwrap();
        assert_eq!(std::str::from_utf8(&again).unwrap(), line);
    }
}

#[test]
fn a_request_has_room_before_it_is_written() {
    let version: KeyVersion = "transport@4294967295".parse().unwrap();
    let key = || SealedKey { blob: Blob::new(vec![0xFF; 40]).unwrap(), kcv: [0xFF; 3] };
    let set = SealedSet { of: version.clone(), kek: version.clone(), keys: [key(), key(), key()] };
    let steps = (0..64).map(|_| CardStep::WrapSealedSet { set: Box::new(set.clone()), under: version.clone() });
    let card = Task::Card(CardRequest { epoch: Epoch::new(u64::MAX), kdd: [0xFF; 10], steps: steps.collect() });
    let several = Task::Several(vec![card.clone(), card]);
    for message in down().into_iter().chain([ToWorker::Request { id: u64::MAX, task: several }]) {
        let ToWorker::Request { task, .. } = &message else { continue };
        let (room, written) = (task.wire_bytes_max(), message.to_wire().unwrap().len());
        assert!(written <= room, "{written} bytes, room for {room}");
    }
}

#[test]
fn messages_of_another_shape_are_refused_and_a_bad_answer_is_reported_without_its_keys() {
    for (number, from, to) in [
        (0, "\"on\":\"copy\"", "\"on\":\"paper\""),
        (0, "\"store\"", "\"pin\":\"1234\",\"store\""),
        (1, "\"contract\":4", "\"contract\":3"),
        (2, "abab", "ab"),
        (4, "health", "derive"),
        (6, "new_data_key", "data_key"),
        (7, "\"plain\":\"44", "\"plain\":\"4"),
        (8, "dada", "da"),
    ] {
        let line = DOWN.lines().nth(number).unwrap();
        assert!(line.contains(from), "{line}");
        assert!(ToWorker::from_wire(line.replacen(from, to, 1).as_bytes()).is_err(), "{from} -> {to}");
    }
    let answer = UP.lines().nth(3).unwrap().replacen("4444", "444", 1);
    let error = FromWorker::from_wire(answer.as_bytes()).unwrap_err();
    assert!(!error.to_string().contains("4444"), "{error}");
    assert!(!format!("{:?}{:?}", up(), down()).contains("68, 68"), "0x44 = 68");
}
