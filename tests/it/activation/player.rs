//! One session of a terminal: what it says, and how it runs a script on a card as the protocol says; it can be cut at any command.

use fuda_card::apdu::Command;
use fuda_card_sim::Card;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// Sessions so far: each has a name of its own.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// A protected command carries a MAC of this length behind its data, and at least a byte and at most a block of padding in them.
const MAC_BYTES: usize = 8;
const PADDING_BYTES: usize = 16;
/// The shortest content that a script writes.
const CONTENT_BYTES_MIN: usize = 4;

/// Where a contact is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Number of the command in the contact, from 0.
    pub(crate) command: usize,
    pub(crate) mode: Mode,
}

/// What is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The card is out before the command.
    Before,
    /// It is out after it: the answer is lost.
    After,
    /// It is out in the midst of the command's write, after so many hundredths of it.
    Torn(usize),
    /// The reader is gone with the command, which the card never got.
    Reader,
}

/// How a command reaches the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    /// Power stays.
    Stays,
    /// It fails after so many bytes of the write.
    Fails(usize),
}

/// One session, as its terminal has it.
pub(crate) struct Player {
    pub(crate) sid: String,
    seq: u32,
    pub(super) cut: Option<Cut>,
    /// Commands that the card got, or was to get.
    pub(crate) commands: Vec<String>,
    /// Scripts that were run.
    pub(crate) scripts: usize,
}

impl Player {
    pub(crate) fn new(cut: Option<Cut>) -> Self {
        let sid = format!("{:016X}{:016X}", SESSIONS.fetch_add(1, Ordering::Relaxed), std::process::id());
        Self { sid, seq: 0, cut, commands: Vec::new(), scripts: 0 }
    }

    /// The first message.
    pub(crate) fn opening(&self, purpose: &str, order: &str) -> Value {
        json!({ "type": "open", "sid": self.sid, "seq": 0, "purpose": purpose, "order": order,
                "terminal": { "name": "test/1", "transport": "post" }, "locale": "en" })
    }

    /// Runs a script; the result as it is to be sent.
    pub(crate) fn play(&mut self, script: &Value, card: &mut Card) -> Value {
        let result = self.play_on(script, |command, _| card.transmit(command));
        if result["end"] == "card_gone" {
            card.reset();
        }
        result
    }

    /// The same where somebody else passes the commands on.
    pub(crate) fn play_on(&mut self, script: &Value, mut pass: impl FnMut(&[u8], Power) -> Vec<u8>) -> Value {
        self.scripts += 1;
        self.seq = u32::try_from(script["seq"].as_u64().unwrap()).unwrap() + 1;
        let steps = script["steps"].as_array().unwrap();
        let (mut answers, mut sent, mut end, mut at) = (Vec::new(), 0, "done", steps.len());
        for (number, step) in steps.iter().enumerate() {
            let cut = self.cut.filter(|cut| cut.command == self.commands.len()).map(|cut| cut.mode);
            let command = step["c"].as_str().unwrap().to_owned();
            let bytes = hex::decode(&command).unwrap();
            self.commands.push(command);
            if let Some(mode) = cut {
                sent += usize::from(mode != Mode::Before);
                match mode {
                    Mode::After => drop(pass(&bytes, Power::Stays)),
                    Mode::Torn(percent) => drop(pass(&bytes, Power::Fails(part(&bytes, percent)))),
                    Mode::Before | Mode::Reader => {}
                }
                (end, at) = ("card_gone", number);
                break;
            }
            sent += 1;
            let answer = hex::encode_upper(pass(&bytes, Power::Stays));
            if answer.is_empty() {
                (end, at) = ("card_gone", number);
                break;
            }
            let verdict = accepts(step, &answer);
            answers.push(answer);
            if let Some(why) = verdict {
                (end, at) = (why, number);
                break;
            }
        }
        let times = vec![1; answers.len()];
        json!({ "type": "result", "sid": self.sid, "seq": self.seq, "id": script["id"], "n": sent, "r": answers, "end": end, "at": at, "t": times })
    }
}

/// So many hundredths of what a protected command writes.
fn part(command: &[u8], percent: usize) -> usize {
    let data = Command::decode(command).map_or(0, |command| command.data.len());
    data.saturating_sub(MAC_BYTES + PADDING_BYTES).max(CONTENT_BYTES_MIN) * percent / 100
}

/// Why an answer ends the script; `None` when it does not.
fn accepts(step: &Value, answer: &str) -> Option<&'static str> {
    let (data, sw) = answer.split_at(answer.len() - 4);
    let accepted = step.get("sw").map_or_else(
        || vec!["9000".to_owned()],
        |list| list.as_array().unwrap().iter().map(|sw| sw.as_str().unwrap().to_owned()).collect(),
    );
    if !accepted.iter().any(|prefix| sw.starts_with(prefix.as_str())) {
        return Some("status");
    }
    let data = hex::decode(data).unwrap();
    let rules = step.get("match").and_then(Value::as_array).cloned().unwrap_or_default();
    let meets = |rule: &Value| {
        let bytes = |name: &str| hex::decode(rule[name].as_str().unwrap()).unwrap();
        let (offset, mask, value) =
            (usize::try_from(rule["offset"].as_u64().unwrap()).unwrap(), bytes("mask"), bytes("value"));
        let part = data.get(offset..offset + mask.len());
        part.is_some_and(|part| part.iter().zip(&mask).zip(&value).all(|((byte, mask), value)| byte & mask == *value))
    };
    if rules.iter().all(meets) { None } else { Some("match") }
}
