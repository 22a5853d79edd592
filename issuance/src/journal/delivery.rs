//! Deliveries of a job: which cards go in which part, chosen before the folder is written and closed after.

use super::{IssuedCard, Journal, chain};
use crate::error::Error;
use fuda_store::{Conn, clock};

/// Rows read at once: a page of rows stays under a megabyte.
const PAGE_ROWS: i64 = 1_000;

/// A part of a job on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its number in the job, from 1.
    pub number: u32,
    /// Cards in it.
    pub cards: u64,
    /// Folder that an interrupted run meant to write; empty for a new part.
    pub folder: String,
}

impl Journal {
    /// Chooses the cards of the next part: at most `limit` sealed cards that are in none, lowest serials first. A part that was begun and
    /// never published comes back as it was.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn begin_part(&self, limit: Option<u64>, folder: &str) -> Result<Part, Error> {
        let (job, now, folder) = (self.job.order.id.clone(), self.store.clock().now(), folder.to_owned());
        let limit = limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        self.store.run_tx_blocking("delivery.begin", async move |tx| {
            if let Some(part) = begun(tx, &job).await? {
                return Ok(part);
            }
            let (number,): (i64,) = sqlx::query_as("/* delivery.begin */ SELECT COALESCE(MAX(number), 0) + 1 FROM delivery WHERE job = $1")
                .bind(job.as_str())
                .fetch_one(&mut *tx)
                .await?;
            let chosen = sqlx::query(
                "/* delivery.begin */ UPDATE card SET delivery = $1 WHERE job = $2 AND position IN (SELECT position FROM card \
                 WHERE job = $2 AND state = 'sealed' AND delivery IS NULL ORDER BY position LIMIT $3)",
            )
            .bind(number)
            .bind(job.as_str())
            .bind(limit)
            .execute(&mut *tx)
            .await?;
            let cards = chosen.rows_affected();
            sqlx::query("/* delivery.begin */ INSERT INTO delivery (job, number, cards, state, folder, begun_at) VALUES ($1, $2, $3, 'begun', $4, $5)")
                .bind(job.as_str())
                .bind(number)
                .bind(i64::try_from(cards).unwrap_or(i64::MAX))
                .bind(folder.as_str())
                .bind(clock::stored(now))
                .execute(&mut *tx)
                .await?;
            let detail = format!("part {number}: {cards} cards");
            let entry = chain::Entry { job: &job, kdd: "", serial: "", event: "begin-delivery", detail: &detail };
            chain::append(tx, now, &entry).await?;
            Ok(Part { number: u32::try_from(number).unwrap_or(u32::MAX), cards, folder: String::new() })
        })
    }

    /// Number of sealed cards that are in no part yet, and whether a part was begun and never published.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn deliverable(&self) -> Result<(u64, Option<Part>), Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("delivery.deliverable", async move |tx| {
            let (cards,): (i64,) = sqlx::query_as(
                "/* delivery.deliverable */ SELECT COUNT(*) FROM card WHERE job = $1 AND state = 'sealed' AND delivery IS NULL",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            Ok((cards.unsigned_abs(), begun(tx, &job).await?))
        })
    }

    /// The cards of a part, one page after the position given (-1: from the start), in the order of their serials.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn cards_of_part(&self, number: u32, after: i64) -> Result<Vec<IssuedCard>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("delivery.cards", async move |tx| {
            let query = sqlx::query_as(
                "/* delivery.cards */ SELECT kdd, serial, position, printed, encoder, operator, issued_at, delivery FROM card \
                 WHERE job = $1 AND delivery = $2 AND position > $3 ORDER BY position LIMIT $4",
            );
            Ok(query.bind(job).bind(i64::from(number)).bind(after).bind(PAGE_ROWS).fetch_all(&mut *tx).await?)
        })
    }

    /// Records that a part was published.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn publish_part(&self, number: u32, folder: &str, manifest_sha256: &str) -> Result<(), Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        let (folder, manifest_sha256) = (folder.to_owned(), manifest_sha256.to_owned());
        self.store.run_tx_blocking("delivery.publish", async move |tx| {
            sqlx::query(
                "/* delivery.publish */ UPDATE delivery SET state = 'published', folder = $1, manifest_sha256 = $2 WHERE job = $3 AND number = $4",
            )
            .bind(folder.as_str())
            .bind(manifest_sha256.as_str())
            .bind(job.as_str())
            .bind(i64::from(number))
            .execute(&mut *tx)
            .await?;
            let detail = format!("part {number}: manifest {manifest_sha256}");
            let entry = chain::Entry { job: &job, kdd: "", serial: "", event: "publish-delivery", detail: &detail };
            chain::append(tx, now, &entry).await
        })
    }
}

async fn begun(tx: &mut Conn, job: &str) -> Result<Option<Part>, Error> {
    let row: Option<(i64, i64, String)> = sqlx::query_as(
        "/* delivery.begun */ SELECT number, cards, folder FROM delivery WHERE job = $1 AND state = 'begun'",
    )
    .bind(job)
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|(number, cards, folder)| Part {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        cards: cards.unsigned_abs(),
        folder,
    }))
}
