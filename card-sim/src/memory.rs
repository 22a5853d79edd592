//! The card's non-volatile memory: the state, and the file it is kept in.
//!
//! A card file has two slots of [`SLOT_BYTES`], written in turn: `magic(8) ‖ sequence(8) ‖ length(4) ‖ digest(8) ‖ image`.
//! The newest slot whose digest is right is the card. One write per change, no rename, no fsync: a process killed in the
//! middle of it leaves the other slot, and a command is answered only after its write returned.

use crate::error::Error;
use crate::image;
use crate::state::State;
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Room of one slot; the largest state ([`crate::create::MEMORY_BYTES`]) fits with its file headers.
const SLOT_BYTES: u64 = 65_536;
const MAGIC: &[u8; 8] = b"FUDACARD";
const HEADER_BYTES: usize = 28;

/// A card's state and where it is kept.
#[derive(Debug)]
pub(crate) struct Memory {
    state: State,
    backing: Option<Backing>,
    failed: bool,
}

#[derive(Debug)]
struct Backing {
    file: File,
    sequence: u64,
}

/// The only way to change a [`State`]: it is saved when the guard is dropped.
#[derive(Debug)]
pub(crate) struct Edit<'a>(&'a mut Memory);

impl Memory {
    /// A card that lives in memory only.
    pub(crate) const fn volatile(state: State) -> Self {
        Self { state, backing: None, failed: false }
    }

    /// A new card file; the path must be free.
    pub(crate) fn create(path: &Path, state: State) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| Error::CardFile { path: path.to_owned(), source })?;
        let mut memory = Self { state, backing: Some(Backing::lock(file, path)?), failed: false };
        memory.save().map_err(|source| Error::CardFile { path: path.to_owned(), source })?;
        Ok(memory)
    }

    /// An existing card file, locked against every other process as a chip is in one reader at a time.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(|source| Error::CardFile { path: path.to_owned(), source })?;
        let mut backing = Backing::lock(file, path)?;
        let (sequence, state) = newest(&backing.file, path)?;
        backing.sequence = sequence;
        Ok(Self { state, backing: Some(backing), failed: false })
    }

    /// The state of a card file that may be in use elsewhere.
    pub(crate) fn peek(path: &Path) -> Result<State, Error> {
        let file = File::open(path).map_err(|source| Error::CardFile { path: path.to_owned(), source })?;
        newest(&file, path).map(|(_, state)| state)
    }

    pub(crate) const fn edit(&mut self) -> Edit<'_> {
        Edit(self)
    }

    /// Whether a change could not be written: the card must not answer as if it had been.
    pub(crate) const fn has_failed(&self) -> bool {
        self.failed
    }

    fn save(&mut self) -> std::io::Result<()> {
        let Some(backing) = &mut self.backing else { return Ok(()) };
        backing.sequence += 1;
        let image = image::encode(&self.state);
        let length = u32::try_from(image.len()).unwrap_or(u32::MAX);
        let mut slot = zeroize::Zeroizing::new(Vec::with_capacity(HEADER_BYTES + image.len()));
        slot.extend_from_slice(MAGIC);
        slot.extend_from_slice(&backing.sequence.to_be_bytes());
        slot.extend_from_slice(&length.to_be_bytes());
        slot.extend_from_slice(&digest(backing.sequence, &image));
        slot.extend_from_slice(&image);
        if slot.len() as u64 > SLOT_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        backing.file.write_all_at(&slot, (backing.sequence & 1) * SLOT_BYTES)
    }
}

impl Deref for Memory {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl Deref for Edit<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0.state
    }
}

impl DerefMut for Edit<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.0.state
    }
}

impl Drop for Edit<'_> {
    fn drop(&mut self) {
        if self.0.save().is_err() {
            self.0.failed = true;
        }
    }
}

impl Backing {
    fn lock(file: File, path: &Path) -> Result<Self, Error> {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { file, sequence: 0 }),
            Err(_) => Err(Error::CardBusy { path: path.to_owned() }),
        }
    }
}

impl Drop for Backing {
    /// Lets go of the card in so many words: a process that is being started at this moment has a copy of the descriptor until its program is
    /// loaded, and closing ours alone would leave the card locked until then.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

fn newest(file: &File, path: &Path) -> Result<(u64, State), Error> {
    let slots = [0, SLOT_BYTES].into_iter().filter_map(|offset| slot(file, offset));
    let (sequence, image) = slots.max_by_key(|(sequence, _)| *sequence).ok_or_else(|| damaged(path))?;
    let state = image::decode(&image).ok_or_else(|| damaged(path))?;
    Ok((sequence, state))
}

fn damaged(path: &Path) -> Error {
    Error::CardDamaged { path: PathBuf::from(path) }
}

/// One slot, if it was written to its end.
fn slot(file: &File, offset: u64) -> Option<(u64, zeroize::Zeroizing<Vec<u8>>)> {
    let mut header = [0; HEADER_BYTES];
    file.read_exact_at(&mut header, offset).ok()?;
    let (magic, rest) = header.split_first_chunk::<8>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let (length, expected) = rest.split_first_chunk::<4>()?;
    let sequence = u64::from_be_bytes(*sequence);
    let length = u32::from_be_bytes(*length);
    if magic != MAGIC || u64::from(length) > SLOT_BYTES {
        return None;
    }
    let mut image = zeroize::Zeroizing::new(vec![0; usize::try_from(length).ok()?]);
    file.read_exact_at(&mut image, offset + HEADER_BYTES as u64).ok()?;
    (digest(sequence, &image) == expected).then_some((sequence, image))
}

/// The first eight bytes of SHA-256 over sequence number and image.
fn digest(sequence: u64, image: &[u8]) -> [u8; 8] {
    let hash = Sha256::new().chain_update(sequence.to_be_bytes()).chain_update(image).finalize();
    let mut short = [0; 8];
    for (byte, full) in short.iter_mut().zip(hash) {
        *byte = full;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use crate::card::Blank;
    use crate::crypto::AesKey;
    use fuda_card::id::Kdd;

    #[test]
    fn a_dropped_card_is_free_though_a_child_has_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.card");
        let master = AesKey::from_bytes(b"@ABCDEFGHIJKLMNO").unwrap();
        let blank = Blank::derived(Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), &master).unwrap();
        let memory = Memory::create(&path, blank.into_state()).unwrap();
        let inherited = memory.backing.as_ref().unwrap().file.try_clone().unwrap();
        drop(memory);
        Memory::open(&path).unwrap();
        drop(inherited);
    }
}
