//! The token directory of SoftHSM that `fuda-kms` writes and workers copy: where it is, copies of it, and whether it is still the same.
//!
//! SoftHSM truncates and rewrites `token.object` at each login and syncs nothing: a kill in that moment destroys the token. So a login to the
//! master copies it aside first. Other tokens keep their own house in order; for them nothing here does anything.

use crate::error::Error;
use crate::login::TokenConfig;
use crate::pool::error::PoolError;
use crate::provider::TokenCopy;
use crate::token::module::Access;
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where SoftHSM looks when `SOFTHSM2_CONF` is not set: the user's file, then what the packages and the default build have.
const USERS: &str = ".config/softhsm2/softhsm2.conf";
const DEBIANS: &str = "/etc/softhsm/softhsm2.conf";
const SYSTEMS: [&str; 3] = [DEBIANS, "/etc/softhsm2.conf", "/usr/local/etc/softhsm2.conf"];

/// The setting that names the token directory.
const TOKENDIR: &str = "directories.tokendir";

/// What a login rewrites; it also holds the token's label.
const TOKEN_OBJECT: &str = "token.object";

/// Folder of the copies aside in the state folder.
const ASIDE: &str = "aside";

/// Whole copies aside that are kept for a token: the state before each of the last changes.
const ASIDE_MAX: usize = 3;

/// What is in the files of a token, but for those that a mere login changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// The token directory.
#[derive(Debug)]
pub(crate) struct Master {
    configuration: PathBuf,
    text: String,
    tokens: PathBuf,
}

impl Master {
    /// As SoftHSM finds it in our environment; nothing for a provider whose workers need no copy.
    pub(crate) fn of(token: &TokenConfig) -> Result<Option<Self>, Error> {
        match token.provider.profile.token_copy {
            TokenCopy::None => Ok(None),
            TokenCopy::Softhsm2Conf => Self::find().map(Some),
        }
    }

    fn find() -> Result<Self, Error> {
        let named = std::env::var_os("SOFTHSM2_CONF").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(USERS));
        let mut known = home.into_iter().chain(SYSTEMS.map(PathBuf::from));
        let configuration = named.or_else(|| known.find(|path| path.exists())).unwrap_or_else(|| DEBIANS.into());
        let text = std::fs::read_to_string(&configuration).map_err(away(&configuration))?;
        let nowhere = || std::io::Error::new(ErrorKind::InvalidData, "it names no directories.tokendir");
        let tokens = setting(&text).map(PathBuf::from).ok_or_else(nowhere).map_err(away(&configuration))?;
        Ok(Self { configuration, text, tokens })
    }

    /// Copies the tokens of a label into a new folder; all tokens when none has it, and the library will say what is wrong.
    pub(crate) fn copy_to(&self, target: &Path, label: &str) -> Result<Fingerprint, Error> {
        let folders = self.folders(label)?;
        DirBuilder::new().mode(0o700).create(target).map_err(at(target))?;
        let mut digest = Sha256::new();
        for folder in folders {
            let place = target.join(folder.file_name().unwrap_or_default());
            DirBuilder::new().mode(0o700).create(&place).map_err(at(&place))?;
            for (name, content) in files(&folder)? {
                add(&mut digest, &name, &content);
                write(&place.join(name), &content).map_err(at(&place))?;
            }
        }
        Ok(Fingerprint(digest.finalize().into()))
    }

    /// What is in the tokens of a label now.
    pub(crate) fn fingerprint(&self, label: &str) -> Result<Fingerprint, Error> {
        let mut digest = Sha256::new();
        for folder in self.folders(label)? {
            for (name, content) in files(&folder)? {
                add(&mut digest, &name, &content);
            }
        }
        Ok(Fingerprint(digest.finalize().into()))
    }

    /// The configuration with another token directory.
    pub(crate) fn configuration_for(&self, tokens: &Path) -> String {
        let others = self.text.lines().filter(|line| key(line) != Some(TOKENDIR));
        let others: String = others.map(|line| format!("{line}\n")).collect();
        format!("# Of {}, for one worker.\n{others}{TOKENDIR} = {}\n", self.configuration.display(), tokens.display())
    }

    /// Folders of the tokens with a label, in order; all folders when none has it.
    fn folders(&self, label: &str) -> Result<Vec<PathBuf>, Error> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&self.tokens).map_err(away(&self.tokens))? {
            let path = entry.map_err(away(&self.tokens))?.path();
            if path.is_dir() {
                all.push(path);
            }
        }
        all.sort();
        let named: Vec<_> = all.iter().filter(|folder| is_labelled(folder, label)).cloned().collect();
        Ok(if named.is_empty() { all } else { named })
    }
}

/// Copies a token aside before a login to it, durably. The caller holds the start-up lock. A login that may only read rewrites
/// `token.object` alone; one that may write is followed by changes of keys, so everything is kept.
pub(crate) fn copy_aside(token: &TokenConfig, access: Access) -> Result<(), Error> {
    // What is wrong with the configuration is for the library to say.
    let Ok(Some(master)) = Master::of(token) else { return Ok(()) };
    let Ok(folders) = master.folders(token.label.as_str()) else { return Ok(()) };
    let aside = token.state_dir.join(ASIDE);
    DirBuilder::new().recursive(true).mode(0o700).create(&aside).map_err(at(&aside))?;
    for folder in folders.iter().filter(|folder| is_labelled(folder, token.label.as_str())) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let stamp = match access {
            Access::ReadOnly => "login".to_owned(),
            Access::ReadWrite => format!("{:020}", newest(&aside, &name)? + 1),
        };
        let place = aside.join(format!("{name}.{stamp}"));
        DirBuilder::new().recursive(true).mode(0o700).create(&place).map_err(at(&place))?;
        for (name, content) in files(folder)? {
            if access == Access::ReadWrite || name == TOKEN_OBJECT {
                replace(&place.join(name), &content).map_err(at(&place))?;
            }
        }
        sync_folder(&place).and_then(|()| sync_folder(&aside)).map_err(at(&aside))?;
        forget_old(&aside, &name)?;
    }
    Ok(())
}

