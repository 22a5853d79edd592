//! Initial content: what first issuance writes before any member has the card.

use super::error::ProfileError;
use super::raw;
use super::wef::Structure;
use std::ops::Range;

/// A piece of initial content, the same on every card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initial {
    /// Where in slot 0.
    pub place: Place,
    /// What.
    pub bytes: Vec<u8>,
}

/// Where a piece of content goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// From this byte of a transparent WEF on.
    Offset(u16),
    /// Into this record, from its first byte on.
    Record(u8),
}

impl Initial {
    pub(super) fn check(raw: &raw::Wef, structure: &Structure) -> Result<Vec<Self>, ProfileError> {
        let mut pieces: Vec<Self> = Vec::with_capacity(raw.initial.len());
        for piece in &raw.initial {
            let (span, piece) = (piece.span(), piece.get_ref());
            let bytes = content(&span, piece)?;
            let place = place(&span, piece, structure)?;
            let start = if let Place::Offset(offset) = place { usize::from(offset) } else { 0 };
            let (end, room) = (start + bytes.len(), usize::from(structure.field_room()));
            if end > room {
                let what = format!("initial content ends at byte {end} of {room} in `{}`", raw.name.get_ref());
                return Err(ProfileError::new(span, what, "shorten the content or enlarge the WEF"));
            }
            let new = Self { place, bytes };
            if pieces.iter().any(|other| overlap(other, &new)) {
                let what = format!("two pieces of initial content of `{}` overlap", raw.name.get_ref());
                return Err(ProfileError::new(span, what, "give them other offsets or records"));
            }
            pieces.push(new);
        }
        pieces.sort_by_key(|piece| piece.place);
        Ok(pieces)
    }
}

fn content(span: &Range<usize>, piece: &raw::Initial) -> Result<Vec<u8>, ProfileError> {
    match (&piece.hex, &piece.text) {
        (Some(text), None) => {
            let digits: String = text.get_ref().split_whitespace().collect();
            let bytes = hex::decode(&digits).ok().filter(|bytes| !bytes.is_empty());
            bytes.ok_or_else(|| {
                let what = format!("`{}` is no hex", text.get_ref());
                ProfileError::new(text.span(), what, "write an even number of hex digits")
            })
        }
        (None, Some(text)) if text.get_ref().is_ascii() && !text.get_ref().is_empty() => {
            Ok(text.get_ref().clone().into_bytes())
        }
        (None, Some(text)) => {
            Err(ProfileError::new(text.span(), "`text` is not ASCII, or empty", "write ASCII, or the bytes as `hex`"))
        }
        _ => {
            let what = "initial content is either `hex` or `text`";
            Err(ProfileError::new(span.clone(), what, "write exactly one of them"))
        }
    }
}

fn place(span: &Range<usize>, piece: &raw::Initial, structure: &Structure) -> Result<Place, ProfileError> {
    match (structure, &piece.offset, &piece.record) {
        (Structure::Transparent { .. }, offset, None) => {
            Ok(Place::Offset(offset.as_ref().map_or(0, |offset| *offset.get_ref())))
        }
        (Structure::LinearFixed { records, .. }, None, Some(record)) => {
            let number = u8::try_from(*record.get_ref()).ok().filter(|number| (1..=*records).contains(number));
            number.map(Place::Record).ok_or_else(|| {
                let what = format!("there is no record {}", record.get_ref());
                ProfileError::new(record.span(), what, format!("write 1 to {records}"))
            })
        }
        _ => Err(ProfileError::new(
            span.clone(),
            "initial content stands at no place of this WEF",
            "write `offset` (default 0) in a transparent WEF, `record` in a linear-fixed one",
        )),
    }
}

fn overlap(one: &Initial, other: &Initial) -> bool {
    match (one.place, other.place) {
        (Place::Offset(a), Place::Offset(b)) => {
            let (a, b) = (usize::from(a), usize::from(b));
            a < b + other.bytes.len() && b < a + one.bytes.len()
        }
        (a, b) => a == b,
    }
}
