//! Encoder specifications as an operator writes them: `vpcd:HOST:PORT[-PORT]` or `pcsc:READERS`.

use crate::pattern::Pattern;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Most encoders on one line: a line has a person beside it, and every encoder is a thread here.
pub const ENCODERS_MAX: usize = 64;

/// Where cards come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncoderSpec {
    /// We listen on each port of the range; a connection is a card put in, its end a card taken out.
    Vpcd {
        /// Address to listen on.
        host: String,
        /// First port.
        first: u16,
        /// Last port, included.
        last: u16,
    },
    /// Readers of this machine by their names; one card after the other is put in and taken out by hand.
    Pcsc {
        /// Which ones.
        pattern: Pattern,
    },
}

/// A specification that names no encoder.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{text}` names no encoder: write vpcd:HOST:PORT[-PORT] (at most {ENCODERS_MAX} ports) or pcsc:NAME, where * is any text"
)]
pub struct SpecError {
    text: String,
}

impl FromStr for EncoderSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        parse(text).ok_or_else(|| SpecError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<EncoderSpec> {
    if let Some(pattern) = text.strip_prefix("pcsc:") {
        return pattern.parse().ok().map(|pattern| EncoderSpec::Pcsc { pattern });
    }
    let (host, ports) = text.strip_prefix("vpcd:")?.rsplit_once(':')?;
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    let count = usize::from(last.checked_sub(first)?) + 1;
    (!host.is_empty() && first > 0 && count <= ENCODERS_MAX).then(|| EncoderSpec::Vpcd {
        host: host.to_owned(),
        first,
        last,
    })
}

/// One reader as somebody at a terminal writes it: `vpcd:HOST:PORT`, or a reader's name with or without `pcsc:` before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderSpec(EncoderSpec);

impl ReaderSpec {
    /// The same as an encoder.
    #[must_use]
    pub const fn encoder(&self) -> &EncoderSpec {
        &self.0
    }
}

impl FromStr for ReaderSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let has_kind = text.starts_with("vpcd:") || text.starts_with("pcsc:");
        if has_kind { text.parse() } else { format!("pcsc:{text}").parse() }.map(Self)
    }
}

impl fmt::Display for EncoderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vpcd { host, first, last } if first == last => write!(f, "vpcd:{host}:{first}"),
            Self::Vpcd { host, first, last } => write!(f, "vpcd:{host}:{first}-{last}"),
            Self::Pcsc { pattern } => write!(f, "pcsc:{pattern}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let spec: EncoderSpec = "vpcd:127.0.0.1:3500-3507".parse().unwrap();
        assert_eq!(spec, EncoderSpec::Vpcd { host: "127.0.0.1".to_owned(), first: 3500, last: 3507 });
        for text in ["vpcd:127.0.0.1:3500-3507", "vpcd:[::1]:35963", "pcsc:*", "pcsc:ACS ACR1252*"] {
            assert_eq!(text.parse::<EncoderSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_reader_is_a_name_or_a_port() {
        let encoder = |text: &str| text.parse::<ReaderSpec>().unwrap().encoder().to_string();
        assert_eq!(encoder("ACS*"), "pcsc:ACS*");
        assert_eq!(encoder("pcsc:ACS*"), "pcsc:ACS*");
        assert_eq!(encoder("vpcd:127.0.0.1:3500"), "vpcd:127.0.0.1:3500");
        assert!("vpcd:127.0.0.1".parse::<ReaderSpec>().is_err());
    }

    #[test]
    fn what_names_no_encoder_is_refused() {
        for text in [
            "",
            "vpcd",
            "vpcd:host",
            "vpcd::35963",
            "vpcd:h:0",
            "vpcd:h:9-8",
            "vpcd:h:1-65",
            "vpcd:h:x",
            "usb:*",
            "pcsc:",
        ] {
            assert!(text.parse::<EncoderSpec>().is_err(), "{text}");
        }
    }
}
