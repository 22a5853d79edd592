//! Chips that another company's line has been over: known here from its delivery, as a job of theirs that is complete.
//!
//! A job that begins with 1st issuance takes such chips over as it takes over those of a job of its own site.

use super::job::create;
use super::{Journal, NewJob, chain};
use crate::error::Error;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_kms::KeyVersion;
use fuda_store::{Conn, Store, clock, rows};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use std::sync::Arc;

/// Chips in one statement: with seven parameters each far below the 32,766 that SQLite takes.
const CHIPS_PER_PAGE: usize = 500;

/// Number of the delivery that these cards came with: their own line delivered them, ours never does.
const DELIVERED_ELSEWHERE: i64 = 0;

/// Another company's delivery of chips under a transport key.
#[derive(Debug, Clone)]
pub struct ReceivedLot {
    /// Their job, under a name of ours.
    pub job: NewJob,
    /// SHA-256 of their manifest, hex.
    pub manifest_sha256: String,
    /// The key set on every chip: DF, KVN and the version of ours that it comes from.
    pub set: (DfName, Kvn, KeyVersion),
    /// The chips.
    pub chips: Vec<ReceivedChip>,
}

/// A chip of such a delivery.
#[derive(Debug, Clone)]
pub struct ReceivedChip {
    /// Its identity.
    pub kdd: Kdd,
    /// Serial that their line gave it, under a name of ours: their numbers may be those of our cards.
    pub serial: String,
    /// Number printed on it.
    pub printed: String,
    /// Their encoder.
    pub encoder: String,
    /// Their operator.
    pub operator: String,
    /// When they sealed it.
    pub issued_at: Timestamp,
}

impl Journal {
    /// Makes the chips of a lot known, all of them or none.
    ///
    /// # Errors
    /// [`Error::ReceivedBefore`]; [`Error::ChipKnown`] when one of them is known already, [`Error::SerialTaken`] when another chip of this
    /// company has the serial; [`Error::Store`].
    pub fn receive(store: &Store, lot: ReceivedLot) -> Result<Self, Error> {
        let (now, id) = (store.clock().now(), lot.job.id.clone());
        let lot = Arc::new(lot);
        store.run_tx_blocking("job.receive", async move |tx| {
            let job = lot.job.id.as_str();
            let known: Option<(String,)> = sqlx::query_as("/* job.receive */ SELECT created_at FROM job WHERE id = $1")
                .bind(job)
                .fetch_optional(&mut *tx)
                .await?;
            if let Some((at,)) = known {
                return Err(Error::ReceivedBefore { job: job.to_owned(), at });
            }
            create(tx, &lot.job, clock::stored(now)).await?;
            sqlx::query("/* job.receive */ UPDATE job SET state = 'complete' WHERE id = $1")
                .bind(job)
                .execute(&mut *tx)
                .await?;
            // Every card of it is made: no line has anything to make.
            sqlx::query("/* job.receive */ UPDATE pool SET unclaimed = 0 WHERE job = $1")
                .bind(job)
                .execute(&mut *tx)
                .await?;
            for (number, page) in lot.chips.chunks(CHIPS_PER_PAGE).enumerate() {
                refuse_known(tx, page).await?;
                take_serials(tx, page).await?;
                take_chips(tx, job, page).await?;
                take_cards(tx, job, number * CHIPS_PER_PAGE, page).await?;
                take_key_sets(tx, &lot.set, page).await?;
            }
            let detail = format!("{} chips, manifest {}", lot.chips.len(), lot.manifest_sha256);
            chain::append(tx, now, &chain::Entry { job, kdd: "", serial: "", event: "receive", detail: &detail }).await
        })?;
        Self::open(store, &id)
    }
}

