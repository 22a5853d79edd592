//! The write-ahead journal: what is about to happen to a chip is durable before the first command that changes it, and what came of it after.
//!
//! Every change of a card's state goes through the table of [`crate::life_cycle`] and leaves an entry in the job's hash chain, in the same
//! transaction.

mod accounts;
mod card;
mod chain;
mod delivery;
mod issued;
mod job;
mod rows;
mod step;
mod terms;

pub use accounts::Accounts;
pub use delivery::Part;
pub use issued::{IssuedCard, RejectedChip};
pub use job::{Job, JobState, NewJob};
pub use terms::{Assignment, Chip, Refusal, RejectReport, Serial, SerialSource, Station};

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
