//! Where a PIN comes from: a file that only we can read, a systemd credential, a descriptor, or a prompt. Never the environment, never an argument.

use crate::error::{Error, PinFileReason};
use crate::secret::Pin;
use rustix::termios::{self, LocalModes, OptionalActions};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use zeroize::Zeroizing;

/// Longest PIN in bytes; PKCS #11 tokens take 4 to 255.
const PIN_BYTES_MAX: usize = 255;

/// Bytes that are read at most: a PIN, its newline, and one that shows that it is too long.
const READ_BYTES_MAX: u64 = PIN_BYTES_MAX as u64 + 2;

/// Random bytes of a PIN that we make ourselves: 128 bits.
const MADE_PIN_BYTES: usize = 16;

/// Where the PIN comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSource {
    /// A regular file of mode 0600 (or narrower) with one line.
    File(PathBuf),
    /// A credential that systemd handed to this service, by its name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// An inherited file descriptor; the first line is the PIN.
    Descriptor(u32),
    /// The terminal, without echo.
    Prompt,
}

/// `file:PATH`, `cred:NAME`, `fd:3` or `prompt`.
impl FromStr for PinSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "prompt" => Ok(Self::Prompt),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("cred", name)) if is_credential_name(name) => Ok(Self::Credential(name.to_owned())),
            Some(("fd", number)) => number.parse().map(Self::Descriptor).map_err(|_| "fd: wants a number".to_owned()),
            _ => Err("give file:PATH, cred:NAME, fd:N or prompt (a PIN itself is never an argument)".to_owned()),
        }
    }
}

impl PinSource {
    /// Whether a second read gives the PIN too; a descriptor is empty then, and nobody may be there to ask.
    #[must_use]
    pub const fn can_be_read_again(&self) -> bool {
        matches!(self, Self::File(_) | Self::Credential(_))
    }

    /// Reads the PIN.
    ///
    /// # Errors
    /// [`Error::PinFile`] or [`Error::PinInput`].
    pub fn read(&self) -> Result<Pin, Error> {
        match self {
            Self::File(path) => from_file(path).map_err(|reason| Error::PinFile { path: path.clone(), reason }),
            Self::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
                from_credentials(folder.as_deref(), name)
            }
            Self::Descriptor(number) => {
                let path = format!("/proc/self/fd/{number}");
                let file =
                    File::open(&path).map_err(|error| Error::PinInput { text: format!("fd {number}: {error}") })?;
                one_line(file).map_err(|reason| Error::PinInput { text: format!("fd {number}: {reason}") })
            }
            Self::Prompt => from_terminal().map_err(|reason| Error::PinInput { text: reason.to_string() }),
        }
    }
}

/// A name of systemd.exec(5): no path, so that nothing outside the folder is read.
fn is_credential_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

/// systemd makes the files readable for the service alone, by an access list whose mask shows as the mode of the group.
fn from_credentials(folder: Option<&Path>, name: &str) -> Result<Pin, Error> {
    let missing = |text: &str| Error::PinInput { text: format!("credential `{name}`: {text}") };
    let folder = folder.ok_or_else(|| missing("systemd set no $CREDENTIALS_DIRECTORY for this program"))?;
    if !is_credential_name(name) {
        return Err(missing("this is no name of a credential"));
    }
    let path = folder.join(name);
    from_file_of(&path, 0o007).map_err(|reason| Error::PinFile { path, reason })
}

fn from_file(path: &Path) -> Result<Pin, PinFileReason> {
    from_file_of(path, 0o077)
}

/// One line of a regular file that has none of these bits in its mode.
fn from_file_of(path: &Path, forbidden: u32) -> Result<Pin, PinFileReason> {
    let file = File::open(path)?;
    // The descriptor's own metadata: the file that is judged is the file that is read.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(PinFileReason::NotAFile);
    }
    let mode = metadata.mode() & 0o7777;
    if mode & forbidden != 0 {
        return Err(PinFileReason::Mode { mode });
    }
    one_line(file)
}

fn one_line(from: impl Read) -> Result<Pin, PinFileReason> {
    let mut text = Zeroizing::new(String::with_capacity(PIN_BYTES_MAX + 2));
    let mut reader = BufReader::with_capacity(1, from.take(READ_BYTES_MAX));
    reader.read_to_string(&mut text).map_err(PinFileReason::from)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    if line.is_empty() || line.len() > PIN_BYTES_MAX || line.contains(char::is_control) {
        return Err(PinFileReason::Content);
    }
    Ok(Pin::new(line.to_owned()))
}

