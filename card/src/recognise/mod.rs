//! What a card is, from what it says to anybody: no key, no counter moved, nothing written.
//!
//! [`look`] asks, [`Said::recognise`] judges. None of it is authenticated: a card may lie, and only a channel proves it.

mod look;

pub use look::{house_names, look};

use crate::command::{CardDataAnswer, Cplc, KeyInformation};
use crate::fcp::{Fcp, LifeCycle};
use crate::id::{Kdd, Kvn};
use crate::personalisation::{Evidence, Files, Stage, StageRecord};
use std::fmt;

/// All that a card says to anybody, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Answer to reset; empty where the reader tells none.
    pub atr: Vec<u8>,
    /// Control information of the MF or the security domain; `None` where the card has neither.
    pub domain: Option<Fcp>,
    /// Keys that it lists (00E0).
    pub keys: Vec<KeyInformation>,
    /// Card recognition data (0066).
    pub card_data: Option<CardDataAnswer>,
    /// Production life cycle data (9F7F).
    pub cplc: Option<Cplc>,
    /// Key diversification data, where it is told without a key.
    pub kdd: Option<Kdd>,
    /// The stage records that are whole.
    pub records: Vec<StageRecord>,
    /// The DFs found among the names asked for.
    pub applications: Vec<Fcp>,
}

/// What a card is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A chip as its maker ships it.
    Blank,
    /// 0th issuance is done.
    Zeroth,
    /// 1st issuance is done: stock.
    First,
    /// An application is activated: a member's card.
    Active,
    /// A GlobalPlatform card without this house's files.
    Gp,
    /// Any other.
    Foreign,
}

impl Kind {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Zeroth => "zeroth",
            Self::First => "first",
            Self::Active => "active",
            Self::Gp => "gp",
            Self::Foreign => "foreign",
        }
    }

    /// What it means, for a person.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Blank => "blank: a chip as its maker ships it",
            Self::Zeroth => "zeroth: 0th issuance is done",
            Self::First => "first: 1st issuance is done, ready for sale",
            Self::Active => "active: an application is in use",
            Self::Gp => "gp: a GlobalPlatform card without files of this house",
            Self::Foreign => "foreign: no card of this house",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// What the card is: the last stage that it completed.
    pub kind: Kind,
    /// A stage that was begun and not completed: the line that makes such cards finishes it.
    pub under_way: Option<Stage>,
}

impl Said {
    /// What issuing goes by.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let files = match self.file_system().and_then(|mf| mf.life_cycle) {
            Some(life_cycle) => Files::Mf { life_cycle, records: self.records.clone() },
            None => Files::None,
        };
        Evidence { key_sets: self.key_sets(), files }
    }

    /// The key sets of the MF or the security domain, each once, in rising order.
    #[must_use]
    pub fn key_sets(&self) -> Vec<Kvn> {
        KeyInformation::sets(&self.keys)
    }

    /// The MF. A chip without files, and a security domain, have a name and no file descriptor.
    fn file_system(&self) -> Option<&Fcp> {
        self.domain.as_ref().filter(|domain| domain.descriptor.is_some())
    }

    /// Judges.
    #[must_use]
    pub fn recognise(&self) -> Recognised {
        let evidence = self.evidence();
        let is = |kind| Recognised { kind, under_way: None };
        if evidence.files != Files::None {
            return self.issued(&evidence);
        }
        match &self.domain {
            Some(domain) if evidence.is_blank(Kvn::INITIAL) && domain.is_name_only() => is(Kind::Blank),
            Some(_) => is(Kind::Gp),
            None if self.card_data.is_some() || !self.keys.is_empty() => is(Kind::Gp),
            None => is(Kind::Foreign),
        }
    }

    /// A card with an MF of the house's name.
    fn issued(&self, evidence: &Evidence) -> Recognised {
        let activated = |fcp: &Fcp| fcp.life_cycle == Some(LifeCycle::Activated);
        if evidence.has_done(Stage::First) {
            let kind = if self.applications.iter().any(activated) { Kind::Active } else { Kind::First };
            return Recognised { kind, under_way: None };
        }
        if evidence.has_done(Stage::Zeroth) {
            let begun = evidence.is_activated()
                || !self.applications.is_empty()
                || evidence.key_sets.iter().any(|kvn| *kvn != Kvn::TRANSPORT);
            return Recognised { kind: Kind::Zeroth, under_way: begun.then_some(Stage::First) };
        }
        Recognised { kind: Kind::Blank, under_way: Some(Stage::Zeroth) }
    }
}
