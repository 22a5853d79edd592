//! `list`: the readers and what is in them.

use crate::pattern::Pattern;
use crate::reader::{ReaderView, Readers, Slot, Usage};
use fuda_cli::globals::Lang;
use fuda_cli::{Exit, Failure, Globals, output};
use serde_json::{Value, json};

/// Lists all readers.
///
/// # Errors
/// `READER_SERVICE` without a PC/SC service.
pub fn list(globals: &Globals) -> Result<Exit, Failure> {
    let readers = Readers::open()?.list(&Pattern::any())?;
    if globals.json {
        output::json(&json!({ "readers": readers.iter().map(object).collect::<Vec<_>>() }));
        return Ok(Exit::Done);
    }
    if readers.is_empty() {
        output::line(match globals.lang {
            Lang::En => "no reader is connected",
            Lang::Ja => "リーダーが接続されていません",
        });
    }
    for reader in &readers {
        output::line(&format!("{}: {}", reader.name, said(reader, globals.lang)));
    }
    Ok(Exit::Done)
}

/// What is in a reader, in words.
pub(super) fn said(reader: &ReaderView, lang: Lang) -> String {
    match (&reader.slot, lang) {
        (Slot::Empty, Lang::En) => "empty".to_owned(),
        (Slot::Empty, Lang::Ja) => "カードなし".to_owned(),
        (Slot::Card { atr, usage: Usage::Free }, Lang::En) => format!("card, ATR {}", hex::encode_upper(atr)),
        (Slot::Card { atr, usage: Usage::Free }, Lang::Ja) => format!("カードあり、ATR {}", hex::encode_upper(atr)),
        (Slot::Card { atr, usage: Usage::Exclusive }, Lang::En) => {
            format!("card, used by another program, ATR {}", hex::encode_upper(atr))
        }
        (Slot::Card { atr, usage: Usage::Exclusive }, Lang::Ja) => {
            format!("カードあり(他のプログラムが使用中)、ATR {}", hex::encode_upper(atr))
        }
        (Slot::Mute, Lang::En) => "something that does not answer to reset".to_owned(),
        (Slot::Mute, Lang::Ja) => "応答のないカード".to_owned(),
        (Slot::Unavailable, Lang::En) => "out of order".to_owned(),
        (Slot::Unavailable, Lang::Ja) => "使用不可".to_owned(),
    }
}

/// The same for programs.
pub(super) fn object(reader: &ReaderView) -> Value {
    let (slot, atr) = match &reader.slot {
        Slot::Empty => ("empty", None),
        Slot::Card { atr, usage: Usage::Free } => ("card", Some(atr)),
        Slot::Card { atr, usage: Usage::Exclusive } => ("in-use", Some(atr)),
        Slot::Mute => ("mute", None),
        Slot::Unavailable => ("unavailable", None),
    };
    json!({ "reader": reader.name, "slot": slot, "atr": atr.map(hex::encode_upper) })
}
