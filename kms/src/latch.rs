//! Files beside the PIN that every process on a token shares: the start-up lock, the lock of `init`, and the PIN latch.
//!
//! Start-up is serial because SoftHSM rewrites the token at each login. The latch stops every later start after one PIN error, until an
//! operator removes it: ten workers that restart with a wrong PIN must not lock a token.

use crate::error::Error;
use crate::label::TokenLabel;
use crate::rv::ReturnValue;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A start takes tens of milliseconds; sixty-four workers and a slow network HSM still fit.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(60);

/// Pause between two looks at the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The files of a token.
#[derive(Debug, Clone)]
pub struct TokenFiles {
    label: TokenLabel,
    lock: PathBuf,
    init_lock: PathBuf,
    latch: PathBuf,
    so_pin: PathBuf,
}

/// A lock, held until drop (or the end of the process).
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "the open file is the lock")] File);

impl TokenFiles {
    /// The files of a token in the folder `folder`.
    #[must_use]
    pub fn new(folder: &Path, label: &TokenLabel) -> Self {
        let name: String = label.as_str().bytes().map(file_char).collect();
        Self {
            label: label.clone(),
            lock: folder.join(format!("token-{name}.startup.lock")),
            init_lock: folder.join(format!("token-{name}.init.lock")),
            latch: folder.join(format!("token-{name}.pin-latch")),
            so_pin: folder.join(format!("token-{name}.so-pin")),
        }
    }

    /// The latch file.
    #[must_use]
    pub fn latch_path(&self) -> &Path {
        &self.latch
    }

    /// The security officer's PIN of a token that `init` made at a test site.
    #[must_use]
    pub fn so_pin_path(&self) -> &Path {
        &self.so_pin
    }

    /// What the latch says, when it is set.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be told.
    pub fn latched(&self) -> Result<Option<String>, Error> {
        match std::fs::read_to_string(&self.latch) {
            Ok(note) => Ok(Some(note.trim_end().to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::File { path: self.latch.clone(), source }),
        }
    }

    /// Removes the latch; says whether it was set.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn clear(&self) -> Result<Option<String>, Error> {
        let note = self.latched()?;
        if note.is_some() {
            std::fs::remove_file(&self.latch).map_err(|source| Error::File { path: self.latch.clone(), source })?;
        }
        Ok(note)
    }

    /// Sets the latch, durably, before anybody can try again.
    pub(crate) fn set(&self, value: ReturnValue) -> Result<(), Error> {
        let failed = |source| Error::File { path: self.latch.clone(), source };
        let mut file = private().truncate(true).open(&self.latch).map_err(failed)?;
        writeln!(file, "C_Login returned {value}").and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Refuses when the latch is set. The caller holds the lock.
    pub(crate) fn refuse_if_latched(&self) -> Result<(), Error> {
        match self.latched()? {
            Some(note) => Err(Error::PinLatched { label: self.label.clone(), note }),
            None => Ok(()),
        }
    }

    /// Takes the start-up lock.
    pub(crate) fn lock(&self) -> Result<Held, Error> {
        self.hold(&self.lock)
    }

    /// Takes the lock of those who change what is in the token: one at a time.
    pub(crate) fn lock_init(&self) -> Result<Held, Error> {
        self.hold(&self.init_lock)
    }

    fn hold(&self, path: &Path) -> Result<Held, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let file = private().open(path).map_err(failed)?;
        let since = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Held(file)),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) if since.elapsed() < LOCK_WAIT_MAX => {
                    sleep(LOCK_PAUSE);
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let waited_s = since.elapsed().as_secs();
                    return Err(Error::StartupBusy { label: self.label.clone(), waited_s });
                }
                Err(error) => return Err(failed(error.into())),
            }
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn file_char(byte: u8) -> char {
    if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) { char::from(byte) } else { '_' }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::error::RvError;

    #[test]
    fn a_latch_stays_until_it_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let files = TokenFiles::new(dir.path(), &TokenLabel::new("a/b c").unwrap());
        files.refuse_if_latched().unwrap();
        files.set(ReturnValue::new(RvError::PinIncorrect)).unwrap();
        let error = files.refuse_if_latched().unwrap_err();
        assert!(error.to_string().contains("CKR_PIN_INCORRECT"), "{error}");
        assert!(files.clear().unwrap().is_some());
        files.refuse_if_latched().unwrap();
        assert!(files.clear().unwrap().is_none());
    }

    #[test]
    fn a_second_start_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let files = TokenFiles::new(dir.path(), &TokenLabel::new("t").unwrap());
        let held = files.lock().unwrap();
        let (done, seen) = std::sync::mpsc::sync_channel(1);
        let second = std::thread::spawn({
            let files = files.clone();
            move || {
                let lock = files.lock().unwrap();
                done.send(()).unwrap();
                drop(lock);
            }
        });
        assert!(seen.recv_timeout(Duration::from_millis(100)).is_err(), "the lock is held");
        drop(held);
        seen.recv().unwrap();
        second.join().unwrap();
    }
}
