//! Writes a delivery: rows stream into a hidden folder beside the target, which is renamed when everything is signed and on disk.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use fuda_kms::name::KeyVersion;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::manifest::{FORMAT, FORMAT_WITH_COUNTERS, FileFacts, Manifest, PartFacts, ReceiptFacts};
use super::row::FieldError;
use super::{
    CARD_COLUMNS, CardRow, CsvEncoding, Error, Extent, Facts, REJECT_COLUMNS, ReceiptKey, RejectRow, file,
    signature_to_der, sums,
};
use crate::sha256::{HashingWriter, Sha256Sum};

type Hashed = HashingWriter<BufWriter<File>>;

/// A delivery that takes rows. Dropped before it is published, it leaves nothing behind.
#[derive(Debug)]
pub struct DeliveryWriter {
    folder: Folder,
    cards_csv: csv::Writer<Hashed>,
    cards_jsonl: Hashed,
    rejects_csv: csv::Writer<Hashed>,
    encoding: CsvEncoding,
    cards: u64,
    rejects: u64,
    /// The oldest format that says all that was written.
    format: &'static str,
}

/// A delivery whose manifest waits for its signature.
#[derive(Debug)]
pub struct UnsignedDelivery {
    folder: Folder,
    manifest: Manifest,
    bytes: Vec<u8>,
    receipt: ReceiptKey,
}

/// A delivery that was made.
#[derive(Debug, Clone)]
pub struct Published {
    /// Where it is.
    pub folder: PathBuf,
    /// What it says.
    pub manifest: Manifest,
    /// SHA-256 of `manifest.json`.
    pub manifest_sha256: Sha256Sum,
}

impl DeliveryWriter {
    /// Begins a delivery that will be called `target`, with its CSV tables in `encoding`; its parent folder must exist.
    ///
    /// # Errors
    /// [`Error::Exists`] or [`Error::Io`].
    pub fn create(target: &Path, encoding: CsvEncoding) -> Result<Self, Error> {
        let folder = Folder::create(target)?;
        let table =
            |name: &str| -> Result<Hashed, Error> { Ok(HashingWriter::new(BufWriter::new(folder.file(name)?))) };
        let mut cards_csv = csv::Writer::from_writer(table(file::CARDS_CSV)?);
        let mut rejects_csv = csv::Writer::from_writer(table(file::REJECTS)?);
        let cards_jsonl = table(file::CARDS_JSONL)?;
        cards_csv.write_record(CARD_COLUMNS).map_err(folder.csv_error(file::CARDS_CSV))?;
        rejects_csv.write_record(REJECT_COLUMNS).map_err(folder.csv_error(file::REJECTS))?;
        Ok(Self { folder, cards_csv, cards_jsonl, rejects_csv, encoding, cards: 0, rejects: 0, format: FORMAT })
    }

    /// Adds a good card.
    ///
    /// # Errors
    /// [`Error::Row`] if a field does not fit its column, [`Error::Io`].
    pub fn card(&mut self, row: &CardRow) -> Result<(), Error> {
        self.cards += 1;
        row.check().map_err(|error| refused(file::CARDS_CSV, self.cards, &error))?;
        let record = self.encoded(file::CARDS_CSV, self.cards, (&CARD_COLUMNS, &row.to_record()))?;
        self.cards_csv.write_record(record).map_err(self.folder.csv_error(file::CARDS_CSV))?;
        if !row.counters.is_empty() {
            self.format = FORMAT_WITH_COUNTERS;
        }
        let mut line = serde_json::to_vec(row).map_err(Error::Canonical)?;
        line.push(b'\n');
        self.cards_jsonl.write_all(&line).map_err(Error::io(&self.folder.path(file::CARDS_JSONL)))
    }

    /// Adds a rejected chip.
    ///
    /// # Errors
    /// As [`DeliveryWriter::card`].
    pub fn reject(&mut self, row: &RejectRow) -> Result<(), Error> {
        self.rejects += 1;
        row.check().map_err(|error| refused(file::REJECTS, self.rejects, &error))?;
        let record = self.encoded(file::REJECTS, self.rejects, (&REJECT_COLUMNS, &row.to_record()))?;
        self.rejects_csv.write_record(record).map_err(self.folder.csv_error(file::REJECTS))
    }

