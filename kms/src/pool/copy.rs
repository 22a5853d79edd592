//! The private copy of a token directory that a worker on SoftHSM logs in to: nobody else sees it, and it ends with the worker.
//!
//! It is made under the token's start-up lock, which every login to the master (`master.rs`) is under too.

use crate::error::Error;
use crate::login::TokenConfig;
use crate::master::{Fingerprint, Master, at};
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Folder of the copies in the state folder.
const FOLDER: &str = "workers";

/// The file in a copy whose lock its owner holds.
const LOCK: &str = "owner.lock";

/// The configuration in a copy.
const CONFIGURATION: &str = "softhsm2.conf";

/// A copy; dropped, it is removed.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    folder: PathBuf,
    _owner: File,
}

impl PrivateCopy {
    /// Makes the copy that the token's provider asks for, if it asks for one. `name` is the copy's among those of this process.
    pub(super) fn make(token: &TokenConfig, name: &str) -> Result<Option<(Self, Fingerprint)>, Error> {
        let Some(master) = Master::of(token)? else { return Ok(None) };
        let folder = token.state_dir.join(FOLDER).join(format!("{}-{name}", std::process::id()));
        let _lock = token.files().lock()?;
        let _ = std::fs::remove_dir_all(&folder);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(at(&folder))?;
        let owner = owner(&folder).map_err(at(&folder))?;
        let copy = Self { folder, _owner: owner };
        let tokens = copy.folder.join("tokens");
        let copied = master.copy_to(&tokens, token.label.as_str())?;
        std::fs::write(copy.configuration(), master.configuration_for(&tokens)).map_err(at(&copy.folder))?;
        Ok(Some((copy, copied)))
    }

    /// What `SOFTHSM2_CONF` is for the worker.
    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join(CONFIGURATION)
    }

    /// Leaves it where it is.
    pub(super) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Removes the copies of pools that are gone: those whose lock is free.
pub(super) fn remove_leftovers(token: &TokenConfig) -> Result<(), Error> {
    let folder = token.state_dir.join(FOLDER);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::File { path: folder, source }),
    };
    // Under the lock no other pool is between making a copy's folder and locking it.
    let _lock = token.files().lock()?;
    for entry in entries.flatten() {
        if let Ok(_free) = owner(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Takes the lock of a copy.
fn owner(folder: &Path) -> std::io::Result<File> {
    let file = File::options().write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}
