//! How the keys of a card come from a version's key in the token.

use crate::name::KeyKind;
use std::fmt;
use std::str::FromStr;

/// A derivation scheme. Keys of other kinds than [`KeyKind::Derivation`] have the default and no use for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheme {
    /// GlobalPlatformPro's kdf3, an SP 800-108 counter KDF with CMAC over the chip's identity.
    #[default]
    Kdf3,
    /// NXP AN10922, CMAC key diversification.
    An10922,
    /// No derivation: the key *is* ENC, MAC and DEK of every card that carries it. Only the public GlobalPlatform default key of cards
    /// on sale is like this, only at a test site, and it never goes onto a card that we make.
    Fixed,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 3] = [Self::Kdf3, Self::An10922, Self::Fixed];

    /// The word in keys.toml, tables, JSON and the registry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kdf3 => "kdf3",
            Self::An10922 => "an10922",
            Self::Fixed => "fixed",
        }
    }

    /// The word for a key of a kind: keys that derive nothing have no scheme to show.
    #[must_use]
    pub const fn shown(self, kind: KeyKind) -> &'static str {
        match kind {
            KeyKind::Derivation => self.as_str(),
            _ => "-",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text).ok_or(UnknownScheme)
    }
}

/// Text that names no scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownScheme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for scheme in Scheme::ALL {
            assert_eq!(scheme.as_str().parse(), Ok(scheme));
        }
        assert_eq!("KDF3".parse::<Scheme>(), Err(UnknownScheme));
    }
}
