//! The private copy of a token directory that a worker on SoftHSM works on.
//!
//! SoftHSM truncates and rewrites `token.object` at each login: a kill or a second login in that moment destroys the token. So a worker logs
//! in to a copy that nobody else sees and that ends with it. The copy is made under the token's start-up lock, which every login to the
//! master is under too.

use crate::error::Error;
use crate::login::TokenConfig;
use crate::provider::TokenCopy;
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Folder of the copies in the state folder.
const FOLDER: &str = "workers";

/// The file in a copy whose lock its owner holds.
const LOCK: &str = "owner.lock";

/// The configuration in a copy.
const CONFIGURATION: &str = "softhsm2.conf";

/// Where SoftHSM looks when `SOFTHSM2_CONF` is not set: the user's file, then what the packages and the default build have.
const USERS: &str = ".config/softhsm2/softhsm2.conf";
const SYSTEMS: [&str; 3] = ["/etc/softhsm/softhsm2.conf", "/etc/softhsm2.conf", "/usr/local/etc/softhsm2.conf"];

/// A copy; dropped, it is removed.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    folder: PathBuf,
    _owner: File,
}

impl PrivateCopy {
    /// Makes the copy that the token's provider asks for, if it asks for one. `name` is the copy's among those of this process.
    pub(super) fn make(token: &TokenConfig, name: &str) -> Result<Option<Self>, Error> {
        match token.provider.profile.token_copy {
            TokenCopy::None => Ok(None),
            TokenCopy::Softhsm2Conf => Self::of_softhsm(token, name).map(Some),
        }
    }

    fn of_softhsm(token: &TokenConfig, name: &str) -> Result<Self, Error> {
        let master = Master::find()?;
        let folder = token.state_dir.join(FOLDER).join(format!("{}-{name}", std::process::id()));
        let _lock = token.files().lock()?;
        let failed = |source| Error::File { path: folder.clone(), source };
        let _ = std::fs::remove_dir_all(&folder);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        let owner = owner(&folder).map_err(failed)?;
        let copy = Self { folder, _owner: owner };
        let tokens = copy.folder.join("tokens");
        master.copy_to(&tokens, token.label.as_str())?;
        let text = master.configuration_for(&tokens);
        private()
            .open(copy.configuration())
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .map_err(failed_at(&copy.folder))?;
        Ok(copy)
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
        let free = owner(&entry.path());
        if free.is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Takes the lock of a copy.
fn owner(folder: &Path) -> std::io::Result<File> {
    let file = private().open(folder.join(LOCK))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// The token directory that `fuda-kms` writes and workers copy.
#[derive(Debug)]
pub(super) struct Master {
    configuration: PathBuf,
    text: String,
    tokens: PathBuf,
}

impl Master {
    /// As SoftHSM finds it in our environment.
    pub(super) fn find() -> Result<Self, Error> {
        let named = std::env::var_os("SOFTHSM2_CONF").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(USERS));
        let known = home.into_iter().chain(SYSTEMS.map(PathBuf::from));
        let configuration = named.or_else(|| known.into_iter().find(|path| path.exists()));
        let configuration = configuration.unwrap_or_else(|| PathBuf::from(SYSTEMS[0]));
        let text = std::fs::read_to_string(&configuration).map_err(failed_at(&configuration))?;
        let tokens = setting(&text).map(PathBuf::from).ok_or_else(|| Error::File {
            path: configuration.clone(),
            source: std::io::Error::new(ErrorKind::InvalidData, "it names no directories.tokendir"),
        })?;
        Ok(Self { configuration, text, tokens })
    }

    /// Copies the tokens of a label; all of them when none says so, and the library will tell what is wrong.
    fn copy_to(&self, target: &Path, label: &str) -> Result<(), Error> {
        let mut named = self.folders(label)?;
        if named.is_empty() {
            named = self.folders("")?;
        }
        DirBuilder::new().mode(0o700).create(target).map_err(failed_at(target))?;
        for folder in named {
            let place = target.join(folder.file_name().unwrap_or_default());
            copy_folder(&folder, &place)?;
        }
        Ok(())
    }

    /// Folders whose token object has the label, which CK_TOKEN_INFO pads to 32 bytes.
    fn folders(&self, label: &str) -> Result<Vec<PathBuf>, Error> {
        let padded = if label.is_empty() { String::new() } else { format!("{label:<32}") };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.tokens).map_err(failed_at(&self.tokens))? {
            let path = entry.map_err(failed_at(&self.tokens))?.path();
            let object = std::fs::read(path.join("token.object")).unwrap_or_default();
            let named = padded.is_empty() || object.windows(padded.len()).any(|part| part == padded.as_bytes());
            if path.is_dir() && named {
                found.push(path);
            }
        }
        Ok(found)
    }

    fn configuration_for(&self, tokens: &Path) -> String {
        let others = self.text.lines().filter(|line| key(line) != Some(TOKENDIR));
        let others: String = others.map(|line| format!("{line}\n")).collect();
        format!("# Of {}, for one worker.\n{others}{TOKENDIR} = {}\n", self.configuration.display(), tokens.display())
    }
}

const TOKENDIR: &str = "directories.tokendir";

fn key(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

fn setting(text: &str) -> Option<&str> {
    let mut lines = text.lines().filter(|line| key(line) == Some(TOKENDIR));
    lines.next()?.split_once('=').map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    DirBuilder::new().mode(0o700).create(to).map_err(failed_at(to))?;
    for entry in std::fs::read_dir(from).map_err(failed_at(from))? {
        let path = entry.map_err(failed_at(from))?.path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap_or_default())).map_err(failed_at(&path))?;
        }
    }
    Ok(())
}

fn failed_at(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path: path.clone(), source }
}
