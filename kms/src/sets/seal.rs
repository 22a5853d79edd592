//! Making the file: for every chip of a list three card keys are derived in the token, wrapped there under the KEK, and written.
//!
//! The keys are session objects of one card's session and never readable. The file grows as `OUT.part`, synced now and then, and gets its
//! name when it is whole; the same command goes on with a part that a stop has left.

use super::format::{Card, Checked, End, Head, LINE_BYTES_MAX};
use super::list::CardList;
use crate::card::SET;
use crate::check_value::CheckValue;
use crate::derive::{Master, gp_kcv};
use crate::duty::{check_value, compare};
use crate::error::Error;
use crate::hex_text::Hex;
use crate::init::strictness;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::name::{KeyKind, KeyName, KeyVersion};
use crate::registry::{Record, Registry};
use crate::route::Routes;
use crate::sealed::{Blob, SealedKey};
use crate::state::Use;
use crate::token::module::Access;
use crate::token::reported::Reported;
use crate::token::template::{Leaves, Right, Template};
use crate::token::{Door, Token, keys};
use cryptoki::object::ObjectHandle;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Cards between two syncs: at most so many are made again after a power cut.
const SYNC_EVERY_CARDS: u64 = 1000;

/// What is to be sealed.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The version that the sets come from: `recovery`.
    pub key: &'a KeyVersion,
    /// The KEK that they are wrapped under: `card-kek/…`.
    pub kek: &'a KeyVersion,
    /// The chips.
    pub cards: &'a CardList,
    /// The file to be made.
    pub out: &'a Path,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Cards in the file.
    pub cards: u64,
    /// Of them, those that an earlier run had made.
    pub found: u64,
}

/// Makes the file, or goes on with it; `progress` hears how many cards are done.
///
/// # Errors
/// [`Error::WrongKind`] unless the key is `recovery` and the KEK a `card-kek`; [`Error::StateForbids`] unless both are ACTIVE;
/// [`Error::SchemeForbids`] for a key that all cards have in common; [`Error::KeyAttribute`], [`Error::KcvMismatch`];
/// [`Error::Policy`] when the file is there already, or its part is another order's; [`Error::File`]; everything that the way to
/// the token can give.
pub fn run(
    config: &TokenConfig,
    registry: &Registry,
    order: Order<'_>,
    mut progress: impl FnMut(u64),
) -> Result<Report, Error> {
    let key = usable(registry, order.key, &|name| *name == KeyName::Recovery, "recovery")?;
    let kek = usable(registry, order.kek, &|name| name.kind() == KeyKind::CardKek, "card-kek")?;
    if order.out.exists() {
        return Err(Error::Policy {
            what: format!("{} is there already; sets are never overwritten", order.out.display()),
            remedy: "name another file, or take that one away",
        });
    }
    let LoggedIn { token, door } = log_in(config, Access::ReadOnly)?;
    let routes = Routes::find(&token, &door, &config.provider)?;
    let (key_handle, key_value) = proved(&door, routes, &key)?;
    let (kek_handle, kek_value) = proved(&door, routes, &kek)?;
    let master = Master::new(&door, key_handle, (key.scheme, key.length), routes)?;
    let sealer = Sealer { token: &token, master: &master, kek: kek_handle };
    let checked = |record, value| Checked { record, value };
    let head = Head::new(&checked(&key, &key_value), &checked(&kek, &kek_value), order.cards);
    let mut part = Part::open(order.out, &head, order.cards)?;
    let found = part.cards;
    for chip in order.cards.chips.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        part.card(&Card::new(*chip, &sealer.seal(chip)?))?;
        progress(part.cards);
    }
    let cards = part.cards;
    part.finish(order.out)?;
    Ok(Report { cards, found })
}

/// A version of the right name that may issue.
fn usable(
    registry: &Registry,
    version: &KeyVersion,
    fits: &dyn Fn(&KeyName) -> bool,
    wanted: &'static str,
) -> Result<Record, Error> {
    if !fits(&version.name) {
        return Err(Error::WrongKind { version: version.clone(), wanted });
    }
    let record = registry.version(version)?;
    if !record.state.allows(Use::Issue) {
        return Err(Error::StateForbids {
            version: version.clone(),
            state: record.state,
            wanted: "seal sets of cards",
        });
    }
    Ok(record)
}

/// The object of a version, held against what it must be.
fn proved(door: &Door, routes: Routes, record: &Record) -> Result<(ObjectHandle, CheckValue), Error> {
    let home = record.home();
    let handle = keys::find(door, &home, &record.version)?.required(&record.version, &home)?;
    Reported::read(door, handle)?.check(&record.version, record.scheme, strictness(record.origin))?;
    let value = check_value(door, routes, record, handle)?;
    compare(record, value.clone())?;
    Ok((handle, value))
}

