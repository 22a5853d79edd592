//! Why an order is refused, or a card is not claimed.

use fuda_issuance::ActivationCodeError;
use thiserror::Error;

/// Why. No code and no token is ever in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrderError {
    /// No such order.
    #[error("there is no such order")]
    NotFound,
    /// The same request key was used for another order.
    #[error("the request key belongs to another order")]
    OtherRequest,
    /// The order is in work or over.
    #[error("the order is {state}")]
    Begun {
        /// State of the entitlement.
        state: &'static str,
    },
    /// No card was claimed.
    #[error("the order has claimed no card")]
    Unclaimed,
    /// The order has a card.
    #[error("the order has claimed another card")]
    OtherCard,
    /// What was typed is no activation code.
    #[error("{}", typing(.0))]
    Code(ActivationCodeError),
    /// No card has this code, or not with this printed number.
    #[error("the activation code is not that of the card")]
    WrongCode,
    /// Too many wrong codes.
    #[error("too many wrong activation codes; try again after {until}")]
    Locked {
        /// When, RFC 3339.
        until: String,
    },
    /// Two cards have this code.
    #[error("the number printed on the package is needed beside the activation code")]
    PrintedNeeded,
    /// The card has no such application.
    #[error("the card has no application {application}")]
    NoApplication {
        /// The application.
        application: String,
    },
    /// Another order has the card's application, or somebody uses it.
    #[error("the card is taken for this service")]
    Taken,
    /// The card may not be activated for now.
    #[error("the card is on hold ({hold})")]
    Held {
        /// Number of the hold.
        hold: String,
    },
    /// The card is out of trade.
    #[error("the card is {state}")]
    NotForUse {
        /// State of the card.
        state: &'static str,
    },
    /// The site wants the till's word first.
    #[error("no shop has told that the card was sold")]
    NotSold,
    /// Claims without a code are for development.
    #[error("a card is claimed by its activation code")]
    CodeNeeded,
}

/// The mistake without the character that was typed: it is part of a secret.
fn typing(error: &ActivationCodeError) -> String {
    match error {
        ActivationCodeError::Digit { place, .. } => format!("character {place} is one that no activation code has"),
        error => error.to_string(),
    }
}

impl OrderError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "ORDER_NOT_FOUND",
            Self::OtherRequest => "ORDER_REQUEST_KEY",
            Self::Begun { .. } => "ORDER_BEGUN",
            Self::Unclaimed => "ORDER_NOT_CLAIMED",
            Self::OtherCard => "ORDER_OTHER_CARD",
            Self::Code(error) => error.code(),
            Self::WrongCode => "CLAIM_WRONG_CODE",
            Self::Locked { .. } => "CLAIM_LOCKED",
            Self::PrintedNeeded => "CLAIM_PRINTED_NEEDED",
            Self::NoApplication { .. } => "CLAIM_NO_APPLICATION",
            Self::Taken => "CLAIM_TAKEN",
            Self::Held { .. } => "CLAIM_HELD",
            Self::NotForUse { .. } => "CLAIM_NOT_FOR_USE",
            Self::NotSold => "CLAIM_NOT_SOLD",
            Self::CodeNeeded => "CLAIM_CODE_NEEDED",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound => 404,
            Self::WrongCode | Self::CodeNeeded => 403,
            Self::Code(_) => 422,
            Self::Locked { .. } => 429,
            _ => 409,
        }
    }
}
