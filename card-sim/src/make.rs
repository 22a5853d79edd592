//! What the maker of a card put on the chip: the file system of this house, a security domain, or something else.

use fuda_card::id::DfName;

/// What a card is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Make {
    /// An ISO/IEC 7816-4 file system with keys in its DFs; blank, until somebody creates the MF.
    #[default]
    Files,
    /// A GlobalPlatform issuer security domain with keys and no file.
    Domain(Domain),
    /// Another house's application, which knows neither files of ours nor GlobalPlatform.
    Other,
}

/// The security domain of a card, as cards on sale have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name (AID).
    pub aid: DfName,
    /// Where card challenges come from.
    pub challenge: ChallengeSource,
    /// What becomes of the initial set FF when the first other one is put.
    pub initial_set: InitialSet,
}

/// Where card challenges come from: b5 of the SCP03 parameter `i` (Amendment D 1.2, table 5-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeSource {
    /// A function of the key and the sequence counter, which INITIALIZE UPDATE tells: `i` = 70.
    PseudoRandom,
    /// The random number generator; there is no counter to tell: `i` = 60.
    Random,
}

/// What becomes of the initial set FF when the first other one is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialSet {
    /// The card removes it in the same command.
    Vanishes,
    /// It stays until it is deleted.
    Stays,
}

impl Domain {
    /// A domain with the name that GlobalPlatform gives to an issuer security domain, pseudo-random challenges, and an initial
    /// set that vanishes.
    #[must_use]
    pub fn issuer() -> Self {
        Self { aid: DfName::mf(), challenge: ChallengeSource::PseudoRandom, initial_set: InitialSet::Vanishes }
    }
}
