//! `check`: the token as it reports itself beside the registry, the registry beside keys.toml, and what the token computes beside known answers.
//!
//! Nothing is changed and nothing is derived but check values. Whatever is found, the look goes on: an officer gets the whole list at once.

pub mod anomaly;
pub mod inventory;
mod judge;

use crate::check_value::CheckValue;
use crate::duty::{check_value, compare};
use crate::error::Error;
use crate::init::{required_check, same_wish};
use crate::keys_file::KeysFile;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyKind, KeyVersion};
use crate::registry::{Origin, Record, Registry};
use crate::route::{self, Routes, Tried};
use crate::state::State;
use crate::token::Door;
use crate::token::keys::{self, Found};
use crate::token::module::Access;
use crate::token::reported::Reported;
use anomaly::Anomaly;
use fuda_cli::config::Mode;
use inventory::objects_of;

/// What `check` found.
#[derive(Debug)]
pub struct Checkup {
    /// The way to derive card keys, for each length.
    pub routes: Routes,
    /// Every way, tried.
    pub tried: Vec<Tried>,
    /// Every version of this token, then objects that are nobody's, then what keys.toml misses.
    pub findings: Vec<Finding>,
}

impl Checkup {
    /// Everything that is wrong.
    pub fn faults(&self) -> impl Iterator<Item = &Anomaly> {
        self.findings.iter().flat_map(|finding| &finding.faults)
    }
}

/// What `check` found about one version, or about an object or a name that is nobody's.
#[derive(Debug)]
pub struct Finding {
    /// The version, the label of a stray object, or the route.
    pub subject: String,
    /// The scheme by which a version's card keys come from it; `-` for all other keys.
    pub scheme: &'static str,
    /// Its state; none for what is not registered.
    pub state: Option<State>,
    /// Its check value, made now through the whole route; none when it could not be made, or when its state forbids to derive.
    pub check_value: Option<CheckValue>,
    /// Nothing when all agrees.
    pub faults: Vec<Anomaly>,
}

impl Finding {
    fn nobodys(subject: String, fault: Anomaly) -> Self {
        Self { subject, scheme: "-", state: None, check_value: None, faults: vec![fault] }
    }
}

/// Compares token, registry and, when it is given, keys.toml.
///
/// # Errors
/// What keeps the token from being looked at, or [`Error::KnownAnswer`] when no route can be trusted. Everything else is a finding.
pub fn run(config: &TokenConfig, registry: &Registry, file: Option<&KeysFile>) -> Result<Checkup, Error> {
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let (tried, wrong) = route::survey(&token, &door, &config.provider)?;
    let all = registry.list()?;
    let records: Vec<Record> = all.iter().filter(|record| record.token == config.label).cloned().collect();
    let mut findings = Vec::with_capacity(records.len());
    for record in &records {
        findings.push(version(&door, routes, config.mode, record));
    }
    findings.extend(wrong.into_iter().map(|error| Finding::nobodys("known answers".to_owned(), error.into())));
    findings.extend(nobodys(&door, &records)?);
    if let Some(file) = file {
        beside_file(file, &all, &records, &mut findings);
    }
    Ok(Checkup { routes, tried, findings })
}

fn version(door: &Door, routes: Routes, mode: Mode, record: &Record) -> Finding {
    let mut faults = Vec::new();
    let check_value = look(door, routes, mode, record, &mut faults).unwrap_or_else(|error| {
        faults.push(error.into());
        None
    });
    let scheme = record.scheme.shown(record.version.name.kind());
    Finding { subject: record.version.to_string(), scheme, state: Some(record.state), check_value, faults }
}

fn look(
    door: &Door,
    routes: Routes,
    mode: Mode,
    record: &Record,
    faults: &mut Vec<Anomaly>,
) -> Result<Option<CheckValue>, Error> {
    let (version, home) = (&record.version, record.home());
    if record.state == State::Destroyed {
        if keys::find(door, &home, version)? != Found::None {
            faults.push(Anomaly::DestroyedPresent { version: version.clone() });
        }
        return Ok(None);
    }
    if mode == Mode::Production && record.origin == Origin::Public {
        faults.push(Error::public_key_in_production(version).into());
    }
    if record.check_value.is_none() {
        return Err(Error::BirthUnfinished { version: version.clone() });
    }
    let handle = keys::find(door, &home, version)?.required(version, &home)?;
    faults.extend(judge::object(record, &Reported::read(door, handle)?));
    if faults.iter().any(|fault| matches!(fault, Anomaly::RightsLess { .. })) {
        // What it may not do, it cannot be asked for.
        return Ok(None);
    }
    if version.name.kind() == KeyKind::Signature && keys::find_public(door, &home, version)? == Found::None {
        faults.push(Anomaly::PublicHalf { version: version.clone() });
        return Ok(None);
    }
    // Nothing is derived from a suspended version, not even its check child. For all others it is harmless: no card has that key.
    if matches!(record.state, State::SuspendedActive | State::SuspendedGrace) {
        return Ok(None);
    }
    let value = check_value(door, routes, record, handle)?;
    compare(record, value.clone())?;
    Ok(Some(value))
}

/// Objects that no version has, and names that several have.
fn nobodys(door: &Door, records: &[Record]) -> Result<Vec<Finding>, Error> {
    let objects = objects_of(door, records)?;
    let stray = objects.iter().filter(|object| object.record.is_none() && object.is_key());
    let mut findings: Vec<Finding> = stray
        .map(|object| {
            let label = object.label.clone();
            Finding::nobodys(label.clone(), Error::ObjectStray { label }.into())
        })
        .collect();
    findings.extend(inventory::doubles(&objects).into_iter().map(|(label, fault)| Finding::nobodys(label, fault)));
    Ok(findings)
}

/// keys.toml beside the registry. A fault of a registered version goes to its own finding.
fn beside_file(file: &KeysFile, all: &[Record], records: &[Record], findings: &mut Vec<Finding>) {
    let mut blame = |subject: String, fault: Anomaly| match findings.iter_mut().find(|known| known.subject == subject) {
        Some(known) => known.faults.push(fault),
        None => findings.push(Finding::nobodys(subject, fault)),
    };
    for key in &file.keys {
        let first = KeyVersion::first(key.name.clone());
        match all.iter().find(|record| record.version == first) {
            Some(record) => {
                for fault in [same_wish(&file.token, key, record).err(), required_check(key, record).err()] {
                    fault.into_iter().for_each(|fault| blame(record.version.to_string(), fault.into()));
                }
            }
            None if all.iter().any(|record| record.version.name == key.name) => {}
            None => blame(key.name.to_string(), Anomaly::NotRegistered { name: key.name.clone() }),
        }
    }
    for record in records.iter().filter(|record| record.state != State::Destroyed) {
        if !file.keys.iter().any(|key| key.name == record.version.name) {
            blame(record.version.to_string(), Anomaly::NotInFile { version: record.version.clone() });
        }
    }
}