async fn refuse_known(tx: &mut Conn, page: &[ReceivedChip]) -> Result<(), Error> {
    let list = (1..=page.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let query = format!("/* job.receive */ SELECT kdd, job FROM chip WHERE kdd IN ({list}) ORDER BY kdd LIMIT 1");
    let mut query = sqlx::query_as(AssertSqlSafe(query));
    for chip in page {
        query = query.bind(chip.kdd.to_string());
    }
    let known: Option<(String, String)> = query.fetch_optional(&mut *tx).await?;
    known.map_or(Ok(()), |(kdd, job)| Err(Error::ChipKnown { kdd, job }))
}

async fn take_serials(tx: &mut Conn, page: &[ReceivedChip]) -> Result<(), Error> {
    let list = (1..=page.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let query = format!("/* job.receive */ SELECT serial FROM serial WHERE serial IN ({list}) ORDER BY serial LIMIT 1");
    let mut query = sqlx::query_as(AssertSqlSafe(query));
    for chip in page {
        query = query.bind(chip.serial.as_str());
    }
    let taken: Option<(String,)> = query.fetch_optional(&mut *tx).await?;
    if let Some((serial,)) = taken {
        return Err(Error::SerialTaken { serial });
    }
    let insert =
        format!("/* job.receive */ INSERT INTO serial (serial, kdd) VALUES {}", rows::placeholders(page.len(), 0, 2));
    let mut insert = sqlx::query(AssertSqlSafe(insert));
    for chip in page {
        insert = insert.bind(chip.serial.as_str()).bind(chip.kdd.to_string());
    }
    insert.execute(&mut *tx).await?;
    Ok(())
}

async fn take_chips(tx: &mut Conn, job: &str, page: &[ReceivedChip]) -> Result<(), Error> {
    let insert =
        format!("/* job.receive */ INSERT INTO chip (job, stage, kdd) VALUES {}", rows::placeholders(page.len(), 2, 1));
    let mut insert = sqlx::query(AssertSqlSafe(insert)).bind(job).bind("zeroth");
    for chip in page {
        insert = insert.bind(chip.kdd.to_string());
    }
    insert.execute(&mut *tx).await?;
    Ok(())
}

async fn take_cards(tx: &mut Conn, job: &str, first: usize, page: &[ReceivedChip]) -> Result<(), Error> {
    let insert = format!(
        "/* job.receive */ INSERT INTO card (job, state, attempt, delivery, kdd, serial, position, printed, encoder, operator, issued_at) \
         VALUES {}",
        rows::placeholders(page.len(), 4, 7)
    );
    let mut insert = sqlx::query(AssertSqlSafe(insert)).bind(job).bind("sealed").bind(1_i64).bind(DELIVERED_ELSEWHERE);
    for (place, chip) in page.iter().enumerate() {
        insert = insert
            .bind(chip.kdd.to_string())
            .bind(chip.serial.as_str())
            .bind(i64::try_from(first + place).unwrap_or(i64::MAX))
            .bind(chip.printed.as_str())
            .bind(chip.encoder.as_str())
            .bind(chip.operator.as_str())
            .bind(clock::stored(chip.issued_at));
    }
    insert.execute(&mut *tx).await?;
    Ok(())
}

/// The census counts these chips too: the transport version is on them.
async fn take_key_sets(
    tx: &mut Conn,
    (df, kvn, key): &(DfName, Kvn, KeyVersion),
    page: &[ReceivedChip],
) -> Result<(), Error> {
    let insert = format!(
        "/* job.receive */ INSERT INTO card_key (df, kvn, key, version, state, card) VALUES {}",
        rows::placeholders(page.len(), 5, 1)
    );
    let mut insert = sqlx::query(AssertSqlSafe(insert))
        .bind(df.to_string())
        .bind(i64::from(kvn.to_u8()))
        .bind(key.name.to_string())
        .bind(i64::from(key.number.get()))
        .bind("proved");
    for chip in page {
        insert = insert.bind(chip.kdd.to_string());
    }
    insert.execute(&mut *tx).await?;
    Ok(())
}
