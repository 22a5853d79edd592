//! Encoder specifications as an operator writes them: `vpcd:HOST:PORT[-PORT]`.

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
}

/// A specification that names no encoder.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` names no encoder: write vpcd:HOST:PORT or vpcd:HOST:PORT-PORT (at most {ENCODERS_MAX} ports)")]
pub struct SpecError {
    text: String,
}

impl EncoderSpec {
    /// The ports of the range, one encoder each.
    pub fn ports(&self) -> impl Iterator<Item = (&str, u16)> {
        let Self::Vpcd { host, first, last } = self;
        (*first..=*last).map(|port| (host.as_str(), port))
    }
}

impl FromStr for EncoderSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        parse(text).ok_or_else(|| SpecError { text: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<EncoderSpec> {
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

impl fmt::Display for EncoderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Vpcd { host, first, last } = self;
        write!(f, "vpcd:{host}:{first}")?;
        if first == last { Ok(()) } else { write!(f, "-{last}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_encoder_per_port() {
        let spec: EncoderSpec = "vpcd:127.0.0.1:3500-3507".parse().unwrap();
        assert_eq!(spec.ports().count(), 8);
        assert_eq!(spec.to_string(), "vpcd:127.0.0.1:3500-3507");
        assert_eq!("vpcd:[::1]:35963".parse::<EncoderSpec>().unwrap().to_string(), "vpcd:[::1]:35963");
    }

    #[test]
    fn what_names_no_encoder_is_refused() {
        for text in
            ["", "vpcd", "vpcd:host", "vpcd::35963", "vpcd:h:0", "vpcd:h:9-8", "vpcd:h:1-65", "vpcd:h:x", "usb:*"]
        {
            assert!(text.parse::<EncoderSpec>().is_err(), "{text}");
        }
    }
}
