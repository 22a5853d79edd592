//! What is wrong about a payment or what was told of one.

use fuda_cli::Exit;
use std::path::PathBuf;
use thiserror::Error;

/// Why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PaymentError {
    /// The signature's header is absent or not as it must be.
    #[error("the signature is missing or malformed")]
    NoSignature,
    /// No secret made this signature.
    #[error("the signature is wrong")]
    Signature,
    /// Too old, or from the future.
    #[error("the signature's time is not within {tolerance_s} s of ours")]
    Stale {
        /// How far it may be off.
        tolerance_s: i64,
    },
    /// The body is no payment event.
    #[error("the body is no payment event: {what}")]
    Body {
        /// What is wrong.
        what: &'static str,
    },
    /// The same event was told with another content.
    #[error("event {event} was told before, with another content")]
    OtherContent {
        /// The event.
        event: String,
    },
    /// A secret cannot be used.
    #[error("{}: {what}", path.display())]
    Secret {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// No such payment.
    #[error("there is no payment {event}")]
    NotFound {
        /// What was asked for.
        event: String,
    },
    /// Only money that came in and fits nowhere is matched by hand.
    #[error("payment {event} is {state}: only a payment that is an exception is matched by hand")]
    NotOpen {
        /// The payment.
        event: String,
        /// Its state.
        state: String,
    },
    /// Less than the fee, or another currency.
    #[error("{amount} {currency} is not the fee of {fee} {fee_currency}")]
    Amount {
        /// What was paid.
        amount: i64,
        /// In what.
        currency: String,
        /// The fee.
        fee: i64,
        /// Its currency.
        fee_currency: String,
    },
}

impl PaymentError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSignature => "PAYMENT_SIGNATURE_MISSING",
            Self::Signature => "PAYMENT_SIGNATURE",
            Self::Stale { .. } => "PAYMENT_STALE",
            Self::Body { .. } => "PAYMENT_BODY",
            Self::OtherContent { .. } => "PAYMENT_OTHER_CONTENT",
            Self::Secret { .. } => "SECRET_FILE",
            Self::NotFound { .. } => "PAYMENT_NOT_FOUND",
            Self::NotOpen { .. } => "PAYMENT_NOT_OPEN",
            Self::Amount { .. } => "PAYMENT_AMOUNT",
        }
    }

    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Secret { .. } | Self::NotOpen { .. } | Self::Amount { .. } => Exit::Refused,
            _ => Exit::Input,
        }
    }

    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::NoSignature | Self::Signature | Self::Stale { .. } => 401,
            Self::Body { .. } => 400,
            Self::NotFound { .. } => 404,
            Self::OtherContent { .. } | Self::NotOpen { .. } | Self::Amount { .. } => 409,
            Self::Secret { .. } => 500,
        }
    }

    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::Secret { .. } => "write at least 16 characters into a file that its owner alone can read: chmod 600",
            Self::NotFound { .. } | Self::NotOpen { .. } => {
                "`fuda-issuer payment list --unmatched` shows what can be matched"
            }
            Self::Amount { .. } => "have the payment sent back and the fee paid anew",
            _ => "",
        }
    }
}
