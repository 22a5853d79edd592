//! One line of a dialogue.

use super::bytes::bytes;
use fuda_card::scp03::{Mode, SecurityLevel};
use fuda_card_sim::fault::duration;
use std::time::Duration;

/// Which chip is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ChipForm {
    /// T=0 instead of T=1.
    pub(crate) t0: bool,
    /// S8 or S16.
    pub(crate) mode: Mode,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Blank(ChipForm),
    Include(String),
    Reset,
    Power,
    Keys { name: String, kdk: Vec<u8> },
    Channel { keys: String, kvn: u8, level: SecurityLevel, refused: Option<String> },
    Send(Vec<u8>),
    SendRaw(Vec<u8>),
    Put(Put),
    Expect(String),
    Delay(Duration),
    Fault(String),
}

/// PUT KEY of a named set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Put {
    pub(crate) kvn: u8,
    pub(crate) keys: String,
    /// The set whose DEK encrypts; the channel's own without it.
    pub(crate) under: Option<String>,
    /// Old KVN, P1.
    pub(crate) replacing: u8,
    /// `88 10 …` instead of `88 11 10 …`.
    pub(crate) bare: bool,
    pub(crate) wrong_kcv: bool,
}

/// Reads a line; `None` for one that says nothing.
pub(crate) fn line(text: &str) -> Result<Option<Line>, String> {
    let text = text.split('#').next().unwrap_or_default().trim();
    let (word, rest) = text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()));
    let words: Vec<&str> = rest.split_whitespace().collect();
    Ok(Some(match (word, words.as_slice()) {
        ("", _) => return Ok(None),
        ("blank", words) => Line::Blank(chip(words)?),
        ("include", [name]) => Line::Include((*name).to_owned()),
        ("reset", []) => Line::Reset,
        ("power", []) => Line::Power,
        ("keys", [name, "kdf3", kdk @ ..]) => Line::Keys { name: (*name).to_owned(), kdk: bytes(&kdk.concat())? },
        ("channel", [keys, kvn, "level", level, end @ ..]) => Line::Channel {
            keys: (*keys).to_owned(),
            kvn: byte(kvn)?,
            level: SecurityLevel::try_from(byte(level)?).map_err(|error| error.to_string())?,
            refused: match end {
                [] => None,
                ["refused", how] => Some((*how).to_owned()),
                _ => return Err(format!("`{rest}`: `refused SW` may follow the level")),
            },
        },
        (">", _) => Line::Send(bytes(rest)?),
        (">>", _) => Line::SendRaw(bytes(rest)?),
        ("put", [kvn, keys, how @ ..]) => Line::Put(put(byte(kvn)?, keys, how)?),
        ("<", _) if !rest.is_empty() => Line::Expect(rest.split_whitespace().collect()),
        ("delay", [time]) => Line::Delay(duration(time).map_err(|error| error.to_string())?),
        ("fault", [kind]) => Line::Fault((*kind).to_owned()),
        _ => return Err(format!("`{text}` is no line of a dialogue")),
    }))
}

fn byte(text: &str) -> Result<u8, String> {
    u8::from_str_radix(text, 16).map_err(|_| format!("`{text}` is no byte"))
}

fn chip(words: &[&str]) -> Result<ChipForm, String> {
    words.iter().try_fold(ChipForm::default(), |form, word| match *word {
        "t0" => Ok(ChipForm { t0: true, ..form }),
        "s16" => Ok(ChipForm { mode: Mode::S16, ..form }),
        other => Err(format!("`{other}` is no kind of chip")),
    })
}

fn put(kvn: u8, keys: &str, mut how: &[&str]) -> Result<Put, String> {
    let mut put = Put { kvn, keys: keys.to_owned(), ..Put::default() };
    loop {
        how = match how {
            [] => return Ok(put),
            ["under", name, rest @ ..] => {
                put.under = Some((*name).to_owned());
                rest
            }
            ["replacing", old, rest @ ..] => {
                put.replacing = byte(old)?;
                rest
            }
            ["bare", rest @ ..] => {
                put.bare = true;
                rest
            }
            ["wrong-kcv", rest @ ..] => {
                put.wrong_kcv = true;
                rest
            }
            [other, ..] => return Err(format!("`{other}` is no way to put keys")),
        }
    }
}
