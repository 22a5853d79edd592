//! What keeps cards from being taken in or moved.

use fuda_issuance::delivery::SiteMode;
use thiserror::Error;

/// Why stock is not changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StockError {
    /// Test cards at a production site, or the other way round.
    #[error("the delivery is of mode {}, this site of mode {site}", .delivery.as_str())]
    Mode {
        /// What the delivery is for.
        delivery: SiteMode,
        /// What this site is for.
        site: &'static str,
    },
    /// The profile of that name here is another one.
    #[error("profile {name} of the delivery has SHA-256 {delivered}, the one here {here}")]
    Profile {
        /// Its name.
        name: String,
        /// Hash in the delivery.
        delivered: String,
        /// Hash of the file here.
        here: String,
    },
    /// The cards are not finished.
    #[error("the cards had no 1st issuance: they are for another line, not for shops")]
    Unfinished,
    /// A card's row does not name the version of a key that its profile puts on it.
    #[error("serial {serial} names no version of key {key}, which its profile puts on the card")]
    KeyNotNamed {
        /// The card.
        serial: String,
        /// The key.
        key: String,
    },
    /// The key that made the activation codes has another value here.
    #[error("{key} here is not the key that made the activation codes of the cards")]
    CodeKey {
        /// The version.
        key: String,
    },
    /// A chip, serial or printed number is in stock already.
    #[error("{what} {value} is in stock already, from delivery {delivery}")]
    Duplicate {
        /// Which column.
        what: &'static str,
        /// Its value.
        value: String,
        /// The delivery that brought it.
        delivery: String,
    },
    /// Another delivery of this number was taken in.
    #[error("delivery {delivery} was taken in before, with another manifest")]
    OtherDelivery {
        /// Its number.
        delivery: String,
    },
    /// Nothing is there to be moved.
    #[error("no card of {which} can `{event}`")]
    NothingToMove {
        /// What was named.
        which: String,
        /// What was to happen.
        event: &'static str,
    },
    /// No such hold, or it was lifted before.
    #[error("there is no hold {id} in force")]
    NoHold {
        /// Its number.
        id: String,
    },
    /// One person alone would lift a hold.
    #[error("{person} cannot lift the hold alone: name a second person")]
    SamePerson {
        /// Who.
        person: String,
    },
}

impl StockError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Mode { .. } => "STOCK_MODE",
            Self::Profile { .. } => "STOCK_PROFILE",
            Self::Unfinished => "STOCK_UNFINISHED",
            Self::KeyNotNamed { .. } => "STOCK_KEY",
            Self::CodeKey { .. } => "STOCK_CODE_KEY",
            Self::Duplicate { .. } => "STOCK_DUPLICATE",
            Self::OtherDelivery { .. } => "STOCK_OTHER_DELIVERY",
            Self::NothingToMove { .. } => "STOCK_NOTHING",
            Self::NoHold { .. } => "HOLD_NOT_FOUND",
            Self::SamePerson { .. } => "HOLD_SAME_PERSON",
        }
    }
}
