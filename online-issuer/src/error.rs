//! What can go wrong in the centre: stock, members, orders, payments, sessions with cards.
//!
//! Stable code, exit code, HTTP status and what a terminal is told come from the error in one function each. No text of an error holds personal
//! data, a code or a token.

use crate::contents::ContentError;
use crate::engine::JobError;
use crate::engine::refusal::Refusal;
use crate::members::MemberError;
use crate::orders::{EntitlementEvent, EntitlementState, OrderError};
use crate::payments::PaymentError;
use crate::sales::SaleError;
use crate::stock::StockError;
use fuda_card::script::ScriptError;
use fuda_cli::{Exit, Failure};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A failure.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] fuda_store::Error),
    /// The store holds what this program did not write.
    #[error("the store holds what this program cannot read: {what}")]
    StoreContent {
        /// What.
        what: String,
    },
    /// The HSM refused or failed.
    #[error(transparent)]
    Hsm(#[from] fuda_kms::Error),
    /// Stock must not be changed so.
    #[error(transparent)]
    Stock(#[from] StockError),
    /// A member, a service or their data.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// An order or the claim of a card.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// A payment.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A sale that a till told.
    #[error(transparent)]
    Sale(#[from] SaleError),
    /// A member's data does not fit the card.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The table of entitlements forbids it.
    #[error("an entitlement that is {from} cannot `{event}`")]
    Transition {
        /// State before.
        from: EntitlementState,
        /// The event.
        event: EntitlementEvent,
    },
    /// A session, its terminal, member or card is refused.
    #[error("refused: {}", .0.terms().code)]
    Refused(Refusal),
    /// A job or a card, as an operator names them.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A script that cannot be made: our fault.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Something that our own code must not do.
    #[error("{what}")]
    Fault {
        /// What.
        what: &'static str,
    },
    /// Another transaction changed the same row first.
    #[error("another request was first; try again")]
    Overtaken,
    /// A file of ours.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The list of erased members has a line that is none.
    #[error("{} line {line}: not a member and a time", path.display())]
    Erasures {
        /// The list.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes: {text}")]
    Random {
        /// What it said.
        text: String,
    },
    /// A thread of ours panicked.
    #[error("a thread ended before its work was done")]
    Thread,
}

impl Error {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// A row that cannot be: the store was changed by other hands or by a newer program.
    pub(crate) fn content(what: impl Into<String>) -> Self {
        Self::StoreContent { what: what.into() }
    }

    /// Whether another message or request was first, so that looking again decides: between a look at the gates and the turn somebody may
    /// have moved the entitlement.
    pub(crate) const fn is_overtaken(&self) -> bool {
        matches!(self, Self::Overtaken | Self::Transition { .. })
    }

    /// What a terminal is told.
    pub(crate) const fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Order(OrderError::NotFound) => Refusal::OrderUnknown,
            Self::Order(OrderError::Unclaimed) => Refusal::OrderUnclaimed,
            // The member was erased.
            Self::Member(_) => Refusal::OrderClosed,
            Self::Overtaken | Self::Transition { .. } => Refusal::CentreBusy,
            Self::Hsm(_) => Refusal::CentreHsm,
            Self::Store(_) => Refusal::CentreStore,
            _ => Refusal::CentreFault,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::StoreContent { .. } => "STORE_CONTENT",
            Self::Hsm(error) => error.code(),
            Self::Stock(error) => error.code(),
            Self::Member(error) => error.code(),
            Self::Order(error) => error.code(),
            Self::Payment(error) => error.code(),
            Self::Sale(error) => error.code(),
            Self::Content(_) => "CONTENT_FIELD",
            Self::Transition { .. } => "ENTITLEMENT_STATE",
            Self::Refused(refusal) => refusal.terms().code,
            Self::Job(error) => error.code(),
            Self::Script(_) | Self::Fault { .. } => "CENTRE_FAULT",
            Self::Overtaken => "CENTRE_OVERTAKEN",
            Self::File { .. } => "CENTRE_FILE",
            Self::Erasures { .. } => "ERASURES_UNSOUND",
            Self::Random { .. } => "CENTRE_RANDOM",
            Self::Thread => "CENTRE_THREAD",
        }
    }

    /// The exit code of a command that ends with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        use StockError as S;
        match self {
            Self::Store(error) => Exit::from_number(error.exit()).unwrap_or(Exit::Store),
            Self::Hsm(_) => Exit::Hsm,
            Self::Stock(S::Mode { .. } | S::Unfinished | S::SamePerson { .. }) => Exit::Refused,
            Self::Stock(
                S::CodeKey { .. }
                | S::Duplicate { .. }
                | S::OtherDelivery { .. }
                | S::KeyNotNamed { .. }
                | S::Profile { .. },
            )
            | Self::Erasures { .. } => Exit::Integrity,
            Self::Stock(S::NothingToMove { .. } | S::NoHold { .. }) | Self::Content(_) => Exit::Input,
            Self::Member(MemberError::Busy { .. } | MemberError::Erased { .. }) => Exit::Refused,
            Self::Member(MemberError::NumbersUsedUp { .. }) => Exit::Refused,
            Self::Member(_) => Exit::Input,
            Self::Order(OrderError::NotFound) => Exit::Input,
            Self::Order(_) | Self::Transition { .. } => Exit::Refused,
            Self::Payment(error) => error.exit(),
            Self::Sale(error) => error.exit(),
            Self::Job(error) => error.exit(),
            Self::Refused(_) => Exit::Refused,
            Self::Overtaken => Exit::Stopped,
            Self::File { .. } | Self::StoreContent { .. } => Exit::Store,
            Self::Random { .. } | Self::Thread | Self::Script(_) | Self::Fault { .. } => Exit::Bug,
        }
    }

    /// The HTTP status of a request that ends with it.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Member(error) => match error {
                MemberError::NotFound { .. } | MemberError::NoService { .. } => 404,
                MemberError::Erased { .. } => 410,
                MemberError::Busy { .. } | MemberError::NumbersUsedUp { .. } => 409,
                MemberError::Field { .. } | MemberError::NotIndexed { .. } => 422,
            },
            Self::Order(error) => error.status(),
            Self::Payment(error) => error.status(),
            Self::Sale(error) => error.status(),
            Self::Content(_) => 422,
            Self::Refused(refusal) => refusal.terms().http,
            Self::Transition { .. } | Self::Stock(_) | Self::Job(_) => 409,
            Self::Store(_) | Self::Hsm(_) | Self::Overtaken | Self::File { .. } => 503,
            Self::StoreContent { .. }
            | Self::Erasures { .. }
            | Self::Random { .. }
            | Self::Thread
            | Self::Script(_)
            | Self::Fault { .. } => 500,
        }
    }

    const fn remedy(&self) -> &'static str {
        use StockError as S;
        match self {
            Self::Store(error) => error.remedy(),
            Self::StoreContent { .. } | Self::Random { .. } | Self::Thread | Self::Script(_) | Self::Fault { .. } => {
                "keep the store and the log and report the code"
            }
            Self::Stock(S::Mode { .. }) => "test cards and real ones are never mixed: look for the delivery's own site",
            Self::Stock(S::Profile { .. }) => "put the line's version of the profile into profiles/ beside fuda.toml",
            Self::Stock(S::Unfinished) => "`fuda-factory receive` is for these cards",
            Self::Stock(S::CodeKey { .. }) => {
                "exchange the key with the line: `fuda-kms key kcv` on both sides must say the same"
            }
            Self::Stock(S::KeyNotNamed { .. } | S::Duplicate { .. } | S::OtherDelivery { .. }) => {
                "do not sell these cards; ask the line what it delivered"
            }
            Self::Stock(S::NothingToMove { .. }) => "`fuda-issuer stock list` shows where cards are",
            Self::Stock(S::NoHold { .. }) => "`fuda-issuer stock hold` without cards lists the holds in force",
            Self::Stock(S::SamePerson { .. }) => "give --checker somebody else, who has seen why the cards may go on",
            Self::Member(MemberError::Busy { .. }) => "let the order be activated, or have its fee refunded, first",
            Self::Member(MemberError::NotIndexed { .. }) => {
                "name the field in issuer.indexed of fuda.toml; members who join from then on are found by it"
            }
            Self::Member(MemberError::NoService { .. }) => "name it under [[issuer.service]] in fuda.toml",
            Self::Member(MemberError::NumbersUsedUp { .. }) => "give the service a further range in fuda.toml",
            Self::Payment(error) => error.remedy(),
            Self::Sale(error) => error.remedy(),
            Self::Job(error) => error.remedy(),
            Self::Erasures { .. } => {
                "restore the list from its own copy; without it a restored database brings erased members back"
            }
            Self::File { .. } => "make the file writable and the disk roomy, then try again",
            Self::Overtaken => "run the same command again",
            _ => "",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<fuda_issuance::UnknownState> for Error {
    fn from(error: fuda_issuance::UnknownState) -> Self {
        Self::StoreContent { what: error.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Hsm(error) => error.into(),
            error => Self::new(error.code(), error.exit(), error.to_string()).remedy(error.remedy()),
        }
    }
}
