//! Files beside the PIN that every process on a token shares: the start-up lock, the lock of `init`, and the PIN latch.
//!
//! Start-up is serial because SoftHSM rewrites the token at each login. The latch stops every later start after one PIN error, until an
//! operator removes it: ten workers that restart with a wrong PIN must not lock a token. It is written before the try, under another name,
//! and renamed when the PIN is refused: a disk that is full then cannot make a second try of the first.

use crate::error::Error;
use crate::label::TokenLabel;
use crate::rv::ReturnValue;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
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
    attempt: PathBuf,
    so_pin: PathBuf,
}

/// What a latch says whose login did not live to tell its outcome; the token says that a wrong PIN was tried.
const CUT: &str = "a login ended before its outcome was written, and the token counts a wrong PIN";

/// A lock, held until drop (or the end of the process).
#[derive(Debug)]
pub(crate) struct Held(File);

impl Drop for Held {
    /// Closing would not do: a process that is being started at this moment has a copy of the descriptor until its program is loaded.
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

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
            attempt: folder.join(format!("token-{name}.pin-try")),
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

    /// Notes durably that a PIN is about to be tried. The caller holds the lock and has looked at the latch.
    pub(crate) fn attempt(&self) -> Result<Attempt<'_>, Error> {
        let failed = |source| Error::File { path: self.attempt.clone(), source };
        let mut file = private().truncate(true).open(&self.attempt).map_err(failed)?;
        writeln!(file, "{CUT}").and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(Attempt { files: self, file })
    }

    /// Whether a try was noted whose outcome was not: the process was killed in C_Login, or the power went.
    pub(crate) fn was_cut(&self) -> bool {
        self.attempt.exists()
    }

    /// Makes the latch of a try that was cut.
    pub(crate) fn latch_the_cut(&self) -> Result<(), Error> {
        let failed = |source| Error::File { path: self.latch.clone(), source };
        std::fs::rename(&self.attempt, &self.latch).and_then(|()| sync_folder_of(&self.latch)).map_err(failed)
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

/// A PIN that is being tried.
#[derive(Debug)]
pub(crate) struct Attempt<'f> {
    files: &'f TokenFiles,
    file: File,
}

impl Attempt<'_> {
    /// The PIN was refused: sets the latch, durably, before anybody can try again.
    pub(crate) fn refused(self, value: ReturnValue) -> Result<(), Error> {
        self.files.latch_the_cut()?;
        // From here on nobody tries again, whatever comes of the words.
        let note = format!("C_Login returned {value}\n");
        let written = self.file.write_all_at(note.as_bytes(), 0);
        let written = written.and_then(|()| self.file.set_len(note.len() as u64)).and_then(|()| self.file.sync_all());
        written.map_err(|source| Error::File { path: self.files.latch.clone(), source })
    }

    /// The PIN was accepted, or not looked at. A note that stays is overwritten by the next try.
    pub(crate) fn over(self) {
        let _ = std::fs::remove_file(&self.files.attempt);
    }
}

fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    // A file of the current folder has an empty parent.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
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
        files.attempt().unwrap().over();
        files.refuse_if_latched().unwrap();
        assert!(!files.was_cut());
        files.attempt().unwrap().refused(ReturnValue::new(RvError::PinIncorrect)).unwrap();
        assert!(!files.was_cut());
        assert_eq!(files.latched().unwrap().unwrap(), "C_Login returned CKR_PIN_INCORRECT");
        let error = files.refuse_if_latched().unwrap_err();
        assert!(error.to_string().contains("CKR_PIN_INCORRECT"), "{error}");
        assert!(files.clear().unwrap().is_some());
        files.refuse_if_latched().unwrap();
        assert!(files.clear().unwrap().is_none());
    }

    #[test]
    fn the_folder_of_a_bare_name_is_the_current_one() {
        sync_folder_of(Path::new("token-t.pin-latch")).unwrap();
        assert!(sync_folder_of(Path::new("no-such-folder/token-t.pin-latch")).is_err());
    }

    #[test]
    fn a_try_without_an_outcome_can_be_latched() {
        let dir = tempfile::tempdir().unwrap();
        let files = TokenFiles::new(dir.path(), &TokenLabel::new("t").unwrap());
        drop(files.attempt().unwrap());
        assert!(files.was_cut());
        files.refuse_if_latched().unwrap();
        files.latch_the_cut().unwrap();
        assert_eq!(files.latched().unwrap().unwrap(), CUT);
        assert!(!files.was_cut());
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
