//! The journal read back, for reports: entries page by page, and what was handed over.

use super::Journal;
use crate::error::Error;

/// Entries read at once: a page of them stays under a megabyte.
const PAGE_ROWS: i64 = 2_000;

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HistoryEntry {
    /// Its number, from 1.
    pub seq: i64,
    /// The chip; empty when it is about the job.
    pub kdd: String,
    /// What happened.
    pub event: String,
    /// More about it.
    pub detail: String,
    /// When, RFC 3339.
    pub at: String,
}

/// A delivery of the job.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeliveredPart {
    /// Its number in the job.
    pub number: i64,
    /// Cards in it.
    pub cards: i64,
    /// `begun` or `published`.
    pub state: String,
    /// Its folder.
    pub folder: String,
    /// SHA-256 of its manifest, hex; empty until it is published.
    pub manifest_sha256: String,
}

/// What came of the chips of one encoder and operator.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StationCount {
    /// The encoder.
    pub encoder: String,
    /// The operator.
    pub operator: String,
    /// Good cards.
    pub good: i64,
    /// Chips that were begun and rejected.
    pub rejected: i64,
    /// Chips that were begun and are neither.
    pub unfinished: i64,
}

impl Journal {
    /// The entries after a number (0: from the start), one page of them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn history(&self, after: i64) -> Result<Vec<HistoryEntry>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("journal.history", async move |tx| {
            let query = sqlx::query_as(
                "/* journal.history */ SELECT seq, kdd, event, detail, at FROM journal WHERE job = $1 AND seq > $2 ORDER BY seq LIMIT $3",
            );
            Ok(query.bind(job).bind(after).bind(PAGE_ROWS).fetch_all(&mut *tx).await?)
        })
    }

    /// The deliveries of the job.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn parts(&self) -> Result<Vec<DeliveredPart>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("delivery.parts", async move |tx| {
            let query = sqlx::query_as(
                "/* delivery.parts */ SELECT number, cards, state, folder, manifest_sha256 FROM delivery WHERE job = $1 ORDER BY number",
            );
            Ok(query.bind(job).fetch_all(&mut *tx).await?)
        })
    }

    /// The chips of the job by encoder and operator.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn stations(&self) -> Result<Vec<StationCount>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("job.stations", async move |tx| {
            let query = sqlx::query_as(
                "/* job.stations */ SELECT encoder, operator, SUM(CASE WHEN state = 'sealed' THEN 1 ELSE 0 END) AS good, \
                 SUM(CASE WHEN state = 'rejected' THEN 1 ELSE 0 END) AS rejected, \
                 SUM(CASE WHEN state NOT IN ('sealed', 'rejected') THEN 1 ELSE 0 END) AS unfinished \
                 FROM card WHERE job = $1 GROUP BY encoder, operator ORDER BY encoder, operator",
            );
            Ok(query.bind(job).fetch_all(&mut *tx).await?)
        })
    }
}
