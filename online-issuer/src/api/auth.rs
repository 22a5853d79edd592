//! The servers of the member page and of retailers show bearer keys (RFC 6750). Keys are compared by their SHA-256 in constant time.

use super::Api;
use super::answer::Problem;
use crate::error::Error;
use crate::secret_file::SecretFile;
use axum::http::{HeaderMap, header};
use fuda_cli::Failure;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use subtle::{Choice, ConstantTimeEq};

/// The keys that are valid now, as SHA-256.
#[derive(Clone)]
pub struct ApiKeys(Vec<[u8; 32]>);

impl std::fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} keys]", self.0.len())
    }
}

impl ApiKeys {
    /// Reads them.
    ///
    /// # Errors
    /// `SECRET_FILE` for a file that others can read, or that holds too little.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let sum = |path: &PathBuf| SecretFile::read(path).map(|secret| Sha256::digest(secret.expose()).into());
        Ok(Self(paths.iter().map(sum).collect::<Result<_, _>>().map_err(Error::from)?))
    }

    fn admit(&self, shown: &[u8]) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown).into();
        let found = self.0.iter().fold(Choice::from(0), |found, key| found | key.ct_eq(&shown));
        found.into()
    }
}

impl ApiKeys {
    fn admit_bearer(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = shown.and_then(|shown| shown.strip_prefix("Bearer ")).map(str::trim);
        if key.is_some_and(|key| self.admit(key.as_bytes())) { Ok(()) } else { Err(Problem::API_KEY) }
    }
}

impl Api {
    /// Refuses a request without a valid key of the member page's server.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.inner.keys.admit_bearer(headers)
    }

    /// Refuses a request without a valid key of a retailer's server.
    pub(super) fn admit_till(&self, headers: &HeaderMap) -> Result<(), Problem> {
        self.inner.tills.admit_bearer(headers)
    }
}
