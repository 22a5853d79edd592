//! `store.sqlite.commits`, `store.postgres.commits`: durable transactions a second of one caller, beside the bare syncs that the disk gives.

use crate::doing::Doing;
use crate::machine;
use crate::report::Entry;
use crate::rounds::{Scale, median, number};
use crate::site::Site;
use fuda_cli::Failure;
use fuda_store::{Error, Options, SchemaPolicy, Store};
use fuda_tests_cluster::Cluster;
use std::path::Path;
use std::time::Instant;

/// A file with one small table.
///
/// # Errors
/// When it cannot be made.
pub fn open(folder: &Path) -> Result<Store, Failure> {
    open_at(&format!("sqlite:{}/commits.db", folder.display()))
}

fn open_at(url: &str) -> Result<Store, Failure> {
    let options = Options { schema: SchemaPolicy::Migrate, ..Options::default() };
    let store = Store::open_with(url, &options).doing("open a database")?;
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

/// Measures a file.
///
/// # Errors
/// When the folder cannot be written.
pub fn measure(site: &Site, scale: Scale) -> Result<Entry, Failure> {
    rounds("store.sqlite.commits", &open(site.folder())?, site.folder(), scale)
}

/// Measures a cluster of our own that syncs, on the same disk.
///
/// # Errors
/// As [`measure`].
pub fn measure_postgres(cluster: &Cluster, scale: Scale) -> Result<Entry, Failure> {
    rounds("store.postgres.commits", &open_at(&cluster.database().url())?, &std::env::temp_dir(), scale)
}

fn rounds(name: &'static str, store: &Store, folder: &Path, scale: Scale) -> Result<Entry, Failure> {
    let (mut rates, mut syncs, mut total) = (Vec::new(), Vec::new(), 0_i64);
    for _ in 0..scale.rounds() {
        syncs.push(machine::syncs_per_second(folder, scale.round() / 2)?);
        let (since, first) = (Instant::now(), total);
        while since.elapsed() < scale.round() / 2 {
            commit(store, total)?;
            total += 1;
        }
        rates.push(number((total - first).unsigned_abs()) / since.elapsed().as_secs_f64());
    }
    Ok(Entry {
        name,
        value: median(&rates),
        unit: "commits/s",
        bound: Some(median(&syncs)),
        note: format!("{}; in {}; bound: a page + fdatasync there, no database", store.durability(), folder.display()),
    })
}
