//! The list of erased members. It lies outside the database: whoever restores an old backup holds it against this list, and members who were
//! erased since are erased once more.
//!
//! One member and time a line. A line is on disk before the database forgets.

use crate::error::Error;
use crate::id::MemberId;
use fuda_store::{Store, clock};
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Members looked at in one transaction.
const MEMBERS_PER_PIECE: usize = 500;

/// The list.
#[derive(Debug, Clone)]
pub struct Erasures {
    path: PathBuf,
}

impl Erasures {
    /// The list in a file, which need not be there yet.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Adds a member; on disk when this returns.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn add(&self, member: &MemberId, at: &str) -> Result<(), Error> {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(Error::file(&self.path))?;
        // One write for the line: two processes that append do not mix theirs.
        file.write_all(format!("{member} {at}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(Error::file(&self.path))?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file(folder))
    }

    /// Erases every member of the list that the store has not forgotten; returns how many there were.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Erasures`] at a line that is none, [`Error::Store`].
    pub fn replay(&self, store: &Store) -> Result<u64, Error> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(Error::file(&self.path)(error)),
        };
        let mut members = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let member = line.split(' ').next().unwrap_or_default();
            members.push(
                member.parse::<MemberId>().map_err(|_| Error::Erasures { path: self.path.clone(), line: number })?,
            );
        }
        let mut erased = 0;
        for piece in members.chunks(MEMBERS_PER_PIECE) {
            let (piece, now) = (piece.to_vec(), clock::stored(store.clock().now()));
            erased += store.run_tx_blocking("erasures.replay", async move |tx| {
                let mut erased = 0;
                for member in piece {
                    erased += crate::members::forget(tx, &member, &now).await?;
                }
                Ok::<_, Error>(erased)
            })?;
        }
        Ok(erased)
    }
}
