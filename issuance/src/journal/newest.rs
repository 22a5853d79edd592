//! When something was last written into a job's journal, and what a clock says that does not know of it yet.

use super::{Journal, chain};
use crate::error::Error;
use jiff::Timestamp;

impl Journal {
    /// The time of the newest entry, when the clock of this machine has yet to come to it: it was put back, or another line's is ahead.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoreContent`] for a time that is none.
    pub fn ahead_of_the_clock(&self) -> Result<Option<Timestamp>, Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        let newest: Option<(String,)> = self.store.read_blocking("journal.newest", async move |tx| {
            let query =
                sqlx::query_as("/* journal.newest */ SELECT at FROM journal WHERE job = $1 ORDER BY seq DESC LIMIT 1");
            Ok::<_, Error>(query.bind(job).fetch_optional(&mut *tx).await?)
        })?;
        let Some((newest,)) = newest else { return Ok(None) };
        let newest: Timestamp =
            newest.parse().map_err(|_| Error::StoreContent { what: format!("`{newest}` is no time of an entry") })?;
        Ok(Some(newest).filter(|newest| chain::is_ahead(*newest, now)))
    }
}
