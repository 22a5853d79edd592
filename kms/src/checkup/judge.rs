//! One object beside what its version must be, attribute by attribute.

use super::anomaly::Anomaly;
use crate::init::strictness;
use crate::name::KeyKind;
use crate::registry::{Origin, Record};
use crate::token::reported::{Reported, differs};
use crate::token::template::AES_256;
use cryptoki::object::Attribute;

/// Every difference between what the token reports and what this house would have made.
pub(super) fn object(record: &Record, reported: &Reported) -> Vec<Anomaly> {
    let version = &record.version;
    let differences = reported.differences(version.name.kind(), record.scheme, strictness(record.origin));
    let mut found: Vec<Anomaly> =
        differences.into_iter().map(|(expected, reported)| named(record, &expected, reported)).collect();
    found.extend(history(record, reported));
    if let (Some(expected), Some(bytes)) = (bytes(record), reported.value_len())
        && bytes != expected
    {
        found.push(Anomaly::WrongLength { version: version.clone(), expected, found: bytes });
    }
    found
}

fn named(record: &Record, expected: &Attribute, reported: Option<&Attribute>) -> Anomaly {
    let version = record.version.clone();
    let right = match expected {
        Attribute::Sensitive(true) if reported.is_some() => {
            return Anomaly::Readable { version, attribute: "SENSITIVE=false".to_owned() };
        }
        Attribute::Extractable(false) if reported.is_some() => {
            return Anomaly::Readable { version, attribute: "EXTRACTABLE=true".to_owned() };
        }
        Attribute::Modifiable(false) if reported.is_some() => return Anomaly::Modifiable { version },
        Attribute::Derive(granted) => ("DERIVE", *granted),
        Attribute::Sign(granted) => ("SIGN", *granted),
        Attribute::Encrypt(granted) => ("ENCRYPT", *granted),
        Attribute::Decrypt(granted) => ("DECRYPT", *granted),
        Attribute::Wrap(granted) => ("WRAP", *granted),
        Attribute::Unwrap(granted) => ("UNWRAP", *granted),
        _ => return Anomaly::Key(differs(&version, expected, reported)),
    };
    match right {
        (right, false) => Anomaly::RightsMore { version, right: right.to_owned() },
        (right, true) => Anomaly::RightsLess { version, right: right.to_owned() },
    }
}

/// What a token says of the past of a key that it generated for itself. Key-derivation keys and whatever wraps come in wrapped: of them no token says such things.
fn history(record: &Record, reported: &Reported) -> Option<Anomaly> {
    let kind = record.version.name.kind();
    let wrapped = kind.is_kek() || matches!(kind, KeyKind::Derivation | KeyKind::Vault);
    if record.origin != Origin::Born || wrapped || !record.keks.is_empty() {
        return None;
    }
    let against = [
        (Attribute::AlwaysSensitive(false), "ALWAYS_SENSITIVE=false"),
        (Attribute::NeverExtractable(false), "NEVER_EXTRACTABLE=false"),
        (Attribute::Local(false), "LOCAL=false"),
    ];
    let said = against.into_iter().find(|(attribute, _)| reported.says(attribute));
    said.map(|(_, attribute)| Anomaly::History { version: record.version.clone(), attribute: attribute.to_owned() })
}

/// Length of a version's secret key; a pair on P-256 has none.
const fn bytes(record: &Record) -> Option<u64> {
    match record.version.name.kind() {
        KeyKind::Derivation => Some(record.length.value_len()),
        KeyKind::Kek | KeyKind::CardKek | KeyKind::VaultKek | KeyKind::Vault | KeyKind::Mac => Some(AES_256),
        KeyKind::Signature => None,
    }
}
