//! Every object of a token: what the token reports of it, whose it is, and what is wrong with it.

use super::anomaly::Anomaly;
use super::judge;
use crate::error::Error;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::KeyKind;
use crate::registry::{Origin, Record, Registry};
use crate::state::State;
use crate::token::Door;
use crate::token::keys;
use crate::token::module::Access;
use crate::token::reported::Reported;
use cryptoki::object::{KeyType, ObjectClass};
use std::collections::BTreeMap;

/// One object of a token.
#[derive(Debug)]
pub struct Object {
    /// What it is, in words: `AES-128 secret key`, `EC public key`.
    pub what: String,
    /// CKA_LABEL.
    pub label: String,
    /// CKA_ID.
    pub id: Vec<u8>,
    /// Name (without `CKA_`) and value of every attribute that the token tells, in the order of the table.
    pub attributes: Vec<(String, String)>,
    /// The version that it belongs to.
    pub record: Option<Record>,
    /// What is wrong with it.
    pub faults: Vec<Anomaly>,
    class: Option<ObjectClass>,
}

impl Object {
    /// Whether it can do or tell something about a key.
    pub(super) fn is_key(&self) -> bool {
        !matches!(self.class, Some(ObjectClass::CERTIFICATE | ObjectClass::DATA))
    }
}

/// Lists the objects of a token by their labels. Nothing is derived.
///
/// # Errors
/// Everything that the way to the token and the registry can give.
pub fn run(config: &TokenConfig, registry: &Registry) -> Result<Vec<Object>, Error> {
    let records: Vec<Record> = registry.list()?.into_iter().filter(|record| record.token == config.label).collect();
    let LoggedIn { door, .. } = log_in(config, Access::ReadOnly)?;
    let mut objects = objects_of(&door, &records)?;
    let doubles = doubles(&objects);
    for (label, fault) in doubles {
        if let Some(object) = objects.iter_mut().find(|object| object.label == label) {
            object.faults.push(fault);
        }
    }
    objects.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(objects)
}

pub(super) fn objects_of(door: &Door, records: &[Record]) -> Result<Vec<Object>, Error> {
    keys::all(door)?.into_iter().map(|handle| Ok(object(&Reported::read(door, handle)?, records))).collect()
}

fn object(reported: &Reported, records: &[Record]) -> Object {
    let (label, id) = (reported.label(), reported.id().unwrap_or_default().to_vec());
    let class = reported.class();
    let record = records.iter().find(|record| record.label == label && record.object_id == id && fits(record, class));
    let mut object = Object {
        what: what(reported),
        attributes: reported.rows(),
        record: record.cloned(),
        faults: Vec::new(),
        label,
        id,
        class,
    };
    match record {
        // The public half has nothing to hide.
        Some(_) if class == Some(ObjectClass::PUBLIC_KEY) => {}
        // The pair of a pairing that is open: the version's own key is yet to come.
        Some(record) if class == Some(ObjectClass::PRIVATE_KEY) && record.version.name.kind().is_kek() => {
            object.faults.push(Error::BirthUnfinished { version: record.version.clone() }.into());
        }
        Some(record) if record.state == State::Destroyed => {
            object.faults.push(Anomaly::DestroyedPresent { version: record.version.clone() });
        }
        Some(record) => {
            if record.check_value.is_none() {
                object.faults.push(Error::BirthUnfinished { version: record.version.clone() }.into());
            }
            object.faults.extend(judge::object(record, reported));
        }
        None if object.is_key() => object.faults.push(Error::ObjectStray { label: object.label.clone() }.into()),
        None => {}
    }
    object
}

/// Whether an object of a class can be a version's: a public key is never a secret one's.
fn fits(record: &Record, class: Option<ObjectClass>) -> bool {
    let open = record.origin == Origin::Paired && record.check_value.is_none();
    let pair = record.version.name.kind() == KeyKind::Signature || open;
    match class {
        Some(ObjectClass::PUBLIC_KEY | ObjectClass::PRIVATE_KEY) => pair,
        Some(ObjectClass::SECRET_KEY) => true,
        _ => false,
    }
}

fn what(reported: &Reported) -> String {
    let class = match reported.class() {
        Some(ObjectClass::SECRET_KEY) => "secret key",
        Some(ObjectClass::PRIVATE_KEY) => "private key",
        Some(ObjectClass::PUBLIC_KEY) => "public key",
        Some(ObjectClass::CERTIFICATE) => return "certificate".to_owned(),
        Some(ObjectClass::DATA) => return "data".to_owned(),
        _ => "object",
    };
    let kind = match (reported.key_type(), reported.value_len()) {
        (Some(KeyType::AES), Some(bytes)) => format!("AES-{}", bytes.saturating_mul(8)),
        (Some(KeyType::AES), None) => "AES".to_owned(),
        (Some(KeyType::EC), _) => "EC".to_owned(),
        (Some(other), _) => other.to_string(),
        (None, _) => return class.to_owned(),
    };
    format!("{kind} {class}")
}

/// Labels and identifiers that several objects of one class have. One label with one identifier twice is for the version to say.
pub(super) fn doubles(objects: &[Object]) -> Vec<(String, Anomaly)> {
    let mut labels: BTreeMap<(String, &str), Vec<&Object>> = BTreeMap::new();
    let mut ids: BTreeMap<(String, &[u8]), Vec<&Object>> = BTreeMap::new();
    for object in objects.iter().filter(|object| object.is_key()) {
        let class = object.class.map(|class| class.to_string()).unwrap_or_default();
        if !object.label.is_empty() {
            labels.entry((class.clone(), &object.label)).or_default().push(object);
        }
        if !object.id.is_empty() {
            ids.entry((class, &object.id)).or_default().push(object);
        }
    }
    let mut found = Vec::new();
    for ((_, label), several) in labels.into_iter().filter(|(_, several)| several.len() > 1) {
        let fault = Anomaly::LabelTwice { label: label.to_owned(), count: several.len() };
        found.push((label.to_owned(), fault));
    }
    for ((_, id), several) in ids.into_iter().filter(|(_, several)| several.len() > 1) {
        let mut names: Vec<&str> = several.iter().map(|object| object.label.as_str()).collect();
        names.dedup();
        // One label: it was reported above.
        if let [first, _, ..] = names.as_slice() {
            let labels = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            let fault = Anomaly::IdTwice { id: hex::encode(id), count: several.len(), labels };
            found.push(((*first).to_owned(), fault));
        }
    }
    found
}
