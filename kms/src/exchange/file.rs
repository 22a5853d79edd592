//! The file of one key on its road, `fuda-exchange-1`: two lines, each one JSON object.
//!
//! ```text
//! {"format":"fuda-exchange-1","key":"ap/ticket@1","kind":"derivation","scheme":"kdf3","bits":128,"check_value":"gp:…","from":"custody", …}
//! {"signature":"…","point":"04…"}                     ECDSA P-256 over the SHA-256 of the first line, and the key that made it
//! ```
//!
//! The blob is AES key wrap (RFC 3394). Nothing in the file is secret without the KEK; who has KEK, PIN and file has the use of the key.

use super::ExchangeError;
use crate::check_value::{CheckValue, Method};
use crate::error::Error;
use crate::hex_text::{AnyHex, Hex};
use crate::length::KeyLength;
use crate::name::{KeyKind, KeyVersion};
use crate::registry::Record;
use crate::scheme::Scheme;
use crate::wire::Named;
use p256::PublicKey;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// The format's name.
const FORMAT: &str = "fuda-exchange-1";

/// How blobs are made.
const ALGORITHM: &str = "AES-KW (RFC 3394)";

/// Longest file in bytes: with every name at its longest it has 900.
const FILE_BYTES_MAX: u64 = 4096;

/// What is signed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    format: String,
    key: Named,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<u16>,
    check_value: String,
    from: String,
    kek: Named,
    kek_check_value: String,
    algorithm: String,
    blob: AnyHex,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    signature: Hex<64>,
    point: AnyHex,
}

/// A key on its road, as its signer tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its name where it was born.
    pub key: KeyVersion,
    /// How the keys of a card come from it.
    pub scheme: Scheme,
    /// How long they are.
    pub length: KeyLength,
    /// Its check value.
    pub check_value: CheckValue,
    /// Name of the site where it was born.
    pub from: String,
    /// The KEK's name there.
    pub kek: KeyVersion,
    /// The KEK's check value, by which it is found here.
    pub kek_check_value: CheckValue,
    /// The key under the KEK.
    pub blob: Vec<u8>,
}

/// A parcel and who signed it; the signature fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The key.
    pub parcel: Parcel,
    /// The identity key that signed.
    pub signer: PublicKey,
}

impl Parcel {
    /// The parcel of a registered key.
    pub(super) fn of(
        record: &Record,
        check_value: CheckValue,
        from: &str,
        kek: (&KeyVersion, CheckValue),
        blob: Vec<u8>,
    ) -> Self {
        Self {
            key: record.version.clone(),
            scheme: record.scheme,
            length: record.length,
            check_value,
            from: from.to_owned(),
            kek: kek.0.clone(),
            kek_check_value: kek.1,
            blob,
        }
    }

    /// The first line.
    pub(super) fn line(&self) -> Result<Vec<u8>, Error> {
        let derives = self.key.name.kind() == KeyKind::Derivation;
        line(&Body {
            format: FORMAT.to_owned(),
            key: Named(self.key.clone()),
            kind: self.key.name.kind().as_str().to_owned(),
            scheme: derives.then(|| self.scheme.as_str().to_owned()),
            bits: derives.then(|| self.length.bits()),
            check_value: self.check_value.to_string(),
            from: self.from.clone(),
            kek: Named(self.kek.clone()),
            kek_check_value: self.kek_check_value.to_string(),
            algorithm: ALGORITHM.to_owned(),
            blob: AnyHex(self.blob.clone()),
        })
    }
}

/// The second line.
pub(super) fn seal(signature: [u8; 64], signer: &PublicKey) -> Result<Vec<u8>, Error> {
    line(&Seal { signature: Hex(signature), point: AnyHex(signer.to_sec1_point(false).as_bytes().to_vec()) })
}

/// What a signature is made over.
pub(super) fn digest(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line).into()
}

fn line(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut line = serde_json::to_vec(value).map_err(|error| Error::Message { text: error.to_string() })?;
    line.push(b'\n');
    Ok(line)
}

