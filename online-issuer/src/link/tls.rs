//! TLS of the centre: rustls with ring, 1.3 alone (RFC 8446), certificate and key from PEM files.
//!
//! No session is resumed: a terminal has one connection for an activation, so a ticket would be made for nobody and kept in memory.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ServerConfig, crypto::ring};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;
use tokio_rustls::TlsAcceptor;

/// What carries HTTP.
#[derive(Clone)]
pub enum Carrier {
    /// TCP as it is: for development on loopback.
    Plain,
    /// TLS.
    Tls(TlsAcceptor),
}

/// Certificate or key that cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file that is no PEM of this kind.
    #[error("{path}: {what}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A key that is not the certificate's, or of a kind that is not supported.
    #[error(transparent)]
    Pair(#[from] rustls::Error),
}

impl Carrier {
    /// TLS by a certificate chain and its key.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn tls(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| wrong(cert, &error))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth();
        let mut config = config.with_single_cert(chain, key)?;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self::Tls(TlsAcceptor::from(Arc::new(config))))
    }

    /// `http` or `https`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls(_) => "https",
        }
    }
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.scheme())
    }
}

fn wrong(path: &Path, error: &rustls::pki_types::pem::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), what: error.to_string() }
}
