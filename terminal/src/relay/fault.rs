//! Why one attempt to get an answer from the centre failed.

use std::error::Error as StdError;
use std::io;
use thiserror::Error;

/// What went wrong with one attempt. Nothing is known about whether the message arrived.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkFault {
    /// No connection: name, network, or nobody listens.
    #[error("{0}")]
    Unreachable(String),
    /// The certificate is not one that is trusted here, or is for another name.
    #[error("{0}")]
    Certificate(String),
    /// What answers is no service centre: another protocol, another page.
    #[error("{0}")]
    Foreign(String),
    /// The connection ended, or nothing came in time.
    #[error("{0}")]
    Lost(String),
    /// An answer that is none of the protocol.
    #[error("{0}")]
    Breach(String),
}

impl LinkFault {
    /// A connection that broke while it was being made or used.
    pub(super) fn of_io(error: &io::Error) -> Self {
        match tls(error) {
            Some(rustls::Error::InvalidCertificate(what)) => Self::Certificate(what.to_string()),
            Some(error) => Self::Lost(format!("TLS: {error}")),
            None if error.kind() == io::ErrorKind::TimedOut => Self::Lost("no answer in time".to_owned()),
            None => Self::Lost(error.to_string()),
        }
    }
}

/// What `rustls` says, however deep it was wrapped.
pub(super) fn tls<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    // An `io::Error` that carries another error does not call it its source.
    let inner =
        error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).map(|inner| inner as &(dyn StdError + 'static));
    inner.or_else(|| error.source()).and_then(tls)
}
