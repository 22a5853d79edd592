//! Who signed a webhook, and when: HMAC-SHA-256 (RFC 2104, FIPS 180-4) over the time and the body as it came.
//!
//! ```text
//! Fuda-Signature: t=1764115200,v1=HEX[,v1=HEX…]       HEX = HMAC-SHA-256(secret, "1764115200." ‖ body)
//! ```

use super::PaymentError;
use crate::secret_file::SecretFile;
use fuda_cli::Failure;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::path::PathBuf;

/// The header.
pub const SIGNATURE_HEADER: &str = "fuda-signature";
/// How far the time of a signature may be from ours, in seconds. What is repeated within it is known by its event's name.
const TOLERANCE_S: i64 = 300;
/// Most signatures that are looked at: a provider that changes its secret sends two.
const SIGNATURES_MAX: usize = 8;

/// The secrets that are valid now.
#[derive(Debug)]
pub struct Secrets(Vec<SecretFile>);

impl Secrets {
    /// Reads them.
    ///
    /// # Errors
    /// `SECRET_FILE` for a file that others can read, or that holds too little.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let secrets = paths.iter().map(|path| SecretFile::read(path)).collect::<Result<_, _>>();
        Ok(Self(secrets.map_err(crate::error::Error::from)?))
    }

    /// Checks who signed a body, and when.
    ///
    /// # Errors
    /// [`PaymentError::NoSignature`], [`PaymentError::Stale`], [`PaymentError::Signature`].
    pub fn check(&self, header: Option<&str>, body: &[u8], now: Timestamp) -> Result<(), PaymentError> {
        let header = header.ok_or(PaymentError::NoSignature)?;
        let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
        let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(PaymentError::NoSignature)?;
        let seconds: i64 = time.parse().map_err(|_| PaymentError::NoSignature)?;
        let signatures: Vec<Vec<u8>> = parts()
            .filter(|(name, _)| *name == "v1")
            .take(SIGNATURES_MAX)
            .filter_map(|(_, signature)| hex::decode(signature).ok())
            .collect();
        if signatures.is_empty() {
            return Err(PaymentError::NoSignature);
        }
        let signed = signatures.iter().any(|signature| self.0.iter().any(|secret| made(secret, time, body, signature)));
        // Who has no secret does not learn what our clock says.
        if !signed {
            return Err(PaymentError::Signature);
        }
        if now.as_second().abs_diff(seconds) > TOLERANCE_S.unsigned_abs() {
            return Err(PaymentError::Stale { tolerance_s: TOLERANCE_S });
        }
        Ok(())
    }
}

/// Whether a secret made a signature; in constant time.
fn made(secret: &SecretFile, time: &str, body: &[u8], signature: &[u8]) -> bool {
    // HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose()) else { return false };
    for part in [time.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    /// `printf '1764115200.{"id":"evt_1"}' | openssl dgst -sha256 -hmac 0123456789abcdef`.
    const SIGNATURE: &str = "50bba952f2b6b4ce668f3f7a5dacf666537d23d9ac825bdbff077d042f829799";

    fn secrets() -> (tempfile::TempDir, Secrets) {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["old", "new"].map(|name| folder.path().join(name));
        for (path, secret) in paths.iter().zip(["0123456789abcdef", "fedcba9876543210"]) {
            crate::secret_file::tests::write(path, secret, 0o600);
        }
        let secrets = Secrets::read(&paths).unwrap();
        (folder, secrets)
    }

    #[test]
    fn a_signature_of_openssl_is_taken_within_its_time() {
        let (_folder, secrets) = secrets();
        let header = format!("t=1764115200,v1={SIGNATURE}");
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(secrets.check(Some(&header), BODY, at(1_764_115_200 + 300)), Ok(()));
        assert_eq!(secrets.check(Some(&format!("{header},v1=00")), BODY, at(1_764_115_200)), Ok(()));
        for second in [1_764_115_200 + 301, 1_764_115_200 - 301] {
            assert_eq!(secrets.check(Some(&header), BODY, at(second)), Err(PaymentError::Stale { tolerance_s: 300 }));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let (_folder, secrets) = secrets();
        let check = |header: &str, body: &[u8]| {
            secrets.check(Some(header), body, Timestamp::from_second(1_764_115_200).unwrap())
        };
        let good = format!("t=1764115200,v1={SIGNATURE}");
        assert_eq!(check(&good, b"{}"), Err(PaymentError::Signature));
        assert_eq!(check(&good.replace("5200,", "5201,"), BODY), Err(PaymentError::Signature));
        assert_eq!(check("t=1764115200,v1=00", BODY), Err(PaymentError::Signature));
        for malformed in ["", "t=1764115200", "v1=00", "t=now,v1=00", "t=1764115200,v1=zz", "t=1764115200,v0=00"] {
            assert_eq!(check(malformed, BODY), Err(PaymentError::NoSignature), "{malformed}");
        }
        assert_eq!(secrets.check(None, BODY, Timestamp::UNIX_EPOCH), Err(PaymentError::NoSignature));
    }
}
