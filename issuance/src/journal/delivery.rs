//! Deliveries of a job: which cards go in which part, chosen before the folder is written and closed after.

use super::{IssuedCard, Journal, carton, chain};
use crate::error::Error;
use fuda_store::{Conn, clock};

/// Rows read at once: a page of rows stays under a megabyte.
const PAGE_ROWS: i64 = 1_000;

/// Which of the undelivered good cards go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// So many, lowest serials first.
    Lowest(u64),
    /// Those in cartons with these labels.
    Cartons(Vec<String>),
}

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
    /// Chooses the cards of the next part among the sealed cards that are in none. A part that was begun and never published comes back
    /// as it was.
    ///
    /// # Errors
    /// [`Error::Carton`] when the job has no such carton; [`Error::Store`].
    pub fn begin_part(&self, selection: &Selection, folder: &str) -> Result<Part, Error> {
        let (job, now, folder) = (self.job.order.id.clone(), self.store.clock().now(), folder.to_owned());
        let selection = selection.clone();
        self.store.run_tx_blocking("delivery.begin", async move |tx| {
            if let Some(part) = begun(tx, &job).await? {
                return Ok(part);
            }
            let (number,): (i64,) = sqlx::query_as("/* delivery.begin */ SELECT COALESCE(MAX(number), 0) + 1 FROM delivery WHERE job = $1")
                .bind(job.as_str())
                .fetch_one(&mut *tx)
                .await?;
            let cards = choose(tx, &job, number, &selection).await?;
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

    /// Number of sealed cards that are in no part yet and would be chosen, and whether a part was begun and never published.
    ///
    /// # Errors
    /// As [`Journal::begin_part`].
    pub fn deliverable(&self, selection: &Selection) -> Result<(u64, Option<Part>), Error> {
        let (job, selection) = (self.job.order.id.clone(), selection.clone());
        self.store.read_blocking("delivery.deliverable", async move |tx| {
            let cards = match &selection {
                Selection::All | Selection::Lowest(_) => undelivered(tx, &job, None).await?,
                Selection::Cartons(labels) => {
                    carton::require(tx, &job, labels).await?;
                    let mut cards = 0;
                    for label in labels {
                        cards += undelivered(tx, &job, Some(label)).await?;
                    }
                    cards
                }
            };
            Ok((cards, begun(tx, &job).await?))
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
                "/* delivery.cards */ SELECT kdd, serial, position, printed, encoder, operator, issued_at, delivery, carton FROM card \
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

/// Sealed cards in no part: all of them, or those in a carton.
async fn undelivered(tx: &mut Conn, job: &str, label: Option<&str>) -> Result<u64, Error> {
    const ALL: &str =
        "/* delivery.deliverable */ SELECT COUNT(*) FROM card WHERE job = $1 AND state = 'sealed' AND delivery IS NULL";
    const IN_CARTON: &str = "/* delivery.deliverable */ SELECT COUNT(*) FROM card WHERE job = $1 AND carton = $2 AND carton <> '' \
                             AND state = 'sealed' AND delivery IS NULL";
    let query = match label {
        None => sqlx::query_as(ALL).bind(job),
        Some(label) => sqlx::query_as(IN_CARTON).bind(job).bind(label),
    };
    let (cards,): (i64,) = query.fetch_one(&mut *tx).await?;
    Ok(cards.unsigned_abs())
}

/// Sets the cards of a part aside; answers how many.
async fn choose(tx: &mut Conn, job: &str, number: i64, selection: &Selection) -> Result<u64, Error> {
    const LOWEST: &str = "/* delivery.begin */ UPDATE card SET delivery = $1 WHERE job = $2 AND position IN (SELECT position FROM card \
                          WHERE job = $2 AND state = 'sealed' AND delivery IS NULL ORDER BY position LIMIT $3)";
    const IN_CARTON: &str = "/* delivery.begin */ UPDATE card SET delivery = $1 WHERE job = $2 AND carton = $3 AND carton <> '' \
                             AND state = 'sealed' AND delivery IS NULL";
    let lowest = match selection {
        Selection::All => i64::MAX,
        Selection::Lowest(limit) => i64::try_from(*limit).unwrap_or(i64::MAX),
        Selection::Cartons(labels) => {
            carton::require(tx, job, labels).await?;
            let mut cards = 0;
            for label in labels {
                let chosen = sqlx::query(IN_CARTON).bind(number).bind(job).bind(label.as_str());
                cards += chosen.execute(&mut *tx).await?.rows_affected();
            }
            return Ok(cards);
        }
    };
    let chosen = sqlx::query(LOWEST).bind(number).bind(job).bind(lowest);
    Ok(chosen.execute(&mut *tx).await?.rows_affected())
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
