//! The good cards and the reject bin of a job.

use super::Journal;
use crate::error::Error;
use fuda_card::id::Kdd;

/// A sealed card.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IssuedCard {
    /// Chip identity, hex.
    pub kdd: String,
    /// Serial.
    pub serial: String,
    /// Position of the serial in the order.
    pub position: i64,
    /// Printed number.
    pub printed: String,
    /// Encoder that sealed it.
    pub encoder: String,
    /// Operator at that encoder.
    pub operator: String,
    /// When it was sealed, UTC.
    pub issued_at: String,
    /// Number of the delivery it leaves with.
    pub delivery: Option<i64>,
    /// The carton that it is in; empty until it is packed.
    pub carton: String,
}

/// A chip in the reject bin.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RejectedChip {
    /// Number in the bin, from 1.
    pub seq: i64,
    /// Chip identity, hex; empty when it told none.
    pub kdd: String,
    /// Serial bound to it; empty when none was.
    pub serial: String,
    /// Whose fault it was.
    pub class: String,
    /// Stable error code.
    pub code: String,
    /// Step that failed.
    pub step: String,
    /// Status word; empty when there was none.
    pub sw: String,
    /// Encoder.
    pub encoder: String,
    /// How often the chip was put in.
    pub attempt: i64,
    /// Key sets of ours that the chip may carry.
    pub live_keys: i64,
    /// Where the chip is now.
    pub disposition: String,
}

impl Journal {
    /// One card of the job by its serial or chip identity.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn find_issued(&self, name: &str) -> Result<Option<IssuedCard>, Error> {
        let (job, name) = (self.job.order.id.clone(), name.to_owned());
        self.store.read_blocking("card.find_issued", async move |tx| {
            let query = sqlx::query_as(
                "/* card.find_issued */ SELECT kdd, serial, position, printed, encoder, operator, issued_at, delivery, carton FROM card \
                 WHERE job = $1 AND state = 'sealed' AND (kdd = $2 OR serial = $2)",
            );
            Ok(query.bind(job).bind(name).fetch_optional(&mut *tx).await?)
        })
    }

    /// The chip of the job that has this serial or identity, whatever became of it.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoreContent`].
    pub fn chip_of(&self, name: &str) -> Result<Option<Kdd>, Error> {
        let (job, name) = (self.job.order.id.clone(), name.to_owned());
        let found: Option<(String,)> = self.store.read_blocking("card.chip_of", async move |tx| {
            let query =
                sqlx::query_as("/* card.chip_of */ SELECT kdd FROM card WHERE job = $1 AND (serial = $2 OR kdd = $2)");
            Ok::<_, Error>(query.bind(job).bind(name).fetch_optional(&mut *tx).await?)
        })?;
        let kdd =
            |(text,): (String,)| text.parse().map_err(|_| Error::StoreContent { what: format!("`{text}` is no chip") });
        found.map(kdd).transpose()
    }

    /// The reject bin, in the order in which the chips fell.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn rejects(&self) -> Result<Vec<RejectedChip>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("card.rejects", async move |tx| {
            let query = sqlx::query_as(
                "/* card.rejects */ SELECT seq, kdd, serial, class, code, step, sw, encoder, attempt, live_keys, disposition FROM reject \
                 WHERE job = $1 ORDER BY seq",
            );
            Ok(query.bind(job).fetch_all(&mut *tx).await?)
        })
    }
}
