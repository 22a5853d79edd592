//! The accounts of a job: where every chip that was fed has gone.

use super::Journal;
use crate::error::Error;
use serde::Serialize;

/// `fed = good + rejected + samples + unknown` and `ordered = good + unfilled`: both hold at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Accounts {
    /// Good cards ordered.
    pub ordered: u64,
    /// Distinct chips that met the line, and contacts with chips that told no identity.
    pub fed: u64,
    /// Sealed cards.
    pub good: u64,
    /// Chips in the reject bin.
    pub rejected: u64,
    /// Cards drawn as samples.
    pub samples: u64,
    /// Begun and neither sealed nor rejected.
    pub unknown: u64,
    /// Good cards still to come.
    pub unfilled: u64,
}

impl Journal {
    /// Counts the chips of the job.
    ///
    /// # Errors
    /// [`Error::Accounts`] when the identities do not hold (a defect: the store enforces them); [`Error::Store`].
    pub fn accounts(&self) -> Result<Accounts, Error> {
        let (job, ordered) = (self.job.order.id.clone(), self.job.order.quantity);
        let [good, unknown, samples, named, nameless, fed] = self.store.read_blocking("job.accounts", async move |tx| {
            let (good, unknown): (i64, i64) = sqlx::query_as(
                "/* job.accounts */ SELECT COALESCE(SUM(CASE WHEN state = 'sealed' THEN 1 ELSE 0 END), 0), \
                 COALESCE(SUM(CASE WHEN state NOT IN ('sealed', 'rejected') THEN 1 ELSE 0 END), 0) FROM card WHERE job = $1",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            // A chip that told no identity stands for itself by each contact, until the close has counted those chips.
            let (samples, named, nameless): (i64, i64, i64) = sqlx::query_as(
                "/* job.accounts */ SELECT (SELECT COUNT(*) FROM sample WHERE job = $1), \
                 (SELECT COUNT(*) FROM reject WHERE job = $1 AND kdd <> ''), \
                 (SELECT COUNT(*) FROM reject WHERE job = $1 AND kdd = '')",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            // UNION removes the chips that are in both tables.
            let (fed,): (i64,) = sqlx::query_as(
                "/* job.accounts */ SELECT COUNT(*) FROM (SELECT kdd FROM card WHERE job = $1 UNION \
                 SELECT kdd FROM reject WHERE job = $1 AND kdd <> '') AS fed",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            Ok::<_, Error>([good, unknown, samples, named, nameless, fed].map(i64::unsigned_abs))
        })?;
        let (rejected, fed) = (named + nameless, fed + nameless);
        let accounts =
            Accounts { ordered, fed, good, rejected, samples, unknown, unfilled: ordered.saturating_sub(good) };
        accounts.balanced().then_some(accounts).ok_or(Error::Accounts { accounts })
    }
}

impl Accounts {
    /// Whether both identities hold.
    #[must_use]
    pub const fn balanced(&self) -> bool {
        self.fed == self.good + self.rejected + self.samples + self.unknown && self.ordered == self.good + self.unfilled
    }
}
