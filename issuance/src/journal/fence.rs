//! The fence around what a restored store has forgotten: serials that left in deliveries are never given to a chip again, counters stand
//! above every position that a line may have used, and an officer signed for it.

use super::age::Age;
use crate::delivery::Received;
use crate::error::Error;
use fuda_store::{Conn, Store, clock};
use std::collections::BTreeMap;

/// What an officer signs.
#[derive(Debug, Clone)]
pub struct Fence {
    /// Who.
    pub officer: String,
    /// The facts as they are signed.
    pub facts: String,
    /// The receipt key's version.
    pub key: String,
    /// r and s, hex.
    pub signature: String,
    /// Deliveries that the store does not know.
    pub deliveries: Vec<Received>,
    /// Positions below which a line may have used serials, by job.
    pub positions: BTreeMap<String, u64>,
    /// The age that is remembered outside; the store becomes older than that.
    pub generation: u64,
}

/// What the store knows of deliveries: sums of manifests, and (job, number) of parts that were begun.
#[derive(Debug, Clone, Default)]
pub struct KnownDeliveries {
    manifests: Vec<String>,
    begun: Vec<(String, i64)>,
}

impl KnownDeliveries {
    /// Reads them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn of(store: &Store) -> Result<Self, Error> {
        store.read_blocking("fence.known", async |tx| {
            let manifests: Vec<(String,)> = sqlx::query_as(
                "/* fence.known */ SELECT manifest_sha256 FROM delivery WHERE state = 'published' UNION SELECT manifest_sha256 FROM fenced_delivery",
            )
            .fetch_all(&mut *tx)
            .await?;
            let begun = sqlx::query_as("/* fence.known */ SELECT job, number FROM delivery WHERE state = 'begun'")
                .fetch_all(&mut *tx)
                .await?;
            Ok(Self { manifests: manifests.into_iter().map(|(sum,)| sum).collect(), begun })
        })
    }

    /// Whether a delivery is the store's own.
    #[must_use]
    pub fn has(&self, manifest_sha256: &str, job: &str, number: u32) -> bool {
        self.manifests.iter().any(|known| known == manifest_sha256)
            || self.begun.iter().any(|(of, part)| of == job && *part == i64::from(number))
    }
}

