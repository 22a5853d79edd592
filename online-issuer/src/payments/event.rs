//! What is told of a payment.

use super::PaymentError;
use schemars::JsonSchema;
use serde::Deserialize;

/// Longest name of an event or a reference, in characters.
const TEXT_CHARS_MAX: usize = 64;
/// Highest amount: far above any fee, far below what 64 bits hold.
const AMOUNT_MAX: i64 = 1_000_000_000_000;

/// Where it was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// By the provider's webhook.
    Webhook,
    /// In a bank's file.
    File,
}

impl Source {
    /// The word in the store, and before the names of its events: two sources may use the same ones.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::File => "file",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentKind {
    /// Money came.
    Paid,
    /// It was sent back by us.
    Refunded,
    /// The payer's bank took it back.
    ChargedBack,
}

impl PaymentKind {
    const ALL: [Self; 3] = [Self::Paid, Self::Refunded, Self::ChargedBack];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::ChargedBack => "charged-back",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEvent {
    /// Where it was told.
    pub source: Source,
    /// Unique at the source.
    pub id: String,
    /// What happened.
    pub kind: PaymentKind,
    /// The order, as the payer gave it.
    pub reference: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// The body of a webhook. A provider may say more, which is not kept.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "Payment")]
pub(crate) struct Body {
    id: String,
    #[serde(rename = "type")]
    kind: PaymentKind,
    order: String,
    amount: i64,
    currency: String,
}

impl PaymentEvent {
    /// Checks what was told.
    ///
    /// # Errors
    /// [`PaymentError::Body`].
    pub fn new(
        source: Source,
        id: &str,
        (kind, reference): (PaymentKind, &str),
        (amount, currency): (i64, &str),
    ) -> Result<Self, PaymentError> {
        let wrong = |what| PaymentError::Body { what };
        let plain = |text: &str| text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control);
        if id.is_empty() || !plain(id) {
            return Err(wrong("the event's name is not 1 to 64 characters"));
        }
        if !plain(reference) {
            return Err(wrong("the order is more than 64 characters"));
        }
        if !(1..=AMOUNT_MAX).contains(&amount) {
            return Err(wrong("the amount is not above 0"));
        }
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong("the currency is not three capital letters"));
        }
        let (id, reference, currency) = (id.to_owned(), reference.trim().to_owned(), currency.to_owned());
        Ok(Self { source, id, kind, reference, amount, currency })
    }

    /// From the body of a webhook: `{"id", "type": "paid" | "refunded" | "charged-back", "order", "amount", "currency"}`.
    ///
    /// # Errors
    /// [`PaymentError::Body`].
    pub fn from_body(body: &[u8]) -> Result<Self, PaymentError> {
        let body: Body = serde_json::from_slice(body).map_err(|error| PaymentError::Body {
            what: match error.classify() {
                serde_json::error::Category::Data => "a member is missing or of another type",
                _ => "not JSON",
            },
        })?;
        Self::new(Source::Webhook, &body.id, (body.kind, &body.order), (body.amount, &body.currency))
    }

    /// Its name in the store.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.source.as_str(), self.id)
    }
}
