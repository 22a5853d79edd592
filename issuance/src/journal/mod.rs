//! The write-ahead journal: what is about to happen to a chip is durable before the first command that changes it, and what came of it after.
//!
//! Every change of a card's state goes through the table of [`crate::life_cycle`] and leaves an entry in the job's hash chain, in the same
//! transaction.

mod accounts;
mod age;
mod bin;
mod card;
mod carton;
mod chain;
mod close;
mod control;
mod counters;
mod delivery;
mod fence;
mod history;
mod issued;
mod job;
mod lease;
mod line_view;
mod lines;
mod newest;
mod people;
mod print;
mod receive;
mod sample;
mod slots;
mod step;
mod terms;

pub use accounts::Accounts;
pub use age::Age;
pub use bin::Destroyed;
pub use card::Intent;
pub use carton::{Carton, CartonError, Match, Misfit, Packed, Packing};
pub use close::{Closed, Count};
pub use delivery::{Part, Selection};
pub use fence::{Fence, KnownDeliveries};
pub use history::{DeliveredPart, HistoryEntry, StationCount};
pub use issued::{IssuedCard, RejectedChip};
pub use job::{Job, JobState, NewJob};
pub use lease::{Beat, Control, Crew, Lease};
pub use line_view::{ShownLine, Standing};
pub use lines::{EncoderRow, LineRow, encoders, release_encoder};
pub use print::{PrintCopy, SERIALS_PER_PAGE, refuse_printed};
pub use receive::{ReceivedChip, ReceivedLot};
pub use terms::{Assignment, Chip, Refusal, RejectReport, Rework, Sent, Serial, SerialSource, Station};

use fuda_store::Store;

/// The journal of one job.
#[derive(Debug, Clone)]
pub struct Journal {
    pub(crate) store: Store,
    pub(crate) job: Job,
}

impl Journal {
    /// The job as it was when the journal was opened.
    #[must_use]
    pub const fn job(&self) -> &Job {
        &self.job
    }

    /// The store behind the journal.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }
}
