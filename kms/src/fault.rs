//! An error as another process reported it: stable code, exit code, class, sentence and remedy, and nothing that is secret.

use crate::error::Error;
use crate::rv::Class;
use fuda_cli::Exit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Longest code, in bytes; the longest of ours has 22.
const CODE_BYTES_MAX: usize = 40;

/// Different codes that are kept; ours are fewer.
const CODES_MAX: usize = 256;

/// Longest sentence or remedy, in bytes: what is longer is cut, so that an error always fits into a message.
const TEXT_BYTES_MAX: usize = 4096;

static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// What an HSM worker said was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: &'static str,
    exit: Exit,
    class: Class,
    what: String,
    place: String,
    remedy: String,
}

impl Fault {
    /// The public parts of an error.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        if let Error::Worker(fault) = error {
            return Self::clone(fault);
        }
        let failure = error.failure();
        Self {
            code: failure.code,
            exit: failure.exit,
            class: error.class(),
            what: cut(failure.what),
            place: cut(failure.place),
            remedy: cut(failure.remedy),
        }
    }

    /// Stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The exit code that goes with it.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// What a retry would be worth.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Where it is; empty when there is no better place than the command.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What to do about it; empty when the sentence says it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}

/// The code as text that lives as long as the program. Each code is kept once; a worker of our own build knows no others than we do.
fn interned(code: &str) -> Option<&'static str> {
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if code.is_empty() || code.len() > CODE_BYTES_MAX || !code.bytes().all(letter) {
        return None;
    }
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = codes.get(code) {
        return Some(known);
    }
    if codes.len() >= CODES_MAX {
        return None;
    }
    let kept: &'static str = Box::leak(code.to_owned().into_boxed_str());
    codes.insert(kept);
    Some(kept)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    code: String,
    exit: u8,
    class: String,
    what: String,
    #[serde(rename = "where")]
    place: String,
    #[serde(rename = "do")]
    remedy: String,
}

impl Serialize for Fault {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire {
            code: self.code.to_owned(),
            exit: self.exit.number(),
            class: self.class.as_str().to_owned(),
            what: self.what.clone(),
            place: self.place.clone(),
            remedy: self.remedy.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let strange = |what: &str| serde::de::Error::custom(format!("a fault with no known {what}"));
        Ok(Self {
            code: interned(&wire.code).ok_or_else(|| strange("code"))?,
            exit: Exit::from_number(wire.exit).ok_or_else(|| strange("exit code"))?,
            class: Class::ALL.into_iter().find(|class| class.as_str() == wire.class).ok_or_else(|| strange("class"))?,
            what: cut(wire.what),
            place: cut(wire.place),
            remedy: cut(wire.remedy),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::TokenLabel;
    use crate::rv::ReturnValue;
    use cryptoki::error::RvError;
    use fuda_cli::Failure;

    fn across(error: &Error) -> Error {
        let text = serde_json::to_string(&Fault::of(error)).unwrap();
        Error::Worker(Box::new(serde_json::from_str(&text).unwrap()))
    }

    #[test]
    fn an_error_keeps_its_public_parts_on_the_way() {
        let version = || "ap/ticket@3".parse().unwrap();
        let call = |value| Error::Token {
            doing: "derive a key",
            function: "DeriveKey".to_owned(),
            value: ReturnValue::new(value),
        };
        for error in [
            call(RvError::DeviceRemoved),
            call(RvError::SessionCount),
            Error::PinRefused {
                label: TokenLabel::new("factory").unwrap(),
                value: ReturnValue::new(RvError::PinIncorrect),
            },
            Error::StateForbids { version: version(), state: crate::state::State::SuspendedActive, wanted: "issue" },
            Error::KeyAbsent { version: version(), label: "x".to_owned() },
            Error::Policy { what: "no \"soft\" tokens".to_owned(), remedy: "buy one" },
            Error::Store(fuda_store::Error::Closed),
            crate::provider::ProviderError::Unknown { name: "x".to_owned(), place: "fuda.toml:7:12".to_owned() }.into(),
            Error::NoWorker,
        ] {
            let there = across(&error);
            assert_eq!(there.class(), error.class());
            assert_eq!(Failure::from(there), Failure::from(error));
        }
    }

    #[test]
    fn a_fault_of_another_shape_is_refused() {
        let good = serde_json::to_string(&Fault::of(&Error::NoWorker)).unwrap();
        for (from, to) in [
            ("HSM_NO_WORKER", "hsm"),
            ("HSM_NO_WORKER", ""),
            ("\"exit\":7", "\"exit\":11"),
            ("\"other\"", "\"magic\""),
            ("\"what\"", "\"pin\":\"1234\",\"what\""),
        ] {
            assert!(good.contains(from), "{good}");
            assert!(serde_json::from_str::<Fault>(&good.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn a_long_sentence_is_cut_at_a_letter() {
        let fault = Fault::of(&Error::Registry { text: "鍵".repeat(3000) });
        assert!(fault.to_string().len() <= TEXT_BYTES_MAX && fault.to_string().ends_with('鍵'));
    }
}