impl Fence {
    /// Puts the fence up; answers how many serials are fenced that the store did not know.
    ///
    /// # Errors
    /// [`Error::SerialTaken`] when a serial of a delivery belongs to another chip here: then cards were made twice; [`Error::Store`].
    pub fn raise(self, store: &Store) -> Result<u64, Error> {
        Age::of(store)?;
        let now = clock::stored(store.clock().now());
        store.run_tx_blocking("fence.raise", async move |tx| {
            let (number,): (i64,) =
                sqlx::query_as("/* fence.raise */ SELECT COALESCE(MAX(number), 0) + 1 FROM fence").fetch_one(&mut *tx).await?;
            sqlx::query("/* fence.raise */ INSERT INTO fence (number, officer, facts, key, signature, at) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(number)
                .bind(self.officer.as_str())
                .bind(self.facts.as_str())
                .bind(self.key.as_str())
                .bind(self.signature.as_str())
                .bind(now.as_str())
                .execute(&mut *tx)
                .await?;
            let mut fenced = 0;
            for delivery in &self.deliveries {
                for card in &delivery.cards {
                    let kdd = card.chip_id.to_string();
                    match fence_serial(tx, number, &card.serial, &kdd).await? {
                        Fenced::Forgotten => fenced += 1,
                        Fenced::Known => delivered(tx, delivery, &kdd).await?,
                    }
                }
                fence_delivery(tx, number, delivery).await?;
            }
            for (job, next) in &self.positions {
                sqlx::query("/* fence.raise */ UPDATE pool SET next = $1 WHERE job = $2 AND next < $1")
                    .bind(i64::try_from(*next).unwrap_or(i64::MAX))
                    .bind(job.as_str())
                    .execute(&mut *tx)
                    .await?;
                // What was given back before is below the counter, and the store does not know what became of it since.
                sqlx::query("/* fence.raise */ DELETE FROM slot WHERE job = $1").bind(job.as_str()).execute(&mut *tx).await?;
            }
            sqlx::query("/* fence.raise */ UPDATE store_age SET generation = $1 WHERE one = 1 AND generation < $1")
                .bind(i64::try_from(self.generation).unwrap_or(i64::MAX))
                .execute(&mut *tx)
                .await?;
            super::age::grow(tx).await?;
            Ok(fenced)
        })
    }
}

/// What a store knows of a serial on a card that left.
enum Fenced {
    /// Nothing: it is fenced now.
    Forgotten,
    /// Its chip; that it left may be forgotten.
    Known,
}

/// Notes that a card left, which the store knows and did not deliver.
async fn delivered(tx: &mut Conn, delivery: &Received, kdd: &str) -> Result<(), Error> {
    sqlx::query("/* fence.delivered */ UPDATE card SET delivery = $1 WHERE job = $2 AND kdd = $3 AND delivery IS NULL AND state = 'sealed'")
        .bind(i64::from(delivery.manifest.delivery.number))
        .bind(delivery.manifest.facts.order.id.as_str())
        .bind(kdd)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Fences one serial.
async fn fence_serial(tx: &mut Conn, fence: i64, serial: &str, kdd: &str) -> Result<Fenced, Error> {
    let taken = sqlx::query(
        "/* fence.serial */ INSERT INTO serial (serial, kdd) VALUES ($1, $2) ON CONFLICT (serial) DO NOTHING",
    )
    .bind(serial)
    .bind(kdd)
    .execute(&mut *tx)
    .await?;
    if taken.rows_affected() > 0 {
        sqlx::query("/* fence.serial */ INSERT INTO fenced_serial (serial, kdd, fence) VALUES ($1, $2, $3)")
            .bind(serial)
            .bind(kdd)
            .bind(fence)
            .execute(&mut *tx)
            .await?;
        return Ok(Fenced::Forgotten);
    }
    let (holder,): (String,) = sqlx::query_as("/* fence.serial */ SELECT kdd FROM serial WHERE serial = $1")
        .bind(serial)
        .fetch_one(&mut *tx)
        .await?;
    if holder == kdd { Ok(Fenced::Known) } else { Err(Error::SerialTaken { serial: serial.to_owned() }) }
}

async fn fence_delivery(tx: &mut Conn, fence: i64, delivery: &Received) -> Result<(), Error> {
    let (job, number) = (delivery.manifest.facts.order.id.as_str(), i64::from(delivery.manifest.delivery.number));
    let sum = delivery.manifest_sha256.to_string();
    sqlx::query("/* fence.delivery */ INSERT INTO fenced_delivery (manifest_sha256, job, number, fence) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(sum.as_str())
        .bind(job)
        .bind(number)
        .bind(fence)
        .execute(&mut *tx)
        .await?;
    // The next part of a job that the store knows does not get a number that is used.
    sqlx::query(
        "/* fence.delivery */ INSERT INTO delivery (job, number, cards, state, folder, manifest_sha256, begun_at) \
         SELECT id, $1, $2, 'published', 'fenced', $3, created_at FROM job WHERE id = $4 ON CONFLICT DO NOTHING",
    )
    .bind(number)
    .bind(i64::try_from(delivery.manifest.delivery.cards).unwrap_or(i64::MAX))
    .bind(sum)
    .bind(job)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Whether a serial is fenced.
pub(super) async fn holds(tx: &mut Conn, serial: &str) -> Result<bool, Error> {
    let (fenced,): (i64,) = sqlx::query_as("/* fence.holds */ SELECT COUNT(*) FROM fenced_serial WHERE serial = $1")
        .bind(serial)
        .fetch_one(&mut *tx)
        .await?;
    Ok(fenced > 0)
}
