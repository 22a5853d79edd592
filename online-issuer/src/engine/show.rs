//! What a card holds, for its owner's eyes: names of fields and values; personal ones are masked, because a reader's screen is anybody's.

use fuda_card::profile::{DigitEncoding, Field, FieldKind, Privacy, TextEncoding, Wef};

/// What stands in the place of a personal value.
const MASKED: &str = "***";
/// What an erased byte reads as.
const ERASED: u8 = 0xFF;

/// The fields of a WEF whose live content is `content`.
pub(crate) fn fields(wef: &Wef, content: &[u8]) -> Vec<(String, String)> {
    let shown = wef.fields.iter().map(|field| (field.name.clone(), value(field, content)));
    shown.filter(|(_, value)| !value.is_empty()).collect()
}

fn value(field: &Field, content: &[u8]) -> String {
    let start = usize::from(field.offset);
    let bytes = content.get(start..start + usize::from(field.kind.size())).unwrap_or_default();
    if bytes.iter().all(|byte| *byte == ERASED) {
        return String::new();
    }
    if field.privacy == Privacy::Personal {
        return MASKED.to_owned();
    }
    match field.kind {
        FieldKind::Digits { encoding, .. } | FieldKind::YearMonth(encoding) | FieldKind::Date(encoding) => {
            digits(bytes, encoding)
        }
        FieldKind::Text { encoding: TextEncoding::Utf8 | TextEncoding::Ascii, .. } => text(bytes),
        // Nothing but personal names is written in it by the profiles of this house; elsewhere its bytes do.
        FieldKind::Text { encoding: TextEncoding::Cp932, .. } | FieldKind::Bytes(_) => hex::encode_upper(bytes),
        FieldKind::Counter(_) => bytes.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)).to_string(),
    }
}

fn digits(bytes: &[u8], encoding: DigitEncoding) -> String {
    match encoding {
        DigitEncoding::Bcd => hex::encode_upper(bytes).trim_end_matches('F').to_owned(),
        DigitEncoding::Ascii => text(bytes),
    }
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| !matches!(*byte, ERASED | 0 | b' ')).map_or(0, |last| last + 1);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}
