//! What is wrong about a sale that was told.

use super::SaleId;
use fuda_cli::Exit;
use thiserror::Error;

/// Why it is not heard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SaleError {
    /// What was told is no sale.
    #[error("no sale of a card: {what}")]
    Body {
        /// What is wrong.
        what: &'static str,
    },
    /// The same line of the same receipt was told with another card.
    #[error("sale {sale} was told before, of another card")]
    OtherContent {
        /// The sale.
        sale: SaleId,
    },
    /// No such sale.
    #[error("there is no sale {sale}")]
    NotFound {
        /// What was asked for.
        sale: SaleId,
    },
}

impl SaleError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Body { .. } => "SALE_BODY",
            Self::OtherContent { .. } => "SALE_OTHER_CONTENT",
            Self::NotFound { .. } => "SALE_NOT_FOUND",
        }
    }

    pub(crate) const fn exit(&self) -> Exit {
        Exit::Input
    }

    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Body { .. } => 422,
            Self::OtherContent { .. } => 409,
            Self::NotFound { .. } => 404,
        }
    }

    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "`fuda-issuer sale show` lists the sales",
            _ => "",
        }
    }
}
