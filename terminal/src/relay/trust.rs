//! Whose certificates are trusted: this machine's roots, or the one file that is named. There is no way to trust everybody.

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

/// Roots, and what both transports make of them.
#[derive(Debug, Clone)]
pub struct Trust {
    roots: Vec<CertificateDer<'static>>,
    config: Arc<ClientConfig>,
}

/// Roots that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct TrustError {
    what: String,
}

fn wrong(what: impl Into<String>) -> TrustError {
    TrustError { what: what.into() }
}

impl Trust {
    /// The roots that this machine trusts.
    ///
    /// # Errors
    /// When it has none.
    pub fn of_this_machine() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        Self::new(found.certs).map_err(|_| wrong("this machine trusts no root certificate"))
    }

    /// The certificates of a PEM file, and no others.
    ///
    /// # Errors
    /// When it cannot be read or holds no certificate.
    pub fn file(path: &Path) -> Result<Self, TrustError> {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        Self::new(read.map_err(|error| wrong(error.to_string()))?)
    }

    /// Nobody's: for a centre on this machine, which is asked for none.
    ///
    /// # Errors
    /// When TLS itself cannot be set up.
    pub fn nobody() -> Result<Self, TrustError> {
        Self::of(Vec::new(), RootCertStore::empty())
    }

    fn new(roots: Vec<CertificateDer<'static>>) -> Result<Self, TrustError> {
        let mut store = RootCertStore::empty();
        if store.add_parsable_certificates(roots.iter().cloned()).0 == 0 {
            return Err(wrong("it holds no certificate"));
        }
        Self::of(roots, store)
    }

    fn of(roots: Vec<CertificateDer<'static>>, store: RootCertStore) -> Result<Self, TrustError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| wrong(error.to_string()))?;
        let config = Arc::new(config.with_root_certificates(store).with_no_client_auth());
        Ok(Self { roots, config })
    }

    pub(super) fn for_websocket(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    pub(super) fn for_post(&self) -> TlsConfig {
        let roots = self.roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
        TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(provider())
            .build()
    }
}

/// TLS 1.3 alone: without a suite of an older version none is offered.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = ring::default_provider();
    provider.cipher_suites.retain(|suite| suite.tls13().is_some());
    Arc::new(provider)
}

#[cfg(test)]
mod tests {
    use super::Trust;

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        assert!(Trust::file(std::path::Path::new("no such file")).is_err());
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(Trust::file(&here).unwrap_err().to_string(), "it holds no certificate");
    }
}