/// Makes what a login or a change wrote into the master durable, which SoftHSM does not: `token.object`, or after a change everything.
pub(crate) fn sync(token: &TokenConfig, access: Access) -> Result<(), Error> {
    let Ok(Some(master)) = Master::of(token) else { return Ok(()) };
    for folder in master.folders(token.label.as_str())?.iter().filter(|path| is_labelled(path, token.label.as_str())) {
        for entry in std::fs::read_dir(folder).map_err(at(folder))?.flatten() {
            if access == Access::ReadWrite || entry.file_name() == TOKEN_OBJECT {
                File::open(entry.path()).and_then(|file| file.sync_all()).map_err(at(&entry.path()))?;
            }
        }
        sync_folder(folder).map_err(at(folder))?;
    }
    Ok(())
}

/// Whether a folder holds a token of this label, which CK_TOKEN_INFO pads to 32 bytes.
fn is_labelled(folder: &Path, label: &str) -> bool {
    let object = std::fs::read(folder.join(TOKEN_OBJECT)).unwrap_or_default();
    let padded = format!("{label}{}", " ".repeat(32_usize.saturating_sub(label.len())));
    object.windows(padded.len()).any(|part| part == padded.as_bytes())
}

/// Names and contents of the files of a token, in order. Locks are not part of it.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(away(folder))? {
        let entry = entry.map_err(away(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() && !name.ends_with(".lock") {
            files.push((name, std::fs::read(entry.path()).map_err(away(&entry.path()))?));
        }
    }
    files.sort();
    Ok(files)
}

fn add(digest: &mut Sha256, name: &str, content: &[u8]) {
    if name != TOKEN_OBJECT && name != "generation" {
        digest.update(Sha256::digest(name));
        digest.update(Sha256::digest(content));
    }
}

/// Whole copies aside of a token, by their numbers, oldest first.
fn numbered(aside: &Path, name: &str) -> Result<Vec<(u64, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(aside).map_err(at(aside))?.flatten() {
        let text = entry.file_name().to_string_lossy().into_owned();
        let number =
            text.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')).and_then(|stamp| stamp.parse().ok());
        found.extend(number.map(|number| (number, entry.path())));
    }
    found.sort();
    Ok(found)
}

fn newest(aside: &Path, name: &str) -> Result<u64, Error> {
    Ok(numbered(aside, name)?.last().map_or(0, |(number, _)| *number))
}

fn forget_old(aside: &Path, name: &str) -> Result<(), Error> {
    let found = numbered(aside, name)?;
    for (_, path) in found.iter().take(found.len().saturating_sub(ASIDE_MAX)) {
        std::fs::remove_dir_all(path).map_err(at(path))?;
    }
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(content)
}

/// A file that is whole at every moment, and durable after this.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(new, path)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

fn key(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

fn setting(text: &str) -> Option<&str> {
    let mut lines = text.lines().filter(|line| key(line) == Some(TOKENDIR));
    lines.next()?.split_once('=').map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

/// What keeps the master from being read.
fn away(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| PoolError::MasterAway { path: path.clone(), source }.into()
}

/// What keeps a file of ours from being written.
pub(crate) fn at(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(folder: &Path) -> Master {
        let tokens = folder.join("tokens");
        for (name, label) in [("a", "factory"), ("b", "custody")] {
            std::fs::create_dir_all(tokens.join(name)).unwrap();
            std::fs::write(tokens.join(name).join(TOKEN_OBJECT), format!("..{label:<32}..")).unwrap();
            std::fs::write(tokens.join(name).join("1.object"), name).unwrap();
            std::fs::write(tokens.join(name).join("token.lock"), "").unwrap();
        }
        let text = format!("log.level = ERROR\n{TOKENDIR} = {}\nslots.removable = false\n", tokens.display());
        Master { configuration: folder.join("softhsm2.conf"), text, tokens }
    }

    #[test]
    fn a_copy_has_the_token_of_the_label_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (master, target) = (master(dir.path()), dir.path().join("copy"));
        let copied = master.copy_to(&target, "factory").unwrap();
        let names: Vec<_> = files(&target.join("a")).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["1.object", TOKEN_OBJECT]);
        assert!(!target.join("b").exists());
        assert_eq!(master.fingerprint("factory").unwrap(), copied);
        assert_ne!(master.fingerprint("custody").unwrap(), copied);
        let text = master.configuration_for(&target);
        assert_eq!(setting(&text), target.to_str());
        assert!(text.contains("log.level = ERROR\nslots.removable = false\n"), "{text}");
    }

    #[test]
    fn a_login_leaves_the_fingerprint_and_a_change_of_a_key_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let master = master(dir.path());
        let before = master.fingerprint("factory").unwrap();
        std::fs::write(dir.path().join("tokens/a").join(TOKEN_OBJECT), format!("{:<32}, new", "factory")).unwrap();
        assert_eq!(master.fingerprint("factory").unwrap(), before);
        std::fs::write(dir.path().join("tokens/a/1.object"), "other").unwrap();
        assert_ne!(master.fingerprint("factory").unwrap(), before);
        std::fs::rename(dir.path().join("tokens"), dir.path().join("away")).unwrap();
        assert!(master.fingerprint("factory").is_err());
    }
}