/// Reads a line from the controlling terminal with echo off, and puts the echo back whatever happens.
fn from_terminal() -> Result<Pin, PinFileReason> {
    struct Echo(File, termios::Termios);
    impl Drop for Echo {
        fn drop(&mut self) {
            let _ = termios::tcsetattr(&self.0, OptionalActions::Flush, &self.1);
        }
    }
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = termios::tcgetattr(&terminal).map_err(std::io::Error::from)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    let restore = Echo(terminal.try_clone()?, before);
    termios::tcsetattr(&terminal, OptionalActions::Flush, &silent).map_err(std::io::Error::from)?;
    terminal.write_all(b"PIN: ")?;
    let mut text = Zeroizing::new(String::with_capacity(PIN_BYTES_MAX + 2));
    let read = BufReader::with_capacity(1, &terminal).take(READ_BYTES_MAX).read_line(&mut text);
    drop(restore);
    terminal.write_all(b"\n")?;
    read?;
    one_line(text.as_bytes())
}

/// Makes a PIN file with a random PIN, for a throw-away token.
///
/// # Errors
/// [`Error::PinFile`] when the file exists or cannot be written.
pub(crate) fn make_file(path: &Path) -> Result<Pin, Error> {
    let failed = |reason| Error::PinFile { path: path.to_owned(), reason };
    let mut random = Zeroizing::new([0_u8; MADE_PIN_BYTES]);
    getrandom::fill(random.as_mut_slice()).map_err(|error| failed(std::io::Error::other(error).into()))?;
    let text = Zeroizing::new(hex::encode(random.as_slice()));
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| failed(error.into()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .map_err(|error| failed(error.into()))?;
    Ok(Pin::new(text.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pin");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    #[test]
    fn one_line_of_a_private_file_is_a_pin() {
        for (content, mode) in [("1234", 0o600), ("1234\n", 0o400)] {
            let (_dir, path) = file(content, mode);
            assert_eq!(PinSource::File(path).read().unwrap().expose(), "1234");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o644, 0o660] {
            let (_dir, path) = file("1234\n", mode);
            let error = PinSource::File(path).read().unwrap_err();
            assert!(matches!(error, Error::PinFile { reason: PinFileReason::Mode { .. }, .. }), "{error}");
        }
    }

    #[test]
    fn a_credential_is_read_from_its_folder_and_nowhere_else() {
        let (dir, path) = file("1234\n", 0o440);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(from_credentials(Some(dir.path()), name).unwrap().expose(), "1234");
        assert!(matches!(from_credentials(None, name), Err(Error::PinInput { .. })));
        assert!(matches!(from_credentials(Some(dir.path()), "absent"), Err(Error::PinFile { .. })));
        let outside = format!("../{}/{name}", dir.path().file_name().unwrap().to_str().unwrap());
        assert!(matches!(from_credentials(Some(dir.path()), &outside), Err(Error::PinInput { .. })));
        let (open, _) = file("1234\n", 0o444);
        assert!(matches!(from_credentials(Some(open.path()), name), Err(Error::PinFile { .. })));
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        for content in ["", "\n", "12\n34\n", "12\t34", &"1".repeat(256)] {
            let (_dir, path) = file(content, 0o600);
            let error = PinSource::File(path).read().unwrap_err();
            assert!(matches!(error, Error::PinFile { reason: PinFileReason::Content, .. }), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(PinSource::File(dir.path().to_owned()).read().is_err());
    }

    #[test]
    fn a_made_pin_is_random_private_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        let made = make_file(&one).unwrap();
        assert_eq!(PinSource::File(one.clone()).read().unwrap().expose(), made.expose());
        assert_ne!(make_file(&two).unwrap().expose(), made.expose());
        assert!(make_file(&one).is_err());
    }

    #[test]
    fn sources_are_named_and_a_pin_is_none() {
        assert_eq!("fd:3".parse(), Ok(PinSource::Descriptor(3)));
        assert_eq!("prompt".parse(), Ok(PinSource::Prompt));
        assert_eq!("file:/a:b".parse(), Ok(PinSource::File(PathBuf::from("/a:b"))));
        assert_eq!("cred:fuda.pin".parse(), Ok(PinSource::Credential("fuda.pin".to_owned())));
        for text in ["1234", "cred:", "cred:../pin", "cred:.pin", "file:", "fd:x", "env:PIN"] {
            assert!(text.parse::<PinSource>().is_err(), "{text}");
        }
    }
}
