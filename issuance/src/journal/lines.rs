//! The running lines of a store and their encoders, as people see them, and the encoders that people release.

use super::{Journal, Lease};
use crate::error::Error;
use fuda_store::{Store, clock};

/// A line that works on a job, or was killed at it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LineRow {
    /// Its name.
    pub id: String,
    /// The operator.
    pub operator: String,
    /// The machine.
    pub host: String,
    /// When it began, UTC.
    pub begun_at: String,
}

/// An encoder of a line.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct EncoderRow {
    /// The line.
    pub line: String,
    /// Its name.
    pub name: String,
    /// `working` or `quarantined`.
    pub state: String,
    /// Since when, UTC.
    pub since: String,
}

/// The encoders of all lines of a store.
///
/// # Errors
/// [`Error::Store`].
pub fn encoders(store: &Store) -> Result<Vec<EncoderRow>, Error> {
    store.read_blocking("encoder.list", async |tx| {
        let query =
            sqlx::query_as("/* encoder.list */ SELECT line, name, state, since FROM encoder ORDER BY line, name");
        Ok(query.fetch_all(&mut *tx).await?)
    })
}

/// Puts an encoder back into service on every line that has it in quarantine; answers how many lines that are.
///
/// # Errors
/// [`Error::Store`].
pub fn release_encoder(store: &Store, name: &str) -> Result<u64, Error> {
    let (name, now) = (name.to_owned(), clock::stored(store.clock().now()));
    store.run_tx_blocking("encoder.release", async move |tx| {
        let released = sqlx::query("/* encoder.release */ UPDATE encoder SET state = 'working', since = $1 WHERE name = $2 AND state = 'quarantined'")
            .bind(now)
            .bind(name)
            .execute(&mut *tx)
            .await?;
        Ok(released.rows_affected())
    })
}

impl Journal {
    /// The lines of the job.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn lines(&self) -> Result<Vec<LineRow>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("line.list", async move |tx| {
            let query = sqlx::query_as(
                "/* line.list */ SELECT id, operator, host, begun_at FROM line WHERE job = $1 ORDER BY id",
            );
            Ok(query.bind(job).fetch_all(&mut *tx).await?)
        })
    }
}

impl Lease {
    /// Notes that an encoder is out of service.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn quarantine(&self, encoder: &str) -> Result<(), Error> {
        let (line, encoder) = (self.line.clone(), encoder.to_owned());
        let now = clock::stored(self.journal.store.clock().now());
        self.journal.store.part(&self.line).run_tx_blocking("line.quarantine", async move |tx| {
            sqlx::query("/* line.quarantine */ UPDATE encoder SET state = 'quarantined', since = $1 WHERE line = $2 AND name = $3")
                .bind(now)
                .bind(line)
                .bind(encoder)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
    }
}
