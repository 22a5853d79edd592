//! The database file: created with mode 0600, and its identity watched.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

/// Held by the thread that creates a file, until it has closed it.
static CREATING: Mutex<()> = Mutex::new(());

/// The database file of an SQLite store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatabaseFile {
    /// Absolute path of the database file.
    pub(crate) path: PathBuf,
}

impl DatabaseFile {
    /// Reads what stands after `sqlite:`; it is taken literally, relative to the working folder.
    pub(crate) fn at(path: &str) -> Result<Self, &'static str> {
        // sqlite:///var/lib/x and sqlite:/var/lib/x are the same place in every tool that reads such URLs.
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || path.ends_with('/') {
            return Err("must name a file after \"sqlite:\"; memory is not durable");
        }
        let path = std::path::absolute(path).map_err(|_| "the path cannot be made absolute")?;
        Ok(Self { path })
    }

    /// Creates the file, readable by this user only, and makes its name durable; an existing file is left alone.
    pub(crate) fn create_if_absent(&self) -> Result<(), Error> {
        let Some(parent) = self.path.parent().filter(|parent| parent.is_dir()) else {
            return Err(gone(&self.path, "its folder does not exist"));
        };
        // Closing any descriptor of a file takes away the locks that this process has on it, those of SQLite in another thread too.
        let _alone = CREATING.lock().unwrap_or_else(PoisonError::into_inner);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
            Ok(_) => {
                File::open(parent).and_then(|folder| folder.sync_all()).map_err(|error| from_system(error, &self.path))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(from_system(error, &self.path)),
        }
    }

    fn wal(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push("-wal");
        PathBuf::from(name)
    }
}

/// Which files were opened, so that a commit into a file that was moved or deleted is not taken for durable.
#[derive(Debug)]
pub(crate) struct Identity {
    file: DatabaseFile,
    database: Inode,
    wal: Inode,
}

type Inode = (u64, u64);

impl Identity {
    /// Remembers the files as they are now; the write-ahead log must exist.
    pub(crate) fn of(file: &DatabaseFile) -> Result<Self, Error> {
        let database = inode(&file.path)?;
        let wal = inode(&file.wal())?;
        Ok(Self { file: file.clone(), database, wal })
    }

    /// Whether the names still lead to the files that were opened.
    ///
    /// SQLite itself goes on writing into a deleted file and reports success.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let same = inode(&self.file.path)? == self.database && inode(&self.file.wal())? == self.wal;
        if same {
            return Ok(());
        }
        Err(gone(&self.file.path, "it was replaced by another file while in use"))
    }
}

fn gone(path: &Path, why: &'static str) -> Error {
    Error::Gone { place: format!("file {}", path.display()), why }
}

fn inode(path: &Path) -> Result<Inode, Error> {
    let moved = |_| gone(path, "it was moved or deleted while in use");
    fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).map_err(moved)
}

fn from_system(error: io::Error, path: &Path) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => gone(path, "its folder does not exist"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Error::Full { source: Arc::new(sqlx::Error::Io(error)) }
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::Denied { source: Arc::new(sqlx::Error::Io(error)) }
        }
        _ => Error::Disk { source: Arc::new(sqlx::Error::Io(error)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_literally() {
        let path = |text: &str| DatabaseFile::at(text).map(|file| file.path.display().to_string());
        assert_eq!(path("/var/lib/fuda/factory.db").unwrap(), "/var/lib/fuda/factory.db");
        assert_eq!(path("///var/lib/fuda/factory.db").unwrap(), "/var/lib/fuda/factory.db");
        for wrong in ["", ":memory:", "/tmp/"] {
            assert!(DatabaseFile::at(wrong).is_err(), "{wrong}");
        }
    }
}
