//! Secrets that the centre shares with other servers: one in a file that its owner alone can read.

use crate::payments::PaymentError;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Shortest secret, in bytes.
const BYTES_MIN: usize = 16;
/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4096;
/// Permission bits of anybody but the owner.
const OTHERS: u32 = 0o077;

/// A secret.
pub(crate) struct SecretFile(Zeroizing<Vec<u8>>);

impl SecretFile {
    /// Reads one. The line end after it does not belong to it.
    ///
    /// # Errors
    /// [`PaymentError::Secret`].
    pub(crate) fn read(path: &Path) -> Result<Self, PaymentError> {
        let wrong = |what| PaymentError::Secret { path: path.to_owned(), what };
        let meta = fs::metadata(path).map_err(|_| wrong("the file cannot be read"))?;
        if meta.mode() & OTHERS != 0 {
            return Err(wrong("others than its owner can read the file"));
        }
        if meta.len() > FILE_BYTES_MAX {
            return Err(wrong("the file is longer than 4096 bytes"));
        }
        let mut secret = Zeroizing::new(fs::read(path).map_err(|_| wrong("the file cannot be read"))?);
        let end = secret.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        secret.truncate(end);
        if secret.len() < BYTES_MIN { Err(wrong("the secret has less than 16 characters")) } else { Ok(Self(secret)) }
    }

    /// The bytes.
    #[must_use]
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    pub(crate) fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_secret_is_read_from_a_file_that_others_cannot_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write(&path, "0123456789abcdef\r\n", 0o600);
        let secret = SecretFile::read(&path).unwrap();
        assert_eq!(secret.expose(), b"0123456789abcdef");
        assert_eq!(format!("{secret:?}"), "[redacted]");
        for (text, mode) in
            [("0123456789abcdef", 0o640), ("0123456789abcde\n", 0o600), ("", 0o600), (&"a".repeat(5000), 0o600)]
        {
            write(&path, text, mode);
            assert!(SecretFile::read(&path).is_err(), "{mode:o}");
        }
        assert!(SecretFile::read(&folder.path().join("absent")).is_err());
    }
}
