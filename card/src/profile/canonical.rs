//! The canonical form of a profile, and its hash.
//!
//! One line per fact, in the order of creation on the card: header, MF, its files, each application and its files, with the
//! control parameters as the bytes that CREATE FILE sends, then initial content and fields. Comments, spacing, spelling of
//! defaults and order of TOML members do not count; whatever a card or a field of it would differ in does.

use super::field::{Field, Privacy};
use super::initial::{Initial, Place};
use super::wef::Wef;
use super::{File, Profile};
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
    writeln!(out, "atr {}", hex::encode(profile.atr().unwrap_or_default()))?;
    write_file(out, "mf", &profile.mf_file())?;
    for file in profile.mf_files() {
        write_file(out, "ef", &file)?;
    }
    write_wefs(out, &profile.mf().wefs)?;
    for application in profile.applications() {
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
