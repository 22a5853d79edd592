//! What running lines show of themselves, and how far a job is, for whoever watches from another process.
//!
//! It lies in the store and not beside it, because lines and watchers of one job may be on several machines, and the store is the one
//! place that all of them reach. A row a second is one commit more among the hundreds that the cards themselves cost.

use super::Journal;
use crate::error::Error;
use fuda_store::clock;
use jiff::{SignedDuration, Timestamp};

/// How old a row must be to be the row of a line that died, when another line begins: no line is silent so long.
const DEAD_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What a line showed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownLine {
    /// The line.
    pub line: String,
    /// What it shows, JSON.
    pub view: String,
    /// When.
    pub at: Timestamp,
}

/// How far a job is: counts that are quick to make, unlike [`super::Accounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Good cards.
    pub good: u64,
    /// Chips in the reject bin.
    pub rejected: u64,
    /// Cards that were begun and are neither good nor rejected.
    pub unfinished: u64,
}

impl Journal {
    /// Shows what a line does now, in place of what it showed before.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn show_line(&self, line: &str, view: String) -> Result<(), Error> {
        let (job, line, now) = (self.job.order.id.clone(), line.to_owned(), self.store.clock().now());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("line.show", async move |tx| {
            sqlx::query(
                "/* line.show */ INSERT INTO line_view (job, line, view, at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (job, line) DO UPDATE SET view = $3, at = $4",
            )
            .bind(job)
            .bind(line)
            .bind(view)
            .bind(clock::stored(now))
            .execute(&mut *tx)
            .await?;
            Ok(())
        })
    }

    /// Takes away what a line showed, and what lines that died long ago left.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn hide_line(&self, line: &str) -> Result<(), Error> {
        let (job, line) = (self.job.order.id.clone(), line.to_owned());
        let dead = clock::stored(self.store.clock().now().checked_sub(DEAD_AFTER).unwrap_or(Timestamp::MIN));
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("line.hide", async move |tx| {
            sqlx::query("/* line.hide */ DELETE FROM line_view WHERE job = $1 AND (line = $2 OR at < $3)")
                .bind(job)
                .bind(line)
                .bind(dead)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
    }

    /// What the lines of the job show, in the order in which they began.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoreContent`] for a time that is none.
    pub fn shown_lines(&self) -> Result<Vec<ShownLine>, Error> {
        let job = self.job.order.id.clone();
        let rows: Vec<(String, String, String)> = self.store.read_blocking("line.shown", async move |tx| {
            let query =
                sqlx::query_as("/* line.shown */ SELECT line, view, at FROM line_view WHERE job = $1 ORDER BY line");
            Ok::<_, Error>(query.bind(job).fetch_all(&mut *tx).await?)
        })?;
        let unreadable = |at: &str| Error::StoreContent { what: format!("time `{at}`") };
        let shown = rows.into_iter().map(|(line, view, at)| {
            let at = at.parse().map_err(|_| unreadable(&at))?;
            Ok(ShownLine { line, view, at })
        });
        shown.collect()
    }

    /// How far the job is.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn standing(&self) -> Result<Standing, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("job.standing", async move |tx| {
            // Answered from the index card_by_state alone.
            let states: Vec<(String, i64)> =
                sqlx::query_as("/* job.standing */ SELECT state, COUNT(*) FROM card WHERE job = $1 GROUP BY state")
                    .bind(job.as_str())
                    .fetch_all(&mut *tx)
                    .await?;
            let (rejected,): (i64,) = sqlx::query_as("/* job.standing */ SELECT COUNT(*) FROM reject WHERE job = $1")
                .bind(job.as_str())
                .fetch_one(&mut *tx)
                .await?;
            let mut standing = Standing { good: 0, rejected: rejected.unsigned_abs(), unfinished: 0 };
            for (state, cards) in states {
                match state.as_str() {
                    "sealed" => standing.good = cards.unsigned_abs(),
                    "rejected" => {}
                    _ => standing.unfinished += cards.unsigned_abs(),
                }
            }
            Ok(standing)
        })
    }
}
