//! The canonical form of a profile, and its hash.
//!
//! One line per fact, in the order of creation on the card: header, MF, its files, each application and its files, with the
//! control parameters as the bytes that CREATE FILE sends, then initial content and fields; without files the key sets, in the
//! order in which a card gets them. Comments, spacing, spelling of
//! defaults and order of TOML members do not count; whatever a card or a field of it would differ in does.

use super::df::RecoverySet;
use super::domain::{Delivered, Domain, LoadedSet, OldSet};
use super::field::{Field, Privacy};
use super::file_system::FileSystem;
use super::initial::{Initial, Place};
use super::wef::Wef;
use super::{Content, File, Profile};
use crate::command::ComponentForm;
use crate::id::Kvn;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use std::str::FromStr;

/// SHA-256 of the canonical form: the version of a profile that a card was made by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProfileHash([u8; 32]);

impl ProfileHash {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for ProfileHash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for ProfileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ProfileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileHash({self})")
    }
}

impl FromStr for ProfileHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Profile {
    /// The hash of the canonical form.
    #[must_use]
    pub fn hash(&self) -> ProfileHash {
        ProfileHash(Sha256::digest(self.canonical()).into())
    }

    /// The canonical form: UTF-8, lines ended by LF.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = write_profile(&mut out, self);
        out
    }
}

fn write_profile(out: &mut String, profile: &Profile) -> fmt::Result {
    writeln!(out, "fuda-profile 1")?;
    writeln!(out, "name {}", profile.name())?;
    writeln!(out, "version {}", profile.version())?;
    match profile.content() {
        Content::Files(files) => write_files(out, files),
        Content::Keys(domain) => write_domain(out, domain),
    }
}

fn write_files(out: &mut String, files: &FileSystem) -> fmt::Result {
    writeln!(out, "atr {}", hex::encode(files.atr().unwrap_or_default()))?;
    write_file(out, "mf", &files.mf_file())?;
    for file in files.mf_files() {
        write_file(out, "ef", &file)?;
    }
    if files.mf().recovery == RecoverySet::PerCard {
        writeln!(out, "recovery per-card kvn {}", Kvn::RECOVERY)?;
    }
    write_wefs(out, &files.mf().wefs)?;
    for application in files.applications() {
        let (name, key, kvn) = (&application.name, &application.key, application.kvn);
        writeln!(out, "application {name} key {key} kvn {kvn}")?;
        write_file(out, "df", &File::new(name.as_str(), application.fcp()))?;
        for file in application.files() {
            write_file(out, "ef", &file)?;
        }
        write_wefs(out, &application.wefs)?;
    }
    Ok(())
}

fn write_domain(out: &mut String, domain: &Domain) -> fmt::Result {
    let field = match domain.key_field {
        ComponentForm::WithKeyLength => "with-length",
        ComponentForm::CiphertextOnly => "bare",
    };
    writeln!(out, "domain {} key-field {field}", domain.aid)?;
    match domain.delivered {
        Delivered::Initial { kvn, transport } => {
            writeln!(out, "delivered initial kvn {kvn}")?;
            write_set(out, "transport", transport)?;
        }
        Delivered::Transport { kvn } => writeln!(out, "delivered transport kvn {kvn}")?,
    }
    write_set(out, "issuer", domain.issuer)
}

fn write_set(out: &mut String, key: &str, LoadedSet { kvn, old_set }: LoadedSet) -> fmt::Result {
    let old_set = match old_set {
        OldSet::Replaced => "replaced",
        OldSet::Vanishes => "vanishes",
        OldSet::Deleted => "deleted",
    };
    writeln!(out, "loaded {key} kvn {kvn} old-set {old_set}")
}

fn write_file(out: &mut String, kind: &str, File { name, fcp }: &File) -> fmt::Result {
    writeln!(out, "{kind} {name} {}", hex::encode(fcp.encode()))
}

fn write_wefs(out: &mut String, wefs: &[Wef]) -> fmt::Result {
    for wef in wefs {
        writeln!(out, "slots {} {}", wef.name, wef.slots)?;
        for Initial { place, bytes } in &wef.initial {
            match place {
                Place::Offset(offset) => write!(out, "initial {} offset {offset} ", wef.name)?,
                Place::Record(record) => write!(out, "initial {} record {record} ", wef.name)?,
            }
            writeln!(out, "{}", hex::encode(bytes))?;
        }
        for Field { name, kind, offset, privacy } in &wef.fields {
            let privacy = match privacy {
                Privacy::Ordinary => "ordinary",
                Privacy::Personal => "personal",
            };
            writeln!(out, "field {} {name} offset {offset} {kind} {privacy}", wef.name)?;
        }
    }
    Ok(())
}