    /// A row in the encoding of the tables.
    fn encoded(
        &self,
        file: &'static str,
        row: u64,
        (columns, fields): (&[&'static str], &[String]),
    ) -> Result<Vec<Vec<u8>>, Error> {
        let what = "has a character that CP932 has not";
        let encode = |(column, field): (&&'static str, &String)| {
            self.encoding.encode(field).ok_or(Error::Row { file, row, column, what })
        };
        columns.iter().zip(fields).map(encode).collect()
    }

    /// Ends the tables and writes the manifest. `number` counts deliveries of this job; `key` is the version that will sign and `receipt`
    /// its public half.
    ///
    /// # Errors
    /// [`Error::Identity`] if the counts do not add up (then nothing is to be signed), [`Error::Io`].
    pub fn close(
        self,
        facts: Facts,
        (number, extent): (u32, Extent),
        (key, receipt): (KeyVersion, ReceiptKey),
    ) -> Result<UnsignedDelivery, Error> {
        let Self { folder, cards_csv, cards_jsonl, rejects_csv, encoding, cards, rejects, format } = self;
        let delivery = PartFacts { number, extent, cards, rejects };
        if !facts.counts.complaints(&delivery).is_empty() {
            let what = facts.counts.complaints(&delivery).join("; ");
            return Err(Error::Identity { what, counts: facts.counts });
        }
        let into_inner = |table: csv::Writer<Hashed>, name: &str| {
            table.into_inner().map_err(|error| Error::Io { path: folder.path(name), source: error.into_error() })
        };
        let files = vec![
            folder.end(file::CARDS_CSV, into_inner(cards_csv, file::CARDS_CSV)?, encoding)?,
            folder.end(file::CARDS_JSONL, cards_jsonl, CsvEncoding::Utf8)?,
            folder.end(file::REJECTS, into_inner(rejects_csv, file::REJECTS)?, encoding)?,
        ];
        let receipt_key = ReceiptFacts { key, spki_sha256: receipt.spki_sha256()? };
        let manifest = Manifest { format: format.to_owned(), facts, delivery, files, receipt_key };
        let bytes = serde_json_canonicalizer::to_vec(&manifest).map_err(Error::Canonical)?;
        folder.write(file::MANIFEST, &bytes)?;
        Ok(UnsignedDelivery { folder, manifest, bytes, receipt })
    }
}

impl UnsignedDelivery {
    /// SHA-256 of `manifest.json`: what the HSM signs.
    #[must_use]
    pub fn digest(&self) -> Sha256Sum {
        Sha256Sum::of(&self.bytes)
    }

    /// Adds the signature (`r ‖ s` over [`UnsignedDelivery::digest`]) and gives the folder its name.
    ///
    /// # Errors
    /// [`Error::WrongSignature`] if it does not verify under the receipt key, [`Error::Exists`], [`Error::Io`].
    pub fn publish(self, signature: &[u8; 64]) -> Result<Published, Error> {
        let der = signature_to_der(signature)?;
        if !self.receipt.verifies(&self.bytes, &der) {
            return Err(Error::WrongSignature);
        }
        let pem = self.receipt.to_pem()?;
        self.folder.write(file::SIGNATURE, &der)?;
        self.folder.write(file::RECEIPT, pem.as_bytes())?;
        let mut listed: Vec<_> = self.manifest.files.iter().map(|table| (table.name.as_str(), table.sha256)).collect();
        listed.extend([
            (file::MANIFEST, self.digest()),
            (file::SIGNATURE, Sha256Sum::of(&der)),
            (file::RECEIPT, Sha256Sum::of(pem.as_bytes())),
        ]);
        listed.sort_unstable_by_key(|(name, _)| *name);
        self.folder.write(file::SUMS, sums::print(&listed).as_bytes())?;
        let manifest_sha256 = self.digest();
        Ok(Published { folder: self.folder.publish()?, manifest: self.manifest, manifest_sha256 })
    }
}

fn refused(file: &'static str, row: u64, error: &FieldError) -> Error {
    Error::Row { file, row, column: error.column, what: error.what }
}

/// The hidden folder, removed unless it is published.
#[derive(Debug)]
struct Folder {
    hidden: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Folder {
    fn create(target: &Path) -> Result<Self, Error> {
        let target = std::path::absolute(target).map_err(Error::io(target))?;
        refuse_existing(&target)?;
        forget_unfinished(&target);
        let hidden = target.with_file_name(format!("{}{}", hidden_prefix(&target), std::process::id()));
        fs::create_dir(&hidden).map_err(Error::io(&hidden))?;
        Ok(Self { hidden, target, published: false })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.hidden.join(name)
    }

    fn file(&self, name: &str) -> Result<File, Error> {
        let path = self.path(name);
        File::create_new(&path).map_err(Error::io(&path))
    }

    fn csv_error(&self, name: &str) -> impl FnOnce(csv::Error) -> Error {
        let path = self.path(name);
        move |error| Error::Io { path, source: error.into() }
    }

    /// Flushes and syncs a table and tells its facts.
    fn end(&self, name: &str, mut table: Hashed, encoding: CsvEncoding) -> Result<FileFacts, Error> {
        let path = self.path(name);
        table.flush().map_err(Error::io(&path))?;
        let (inner, sha256, bytes) = table.finish();
        inner.get_ref().sync_all().map_err(Error::io(&path))?;
        let encoding = (encoding != CsvEncoding::Utf8).then_some(encoding);
        Ok(FileFacts { name: name.to_owned(), bytes, sha256, encoding })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let mut file = self.file(name)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io(&self.path(name)))
    }

    fn publish(mut self) -> Result<PathBuf, Error> {
        let sync = |path: &Path| File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io(path));
        sync(&self.hidden)?;
        refuse_existing(&self.target)?;
        fs::rename(&self.hidden, &self.target).map_err(Error::io(&self.target))?;
        self.published = true;
        if let Some(parent) = self.target.parent() {
            sync(parent)?;
        }
        Ok(self.target.clone())
    }
}

/// What the name of a hidden folder begins with; the number of the process follows.
fn hidden_prefix(target: &Path) -> String {
    format!(".{}.", target.file_name().unwrap_or_default().to_string_lossy())
}

/// Removes the hidden folders of writers of `target` that were killed: `.NAME.PID` whose process is gone. One that cannot be removed is
/// only in the way.
pub fn forget_unfinished(target: &Path) {
    let prefix = hidden_prefix(target);
    let entries = target.parent().map(fs::read_dir).into_iter().flatten().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(prefix.as_str())?.parse::<i32>().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else { continue };
        if test_kill_process(pid) == Err(Errno::SRCH) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_dir_all(&self.hidden);
        }
    }
}

fn refuse_existing(target: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(target) {
        Ok(_) => Err(Error::Exists { path: target.to_path_buf() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Io { path: target.to_path_buf(), source }),
    }
}
