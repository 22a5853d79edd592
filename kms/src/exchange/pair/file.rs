//! The two files of a pairing, one JSON object on one line each, and their fingerprints.
//!
//! ```text
//! {"format":"fuda-kek-offer-1","kek":"kek/custody@1","from":"factory","oaep":["sha-1"],"modulus":"…"}
//! {"format":"fuda-kek-reply-1","offer":"…","kek":"kek/factory@1","asked":"kek/custody@1","from":"custody","oaep":"sha-1","check_value":"cmac:…","sealed":"…"}
//! ```
//!
//! Neither is secret. A fingerprint is the first half of the file's SHA-256: finding another file with it takes 2¹²⁸ tries.

use super::PairError;
use crate::check_value::{CheckValue, Method};
use crate::error::Error;
use crate::hex_text::{AnyHex, Hex};
use crate::name::KeyVersion;
use crate::provider::OaepHash;
use crate::token::template::RSA_BYTES;
use crate::wire::Named;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::str::FromStr;

const OFFER: &str = "fuda-kek-offer-1";
const REPLY: &str = "fuda-kek-reply-1";

/// Longest file in bytes: with every name at its longest it has 1,500.
const FILE_BYTES_MAX: u64 = 4096;

/// Characters of a group, so that a person reads it aloud.
const GROUP_CHARS: usize = 4;

/// What two people compare: the first 16 bytes of the SHA-256 of a file, written `0A1B-2C3D-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    fn of(digest: &[u8; 32]) -> Self {
        let mut first = [0; 16];
        for (to, from) in first.iter_mut().zip(digest) {
            *to = *from;
        }
        Self(first)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, digit) in hex::encode_upper(self.0).chars().enumerate() {
            if place > 0 && place % GROUP_CHARS == 0 {
                f.write_str("-")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// As a person types it: case, spaces and dashes do not count.
    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).map(|()| Self(bytes)).map_err(|_| NoFingerprint)
    }
}

/// A file and what was read from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// What it says.
    pub says: T,
    /// Its whole digest.
    pub(super) digest: [u8; 32],
}

impl<T> Written<T> {
    /// What two people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.digest)
    }

    /// Refuses a file that the peer has not made, by what its officer says.
    pub(super) fn refuse_foreign(&self, said: Fingerprint) -> Result<(), Error> {
        let found = self.fingerprint();
        if said == found { Ok(()) } else { Err(PairError::Fingerprint { said, found }.into()) }
    }
}

/// What a token offers, for which a KEK shall be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The KEK's name there.
    pub kek: KeyVersion,
    /// Name of that site, for people.
    pub from: String,
    /// The hashes of RSA-OAEP that its token takes, best first.
    pub oaep: Vec<OaepHash>,
    /// Its RSA-3072 key; the exponent is 65537.
    pub modulus: Vec<u8>,
}