struct Sealer<'a> {
    token: &'a Token,
    master: &'a Master,
    kek: ObjectHandle,
}

impl Sealer<'_> {
    /// The set of one chip. Its keys go with the session that they were derived in.
    fn seal(&self, chip: &[u8; 10]) -> Result<[SealedKey; 3], Error> {
        let door = self.token.open(Access::ReadOnly)?;
        let template = Template::session_key(self.master.length().value_len(), &[Right::Encrypt], Leaves::Wrapped);
        let sealed = |purpose| {
            let key = self.master.card_key(&door, chip, purpose, &template)?;
            let wrapped = door.wrap_kw(self.kek, key)?;
            let (bytes, expected) = (wrapped.len(), self.master.length().bytes() + 8);
            let blob = Blob::new(wrapped).filter(|blob| blob.length() == self.master.length());
            let blob = blob.ok_or(Error::OutputLength { function: "C_WrapKey", expected, found: bytes })?;
            Ok::<_, Error>(SealedKey { blob, kcv: gp_kcv(&door, key)? })
        };
        let [enc, mac, dek] = SET;
        let set = [sealed(enc)?, sealed(mac)?, sealed(dek)?];
        door.close()?;
        Ok(set)
    }
}

/// The file before it is whole.
struct Part {
    path: PathBuf,
    file: BufWriter<File>,
    digest: Sha256,
    cards: u64,
}

impl Part {
    fn open(out: &Path, head: &Head, list: &CardList) -> Result<Self, Error> {
        let mut name = out.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let failed = |source| Error::File { path: path.clone(), source };
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed)?;
        let head = line(head)?;
        let (good, digest, cards) = whole_lines(&file, &head, list).map_err(failed)?.ok_or_else(|| Error::Policy {
            what: format!("{} was begun for other keys or another list", path.display()),
            remedy: "take it away, or name another file",
        })?;
        file.set_len(good).map_err(failed)?;
        let mut file = BufWriter::new(file);
        file.seek(SeekFrom::Start(good)).map_err(failed)?;
        let mut part = Self { path, file, digest, cards };
        if good == 0 {
            part.write(&head)?;
        }
        Ok(part)
    }

    fn card(&mut self, card: &Card) -> Result<(), Error> {
        self.write(&line(card)?)?;
        self.cards += 1;
        if self.cards.is_multiple_of(SYNC_EVERY_CARDS) { self.sync() } else { Ok(()) }
    }

    /// Writes the end, syncs, and gives the file its name.
    fn finish(mut self, out: &Path) -> Result<(), Error> {
        let end = line(&End { end: self.cards, sha256: Hex(self.digest.clone().finalize().into()) })?;
        self.write(&end)?;
        self.sync()?;
        let named = || {
            std::fs::rename(&self.path, out)?;
            // The name must survive a power cut as the content does.
            let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder)?.sync_all()
        };
        named().map_err(|source| Error::File { path: out.to_owned(), source })
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        self.digest.update(line);
        self.file.write_all(line).map_err(|source| Error::File { path: self.path.clone(), source })
    }

    fn sync(&mut self) -> Result<(), Error> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_data());
        synced.map_err(|source| Error::File { path: self.path.clone(), source })
    }
}

/// Length, digest and cards of the whole lines that belong to this order; a torn last line does not count. None when the file is another
/// order's.
fn whole_lines(file: &File, head: &[u8], list: &CardList) -> std::io::Result<Option<(u64, Sha256, u64)>> {
    let mut reader = BufReader::new(file);
    let (mut good, mut digest, mut cards) = (0, Sha256::new(), 0_u64);
    let mut bytes = Vec::with_capacity(LINE_BYTES_MAX);
    loop {
        bytes.clear();
        reader.read_until(b'\n', &mut bytes)?;
        if bytes.last() != Some(&b'\n') {
            return Ok(Some((good, digest, cards)));
        }
        if good == 0 {
            if bytes != head {
                return Ok(None);
            }
        } else {
            let chip = serde_json::from_slice::<Card>(&bytes).ok().map(|card| card.chip_id.0);
            let expected = usize::try_from(cards).ok().and_then(|place| list.chips.get(place));
            // An end that was written and not yet named: it is written again.
            if chip.is_none() && expected.is_none() && serde_json::from_slice::<End>(&bytes).is_ok() {
                return Ok(Some((good, digest, cards)));
            }
            if chip.as_ref() != expected || chip.is_none() {
                return Ok(None);
            }
            cards += 1;
        }
        digest.update(&bytes);
        good += bytes.len() as u64;
    }
}

/// An object on a line of its own.
fn line(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut line = serde_json::to_vec(value).map_err(|error| Error::Message { text: error.to_string() })?;
    line.push(b'\n');
    Ok(line)
}
