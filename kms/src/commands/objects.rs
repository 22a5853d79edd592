//! The objects of a token, for a person in 80 columns and for a program.

use fuda_kms::Error;
use fuda_kms::checkup::inventory::Object;
use serde_json::{Value, json};

/// Attributes that say whether a key is guarded.
const GUARDS: [&str; 7] =
    ["PRIVATE", "SENSITIVE", "ALWAYS_SENSITIVE", "EXTRACTABLE", "NEVER_EXTRACTABLE", "LOCAL", "MODIFIABLE"];

/// Attributes that say what may be done with it.
const RIGHTS: [&str; 7] = ["DERIVE", "SIGN", "VERIFY", "ENCRYPT", "DECRYPT", "WRAP", "UNWRAP"];

/// Every object as a block of lines.
pub(super) fn text(inventory: &Result<Vec<Object>, Error>) -> String {
    match inventory {
        Ok(objects) if objects.is_empty() => "no object in the token".to_owned(),
        Ok(objects) => objects.iter().map(block).collect::<Vec<_>>().join("\n\n"),
        Err(error) => format!("objects not shown: {}: {error}", error.code()),
    }
}

fn block(object: &Object) -> String {
    let name = if object.label.is_empty() { "(no label)" } else { &object.label };
    let registered = object.record.as_ref().map_or_else(
        || "not registered".to_owned(),
        |record| {
            let value = record.check_value.as_ref().map_or_else(|| "no check value".to_owned(), ToString::to_string);
            format!("{} {}, {}, {value}", record.version, record.state, record.origin.as_str())
        },
    );
    let of = |names: &[&str], value| {
        let told = object.attributes.iter().filter(|(name, told)| told == value && names.contains(&name.as_str()));
        told.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let mut lines = vec![
        name.to_owned(),
        format!("  object     {}, id {}", object.what, hex::encode(&object.id)),
        format!("  registry   {registered}"),
        wrapped("  is         ", &of(&GUARDS, "true")),
        wrapped("  is not     ", &of(&GUARDS, "false")),
        wrapped("  may        ", &of(&RIGHTS, "true")),
    ];
    for fault in &object.faults {
        let text = format!("{}: {fault}", fault.code());
        lines.push(wrapped("  WRONG      ", &text.split(' ').collect::<Vec<_>>()));
    }
    lines.join("\n")
}

/// Words after a head, in lines of 80 characters.
fn wrapped(head: &str, words: &[&str]) -> String {
    let mut lines = vec![head.to_owned()];
    let mut fresh = true;
    for word in words {
        let full = lines.last().is_some_and(|line| line.chars().count() + 1 + word.len() > 80);
        if full {
            lines.push(" ".repeat(head.len()));
            fresh = true;
        }
        if let Some(line) = lines.last_mut() {
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        }
        fresh = false;
    }
    if words.is_empty() { format!("{head}-") } else { lines.join("\n") }
}

/// Every object for a program; null when they could not be read.
pub(super) fn values(inventory: &Result<Vec<Object>, Error>) -> Value {
    inventory.as_ref().map_or(Value::Null, |objects| objects.iter().map(value).collect())
}

/// Why they could not be read; null when they were.
pub(super) fn not_shown(inventory: &Result<Vec<Object>, Error>) -> Value {
    match inventory {
        Ok(_) => Value::Null,
        Err(error) => json!({ "code": error.code(), "what": error.to_string(), "do": error.remedy() }),
    }
}

fn value(object: &Object) -> Value {
    let attributes: serde_json::Map<String, Value> =
        object.attributes.iter().map(|(name, value)| (format!("CKA_{name}"), Value::from(value.as_str()))).collect();
    json!({
        "label": object.label,
        "id": hex::encode(&object.id),
        "what": object.what,
        "attributes": attributes,
        "key": object.record.as_ref().map(|record| record.version.to_string()),
        "state": object.record.as_ref().map(|record| record.state.as_str()),
        "check_value": object.record.as_ref().and_then(|record| record.check_value.as_ref().map(ToString::to_string)),
        "faults": object.faults.iter().map(super::anomaly).collect::<Vec<_>>(),
    })
}
