//! `store.commits`: durable transactions a second of one caller, beside the bare syncs that the disk gives.

use crate::doing::Doing;
use crate::machine;
use crate::report::Entry;
use crate::rounds::{Scale, median, number};
use crate::site::Site;
use fuda_cli::Failure;
use fuda_store::{Error, Store};
use std::path::Path;
use std::time::Instant;

/// A database with one small table.
///
/// # Errors
/// When it cannot be made.
pub fn open(folder: &Path) -> Result<Store, Failure> {
    let store = Store::open(&format!("sqlite:{}/commits.db", folder.display())).doing("open a database")?;
    store
        .run_tx_blocking("bench.table", async |tx| {
            sqlx::raw_sql(
                "/* bench.table */ CREATE TABLE tick (number BIGINT NOT NULL PRIMARY KEY, what TEXT NOT NULL)",
            )
            .execute(&mut *tx)
            .await?;
            Ok::<_, Error>(())
        })
        .doing("make a table")?;
    Ok(store)
}

/// One durable transaction with one row.
///
/// # Errors
/// When the database refuses.
pub fn commit(store: &Store, number: i64) -> Result<(), Failure> {
    let insert = async move |tx: &mut fuda_store::Conn| {
        sqlx::query("/* bench.tick */ INSERT INTO tick (number, what) VALUES ($1, $2)")
            .bind(number)
            .bind("a row")
            .execute(&mut *tx)
            .await?;
        Ok::<_, Error>(())
    };
    store.run_tx_blocking("bench.tick", insert).doing("write a row")
}

/// Measures.
///
/// # Errors
/// When the folder cannot be written.
pub fn measure(site: &Site, scale: Scale) -> Result<Entry, Failure> {
    let store = open(site.folder())?;
    let (mut rates, mut syncs, mut total) = (Vec::new(), Vec::new(), 0_i64);
    for _ in 0..scale.rounds() {
        syncs.push(machine::syncs_per_second(site.folder(), scale.round() / 2)?);
        let (since, first) = (Instant::now(), total);
        while since.elapsed() < scale.round() / 2 {
            commit(&store, total)?;
            total += 1;
        }
        rates.push(number((total - first).unsigned_abs()) / since.elapsed().as_secs_f64());
    }
    Ok(Entry {
        name: "store.commits",
        value: median(&rates),
        unit: "commits/s",
        bound: Some(median(&syncs)),
        note: format!("{}; bound: a page + fdatasync, no database", store.durability()),
    })
}
