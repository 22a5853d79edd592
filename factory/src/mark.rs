//! What this machine remembers of the store's age, in a file beside the HSM's state: a store that is younger than that is an old copy that
//! was put back, and what it has forgotten lies on cards.
//!
//! The file also says up to which serial of each job a line may have gone. It is written ahead, so a store that was lost with the machine
//! in the middle of work is fenced a little too high rather than too low.

use crate::failure;
use crate::site::Site;
use fuda_cli::{Exit, Failure};
use fuda_issuance::Error;
use fuda_issuance::Journal;
use fuda_issuance::delivery::{Manifest, Sha256Sum, file};
use fuda_issuance::journal::{Age, Beat, KnownDeliveries};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Serials that a line may give out between two marks: more than 64 encoders do in a second.
const AHEAD: u64 = 256;

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    path: PathBuf,
}

/// Its content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remembered {
    pub(crate) store: String,
    pub(crate) generation: u64,
    pub(crate) positions: BTreeMap<String, u64>,
}

/// A running line's part in the file.
#[derive(Debug)]
pub struct Memory {
    mark: Mark,
    job: String,
    serials: u64,
}

impl Memory {
    /// The memory of a line at a job.
    pub(crate) fn of(site: &Site, journal: &Journal) -> Self {
        let order = &journal.job().order;
        Self { mark: Mark::of(site), job: order.id.clone(), serials: order.quantity + order.spares }
    }

    /// Remembers what a sign of life told; more serials may be given out before the next.
    pub(crate) fn note(&self, beat: &Beat) -> Result<(), Error> {
        self.mark.write(&beat.age, &self.job, (beat.next + AHEAD).min(self.serials))
    }

    /// The same for the last sign of life.
    pub(crate) fn end(&self, beat: &Beat) -> Result<(), Error> {
        self.mark.write(&beat.age, &self.job, beat.next)
    }
}

/// A delivery in the site's folder.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) sha256: Sha256Sum,
}

impl Mark {
    /// The mark of a site's store.
    pub(crate) fn of(site: &Site) -> Self {
        let place = Sha256Sum::of(site.store.place().as_bytes()).to_string();
        let name = format!("store-{}.mark", place.get(..16).unwrap_or(&place));
        let folder = site.config.hsm.state.clone().unwrap_or_else(|| site.config.folder.clone());
        let path = folder.join(name);
        Self { path: std::path::absolute(&path).unwrap_or(path) }
    }

    /// What is remembered; nothing on a machine that never worked with the store.
    pub(crate) fn read(&self) -> Result<Option<Remembered>, Error> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| self.failed(&error.to_string())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    /// Remembers the store's age, and the position below which a job may have given out serials.
    fn write(&self, age: &Age, job: &str, next: u64) -> Result<(), Error> {
        let before = self.read()?.filter(|before| before.store == age.store).unwrap_or_default();
        let mut positions = before.positions;
        positions.insert(job.to_owned(), next);
        let generation = age.generation.max(before.generation);
        self.put(&Remembered { store: age.store.clone(), generation, positions })
    }

    /// Writes the file whole, on disk when this returns.
    pub(crate) fn put(&self, remembered: &Remembered) -> Result<(), Error> {
        let bytes = serde_json::to_vec(remembered).map_err(|error| self.failed(&error.to_string()))?;
        let fresh = self.path.with_extension(format!("mark.{}", std::process::id()));
        let written = File::create(&fresh).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&fresh, &self.path)?;
            File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()
        });
        written.map_err(|error| self.failed(&error.to_string()))
    }

    fn failed(&self, what: &str) -> Error {
        Error::Mark { path: self.path.display().to_string(), what: what.to_owned() }
    }
}

/// Refuses a store that has forgotten something: it is younger than this machine remembers, another one than worked here, or does not know
/// a delivery that lies in the site's folder.
pub(crate) fn require_current(site: &Site) -> Result<(), Failure> {
    let age = Age::of(&site.store).map_err(failure::of)?;
    let remembered = Mark::of(site).read().map_err(failure::of)?;
    let forgotten = match remembered {
        Some(mark) if mark.store != age.store => Some("another database than the one that worked here".to_owned()),
        Some(mark) if mark.generation > age.generation => {
            Some(format!("it is at generation {}, and this machine has seen {}", age.generation, mark.generation))
        }
        _ => unknown_deliveries(site, &[])?
            .first()
            .map(|found| format!("it does not know the delivery {}", found.folder.display())),
    };
    forgotten.map_or(Ok(()), |why| {
        let what = format!("the store is an old copy that was put back: {why}");
        Err(Failure::new("STORE_RESTORED", Exit::Store, what)
            .at(site.store.place())
            .remedy("an officer fences what it has forgotten: `fuda-factory store fence --officer ID`"))
    })
}

/// Deliveries of this site, in its folder and others, that the store does not know.
pub(crate) fn unknown_deliveries(site: &Site, more: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let known = KnownDeliveries::of(&site.store).map_err(failure::of)?;
    let out = site.config.factory.as_ref().and_then(|factory| factory.out.clone());
    let folders = out.iter().chain(more);
    let mut entries: Vec<PathBuf> =
        folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let found = entries.into_iter().filter(|folder| !is_hidden(folder)).filter_map(|folder| {
        let bytes = fs::read(folder.join(file::MANIFEST)).ok()?;
        let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
        Some(Found { folder, manifest, sha256: Sha256Sum::of(&bytes) })
    });
    Ok(found
        .filter(|found| found.manifest.facts.site == site.config.site.name && found.manifest.facts.mode == site.mode())
        .filter(|found| {
            let (job, number) = (&found.manifest.facts.order.id, found.manifest.delivery.number);
            !known.has(&found.sha256.to_string(), job, number)
        })
        .collect())
}

/// A folder that is still being written.
fn is_hidden(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}