/// A KEK, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// SHA-256 of the offer.
    pub offer: [u8; 32],
    /// The KEK's name where it was made.
    pub kek: KeyVersion,
    /// Its name where it is let in, as the offer had it.
    pub asked: KeyVersion,
    /// Name of the site that made it, for people.
    pub from: String,
    /// The hash that it was sealed by.
    pub oaep: OaepHash,
    /// Its CMAC check value.
    pub check_value: CheckValue,
    /// It, under the offered key.
    pub sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferLine {
    format: String,
    kek: Named,
    from: String,
    oaep: Vec<OaepHash>,
    modulus: AnyHex,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyLine {
    format: String,
    offer: Hex<32>,
    kek: Named,
    asked: Named,
    from: String,
    oaep: OaepHash,
    check_value: String,
    sealed: AnyHex,
}

impl Offer {
    /// The file's content.
    pub(super) fn line(&self) -> Result<Vec<u8>, Error> {
        line(&OfferLine {
            format: OFFER.to_owned(),
            kek: Named(self.kek.clone()),
            from: self.from.clone(),
            oaep: self.oaep.clone(),
            modulus: AnyHex(self.modulus.clone()),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read; [`PairError::Unsound`] when it is no offer.
    pub fn read(path: &Path) -> Result<Written<Self>, Error> {
        read(path, |OfferLine { format, kek, from, oaep, modulus }| {
            let modulus = modulus.0;
            let whole = format == OFFER && !oaep.is_empty() && modulus.len() == RSA_BYTES;
            whole.then_some(Self { kek: kek.0, from, oaep, modulus })
        })
    }
}

impl Reply {
    /// The file's content.
    pub(super) fn line(&self) -> Result<Vec<u8>, Error> {
        line(&ReplyLine {
            format: REPLY.to_owned(),
            offer: Hex(self.offer),
            kek: Named(self.kek.clone()),
            asked: Named(self.asked.clone()),
            from: self.from.clone(),
            oaep: self.oaep,
            check_value: self.check_value.to_string(),
            sealed: AnyHex(self.sealed.clone()),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read; [`PairError::Unsound`] when it is no reply.
    pub fn read(path: &Path) -> Result<Written<Self>, Error> {
        read(path, |ReplyLine { format, offer, kek, asked, from, oaep, check_value, sealed }| {
            let (kek, asked, sealed) = (kek.0, asked.0, sealed.0);
            let check_value = check_value.parse().ok().filter(|value: &CheckValue| value.method() == Method::Cmac)?;
            let whole = format == REPLY && sealed.len() == RSA_BYTES;
            whole.then_some(Self { offer: offer.0, kek, asked, from, oaep, check_value, sealed })
        })
    }
}

/// What is fingerprinted.
pub(super) fn digest(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line).into()
}

/// The fingerprint of a line of ours.
pub(super) fn fingerprint(line: &[u8]) -> Fingerprint {
    Fingerprint::of(&digest(line))
}

/// Writes a file that is not there yet, durable.
pub(super) fn write(path: &Path, line: &[u8]) -> Result<(), Error> {
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(line)?;
        file.sync_all()
    };
    written().map_err(|source| Error::File { path: path.to_owned(), source })
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut line = serde_json::to_vec(value).map_err(|error| Error::Message { text: error.to_string() })?;
    line.push(b'\n');
    Ok(line)
}

fn read<L: DeserializeOwned, T>(path: &Path, says: impl FnOnce(L) -> Option<T>) -> Result<Written<T>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let bytes = match std::fs::metadata(path).map_err(failed)?.len() {
        0..=FILE_BYTES_MAX => std::fs::read(path).map_err(failed)?,
        _ => Vec::new(),
    };
    let unsound = || Error::from(PairError::Unsound { file: path.display().to_string() });
    let line = serde_json::from_slice(&bytes).map_err(|_| unsound())?;
    let says = says(line).ok_or_else(unsound)?;
    Ok(Written { says, digest: digest(&bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../../golden/pairing.jsonl");

    fn offer() -> Offer {
        Offer {
            kek: "kek/custody@1".parse().unwrap(),
            from: "factory".to_owned(),
            oaep: vec![OaepHash::Sha256, OaepHash::Sha1],
            modulus: vec![0xC5; RSA_BYTES],
        }
    }

    fn reply() -> Reply {
        Reply {
            offer: digest(&offer().line().unwrap()),
            kek: "kek/factory@1".parse().unwrap(),
            asked: "kek/custody@1".parse().unwrap(),
            from: "custody".to_owned(),
            oaep: OaepHash::Sha256,
            check_value: "cmac:6DFD5BD2F0".parse().unwrap(),
            sealed: vec![0x3A; RSA_BYTES],
        }
    }

    fn read_from<T>(text: &str, read: impl FnOnce(&Path) -> Result<Written<T>, Error>) -> Result<Written<T>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn the_golden_files_are_what_is_written_and_read() {
        let written = [offer().line().unwrap(), reply().line().unwrap()].concat();
        assert_eq!(String::from_utf8(written).unwrap(), GOLDEN);
        let (first, second) = GOLDEN.split_once('\n').unwrap();
        assert_eq!(read_from(&format!("{first}\n"), Offer::read).unwrap().says, offer());
        assert_eq!(read_from(second, Reply::read).unwrap().says, reply());
    }

    #[test]
    fn no_byte_can_be_changed_under_one_fingerprint() {
        let first = GOLDEN.split_inclusive('\n').next().unwrap();
        let said = read_from(first, Offer::read).unwrap().fingerprint();
        for at in 0..first.len() {
            let mut bytes = first.as_bytes().to_vec();
            bytes[at] ^= 0x01;
            let changed = read_from(&String::from_utf8_lossy(&bytes), Offer::read);
            assert!(changed.map_or(true, |file| file.fingerprint() != said), "byte {at}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (first, second) = GOLDEN.split_once('\n').unwrap();
        for (from, to) in [
            ("offer-1", "offer-2"),
            ("[\"sha-256\",\"sha-1\"]", "[]"),
            ("\"sha-1\"", "\"md5\""),
            ("\"modulus\":\"c5", "\"modulus\":\""),
            ("\"from\"", "\"more\":1,\"from\""),
        ] {
            assert!(first.contains(from), "{from}");
            assert!(read_from(&first.replacen(from, to, 1), Offer::read).is_err(), "{from} -> {to}");
        }
        for (from, to) in
            [("reply-1", "offer-1"), ("cmac:6DFD5BD2F0", "gp:6DFD5B"), ("\"sealed\":\"3a", "\"sealed\":\"")]
        {
            assert!(second.contains(from), "{from}");
            assert!(read_from(&second.replacen(from, to, 1), Reply::read).is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn a_fingerprint_is_read_as_people_write_it() {
        let said: Fingerprint = "0a1b 2c3d-4E5F60718293a4b5C6D7E8F9".parse().unwrap();
        assert_eq!(said.to_string(), "0A1B-2C3D-4E5F-6071-8293-A4B5-C6D7-E8F9");
        for text in ["", "0A1B", "0A1B-2C3D-4E5F-6071-8293-A4B5-C6D7-E8FG", "0A1B-2C3D-4E5F-6071-8293-A4B5-C6D7-E8F900"]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
