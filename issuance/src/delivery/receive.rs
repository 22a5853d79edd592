//! Takes a delivery in: checked under a key that the receiver knows from elsewhere, then its cards, from the very bytes that were signed.

use std::fs;
use std::path::Path;

use super::{CardRow, Error, Manifest, ReceiptKey, Report, Sha256Sum, file, verify};

/// Largest table of cards that is read whole, in bytes: a million cards.
const CARDS_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A sound delivery.
#[derive(Debug, Clone)]
pub struct Received {
    /// What it says of itself.
    pub manifest: Manifest,
    /// SHA-256 of that.
    pub manifest_sha256: Sha256Sum,
    /// SHA-256 of the key that signed it.
    pub signed_by: Sha256Sum,
    /// Its good cards.
    pub cards: Vec<CardRow>,
}

/// Checks a delivery and reads its cards. It must be signed by the one of `known` that lies in the folder. `Err` of the inner result is the
/// report of a delivery that is not sound.
///
/// # Errors
/// [`Error::Io`]; [`Error::UnknownReceiptKey`] when the folder's key is none of `known`; [`Error::Changed`] when the folder changes while
/// it is read.
pub fn receive(folder: &Path, known: &[ReceiptKey]) -> Result<Result<Received, Box<Report>>, Error> {
    let path = folder.join(file::RECEIPT);
    let enclosed = fs::read_to_string(&path).map_err(Error::io(&path))?;
    let enclosed = ReceiptKey::from_pem(&enclosed)?;
    let Some(key) = known.iter().find(|key| **key == enclosed) else {
        return Err(Error::UnknownReceiptKey { spki_sha256: enclosed.spki_sha256()? });
    };
    let (report, manifest) = verify::check(folder, Some(key))?;
    let (Some(manifest), Some(signed_by), true) = (manifest, report.signed_by, report.is_sound()) else {
        return Ok(Err(Box::new(report)));
    };
    let cards = cards(folder, &manifest)?;
    let canonical = serde_json_canonicalizer::to_vec(&manifest).map_err(Error::Canonical)?;
    Ok(Ok(Received { manifest, manifest_sha256: Sha256Sum::of(&canonical), signed_by, cards }))
}

/// The rows of `cards.jsonl`, which must still be what the manifest says.
fn cards(folder: &Path, manifest: &Manifest) -> Result<Vec<CardRow>, Error> {
    let path = folder.join(file::CARDS_JSONL);
    let changed = || Error::Changed { path: path.clone() };
    let table = manifest.files.iter().find(|table| table.name == file::CARDS_JSONL).ok_or_else(changed)?;
    if table.bytes > CARDS_BYTES_MAX {
        return Err(Error::TooLarge { path: path.clone(), bytes: table.bytes });
    }
    let bytes = fs::read(&path).map_err(Error::io(&path))?;
    if Sha256Sum::of(&bytes) != table.sha256 {
        return Err(changed());
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(|_| changed())).collect()
}
