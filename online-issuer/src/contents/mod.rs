//! What goes onto a card: the fields of an application's WEFs, filled from what was issued (member number, expiry) and from what the member said.
//!
//! The profile decides. A WEF is written when one of its fields has a value; then every field of it must have one, counters excepted, which
//! begin at 0. Bytes that belong to no field, and the rest of a text, are FF, as erased ones are.

mod encode;
mod error;

pub use encode::encode;
pub use error::{ContentError, Wrong};

use crate::members::MemberFields;
use fuda_card::profile::{Application, Field, FieldKind, Wef};
use jiff::civil::Date;
use std::borrow::Cow;

/// What an erased byte reads as.
const ERASED: u8 = 0xFF;
/// Field that holds the member number.
const NUMBER: &str = "member_number";
/// Field that holds the last day or month.
const EXPIRY: &str = "expiry";

/// What the centre itself issues.
#[derive(Debug, Clone, Copy)]
pub struct Issued<'a> {
    /// Member number.
    pub number: &'a str,
    /// Last day.
    pub expiry: Date,
}

/// Everything that fields are filled from.
#[derive(Debug)]
pub struct Sheet<'a> {
    /// What the centre issues.
    pub issued: Issued<'a>,
    /// What the member said.
    pub member: &'a MemberFields,
}

impl<'a> Sheet<'a> {
    /// The value of a field as text.
    fn value(&self, field: &Field) -> Option<Cow<'a, str>> {
        match (field.name.as_str(), &field.kind) {
            (NUMBER, _) => Some(self.issued.number.into()),
            (EXPIRY, FieldKind::YearMonth(_)) => Some(self.issued.expiry.strftime("%Y%m").to_string().into()),
            (EXPIRY, _) => Some(self.issued.expiry.strftime("%Y%m%d").to_string().into()),
            (name, _) => self.member.value(name).map(Cow::Borrowed),
        }
    }
}

/// The slots of an application: names of WEFs and their bytes.
///
/// # Errors
/// [`ContentError`]: which field, what is wrong, and at which character.
pub fn slots(application: &Application, sheet: &Sheet<'_>) -> Result<Vec<(String, Vec<u8>)>, ContentError> {
    let filled = application.wefs.iter().filter(|wef| wef.fields.iter().any(|field| sheet.value(field).is_some()));
    filled.map(|wef| Ok((wef.name.clone(), slot(wef, sheet)?))).collect()
}

/// One slot; for records, the first of them.
fn slot(wef: &Wef, sheet: &Sheet<'_>) -> Result<Vec<u8>, ContentError> {
    let mut slot = vec![ERASED; usize::from(wef.structure.field_room())];
    for field in &wef.fields {
        let at = |wrong| ContentError { wef: wef.name.clone(), field: field.name.clone(), wrong };
        let value = match (sheet.value(field), &field.kind) {
            (Some(value), _) => value,
            (None, FieldKind::Counter(_)) => "0".into(),
            (None, _) => return Err(at(Wrong::Missing)),
        };
        let bytes = encode(&field.kind, &value).map_err(at)?;
        let offset = usize::from(field.offset);
        let place = slot.get_mut(offset..offset + bytes.len()).ok_or_else(|| at(Wrong::NoRoom))?;
        place.copy_from_slice(&bytes);
    }
    Ok(slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuda_card::profile::Profile;

    fn filled(number: &str, member: &MemberFields) -> Result<Vec<(String, Vec<u8>)>, ContentError> {
        let profile = Profile::parse(include_str!("../../../profiles/membership-1ap.toml")).unwrap();
        let issued = Issued { number, expiry: Date::new(2028, 2, 29).unwrap() };
        slots(&profile.applications()[0], &Sheet { issued, member })
    }

    fn called(kana: &str) -> MemberFields {
        MemberFields::new([("name_kana".to_owned(), kana.to_owned())]).unwrap()
    }

    #[test]
    fn the_slots_of_a_product_are_these_bytes() {
        let slots = filled("880100000004", &called("ﾔﾏﾀﾞ ﾊﾅｺ")).unwrap();
        let text: Vec<_> = slots.iter().map(|(wef, bytes)| format!("{wef} {}", hex::encode(bytes))).collect();
        assert_eq!(text[0], "member 880100000004202802ffffffffffffff");
        assert_eq!(text[1], format!("person d4cfc0de20cac5ba{}", "ff".repeat(40)));
        assert_eq!(text.len(), 2, "counters alone are first issuance's");
    }

    #[test]
    fn a_refusal_names_wef_field_and_place() {
        let refused = |kana: &str| filled("880100000004", &called(kana)).unwrap_err().to_string();
        assert_eq!(refused("ヤマダ😀"), "WEF person, field name_kana: character 4 is not in the field's character set");
        assert!(refused(&"ヤ".repeat(21)).contains("42 bytes"));
        let wrong = filled("880100000009", &MemberFields::default()).unwrap_err();
        assert_eq!((wrong.field.as_str(), wrong.wrong), ("member_number", Wrong::CheckDigit));
    }
}
