//! Where the service centre is: an `https://` address, or `http://` on this machine for development.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use thiserror::Error;
use tungstenite::http::Uri;

/// HTTPS.
const PORT: u16 = 443;
/// Where the protocol lives, below the address.
const PATH: &str = "/v1/cardscript";

/// The service centre's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Centre {
    cover: Cover,
    host: String,
    port: u16,
    /// Path in front of [`PATH`], without a slash at its end.
    base: String,
}

/// Whether others on the way can read along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cover {
    /// TLS.
    Tls,
    /// Nothing: nobody is on the way but this machine.
    Nothing,
}

/// Text that is no address of a centre.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no address of a service centre: write https://HOST or https://HOST:PORT")]
pub struct AddressError {
    text: String,
}

impl FromStr for Centre {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).ok_or_else(|| AddressError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Centre> {
    let uri: Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let cover = match uri.scheme_str()? {
        "https" => Cover::Tls,
        "http" => Cover::Nothing,
        _ => return None,
    };
    let has_more = uri.query().is_some() || authority.as_str().contains('@');
    let port = match authority.port() {
        Some(port) => port.as_str().parse().ok().filter(|port| *port > 0)?,
        None if authority.as_str() == authority.host() => PORT,
        // A port that is no number of 16 bits.
        None => return None,
    };
    let host = authority.host().to_owned();
    let base = uri.path().trim_end_matches('/').to_owned();
    let centre = Centre { cover, host, port, base };
    // Without TLS anybody on the way could read the order's token.
    let is_safe = cover == Cover::Tls || centre.is_here();
    (is_safe && !has_more && !centre.host.is_empty()).then_some(centre)
}

impl Centre {
    /// Whether TLS covers the way.
    #[must_use]
    pub const fn cover(&self) -> Cover {
        self.cover
    }

    /// The host's name or number, without brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is on this machine, so that no proxy leads to it.
    pub(super) fn is_here(&self) -> bool {
        self.host() == "localhost" || self.host().parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Where messages are posted.
    pub(super) fn post(&self) -> String {
        format!("{self}{PATH}")
    }

    /// Where the WebSocket is.
    pub(super) fn websocket(&self) -> String {
        let scheme = match self.cover {
            Cover::Tls => "wss",
            Cover::Nothing => "ws",
        };
        format!("{scheme}://{}:{}{}{PATH}", self.host, self.port, self.base)
    }
}

impl fmt::Display for Centre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.cover {
            Cover::Tls => "https",
            Cover::Nothing => "http",
        };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::{Centre, Cover};

    #[test]
    fn an_address_names_both_doors() {
        for (text, door) in [
            ("https://centre.example", "://centre.example:443/v1/cardscript"),
            ("https://127.0.0.1:8443/", "://127.0.0.1:8443/v1/cardscript"),
            ("https://[::1]:8443/cards/", "://[::1]:8443/cards/v1/cardscript"),
        ] {
            let centre: Centre = text.parse().unwrap();
            assert_eq!(centre.post(), format!("https{door}"));
            assert_eq!(centre.websocket(), format!("wss{door}"));
        }
        assert_eq!("https://[::1]:8443".parse::<Centre>().unwrap().host(), "::1");
        assert!("https://[::1]:8443".parse::<Centre>().unwrap().is_here());
        assert!(!"https://centre.example".parse::<Centre>().unwrap().is_here());
    }

    #[test]
    fn nothing_leaves_this_machine_without_tls() {
        let centre: Centre = "http://127.0.0.1:8080".parse().unwrap();
        assert_eq!(
            (centre.cover(), centre.websocket().as_str()),
            (Cover::Nothing, "ws://127.0.0.1:8080/v1/cardscript")
        );
        for text in [
            "",
            "centre.example",
            "http://centre.example",
            "ws://centre.example",
            "https://",
            "https://a@b.example",
            "https://b.example:0",
            "https://b.example:99999",
            "https://b.example?x=1",
            "file:///etc/passwd",
        ] {
            assert!(text.parse::<Centre>().is_err(), "{text}");
        }
    }
}