impl Signed {
    /// Reads a file and checks its signature; whose it is, is another question.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be read; [`ExchangeError::Unsound`] when it is none, or not as it was signed.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let bytes = match std::fs::metadata(path).map_err(failed)?.len() {
            0..=FILE_BYTES_MAX => std::fs::read(path).map_err(failed)?,
            _ => Vec::new(),
        };
        Self::parse(&path.display().to_string(), &bytes)
    }

    fn parse(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        let unsound = |why| Error::from(ExchangeError::Unsound { file: file.to_owned(), why });
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| unsound("it is no exchange file"))?;
        let (first, second) = bytes.split_at(end + 1);
        let foreign = || unsound("it is no exchange file that this program can read");
        let body: Body = serde_json::from_slice(first).map_err(|_| foreign())?;
        let seal: Seal = serde_json::from_slice(second).map_err(|_| foreign())?;
        let signer = PublicKey::from_sec1_bytes(&seal.point.0).map_err(|_| foreign())?;
        let fits = Signature::from_slice(&seal.signature.0)
            .and_then(|signature| VerifyingKey::from(signer).verify_prehash(&digest(first), &signature));
        fits.map_err(|_| unsound("its signature does not fit: it was changed"))?;
        Ok(Self { parcel: parcel(body).ok_or_else(foreign)?, signer })
    }
}

/// What a body says, when this program knows all of it.
fn parcel(body: Body) -> Option<Parcel> {
    let kind = body.key.0.name.kind();
    let known = body.format == FORMAT && body.algorithm == ALGORITHM && body.kind == kind.as_str();
    let derives = kind == KeyKind::Derivation;
    if !known || !kind.travels() || derives != body.scheme.is_some() || derives != body.bits.is_some() {
        return None;
    }
    let scheme = body.scheme.map_or(Some(Scheme::default()), |scheme| scheme.parse().ok());
    let length = body.bits.map_or(Some(KeyLength::default()), |bits| KeyLength::from_bits(bits.into()));
    Some(Parcel {
        key: body.key.0,
        scheme: scheme.filter(|scheme| *scheme != Scheme::Fixed)?,
        length: length?,
        check_value: body.check_value.parse().ok()?,
        from: body.from,
        kek: body.kek.0,
        kek_check_value: body.kek_check_value.parse().ok().filter(|value: &CheckValue| value.method() == Method::Gp)?,
        blob: body.blob.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::hazmat::PrehashSigner;

    const GOLDEN: &str = include_str!("../../golden/exchange.jsonl");

    fn key() -> SigningKey {
        SigningKey::from_slice(&[0x42; 32]).unwrap()
    }

    fn given() -> Parcel {
        Parcel {
            key: "ap/ticket@3".parse().unwrap(),
            scheme: Scheme::Kdf3,
            length: KeyLength::Aes128,
            check_value: "gp:E79C05".parse().unwrap(),
            from: "custody".to_owned(),
            kek: "kek/factory@1".parse().unwrap(),
            kek_check_value: "gp:A1B2C3".parse().unwrap(),
            blob: vec![0xB1; 24],
        }
    }

    fn signed(first: &[u8]) -> Vec<u8> {
        let signature: Signature = key().sign_prehash(&digest(first)).unwrap();
        let second = seal(signature.to_bytes().into(), &(*key().verifying_key()).into()).unwrap();
        [first, &second].concat()
    }

    #[test]
    fn the_golden_file_is_what_is_written_and_read() {
        assert_eq!(String::from_utf8(signed(&given().line().unwrap())).unwrap(), GOLDEN);
        let read = Signed::parse("golden", GOLDEN.as_bytes()).unwrap();
        assert_eq!(read, Signed { parcel: given(), signer: (*key().verifying_key()).into() });
    }

    #[test]
    fn no_byte_of_it_can_be_changed() {
        for at in 0..GOLDEN.len() {
            let mut bytes = GOLDEN.as_bytes().to_vec();
            bytes[at] ^= 0x01;
            // The last line feed is no part of anything.
            assert!(Signed::parse("t", &bytes).is_err() || at == GOLDEN.len() - 1, "byte {at}");
        }
        for cut in [0, 1, 100, GOLDEN.len() - 2] {
            assert!(Signed::parse("t", &GOLDEN.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_signed_and_cannot_be_is_refused() {
        let line = String::from_utf8(given().line().unwrap()).unwrap();
        for (from, to) in [
            ("exchange-1", "exchange-2"),
            ("RFC 3394", "RFC 5649"),
            ("ap/ticket@3", "vault@1"),
            ("\"kind\":\"derivation\"", "\"kind\":\"mac\""),
            ("\"scheme\":\"kdf3\",", ""),
            ("kdf3", "fixed"),
            ("\"bits\":128", "\"bits\":192"),
            ("gp:A1B2C3", "cmac:A1B2C3D4E5"),
            ("\"from\"", "\"more\":1,\"from\""),
        ] {
            assert!(line.contains(from), "{from}");
            assert!(Signed::parse("t", &signed(line.replacen(from, to, 1).as_bytes())).is_err(), "{from} -> {to}");
        }
    }
}
