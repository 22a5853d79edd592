//! What printers were given: the serials of an order, and each copy of its print file.

use super::{Journal, chain};
use crate::error::Error;
use fuda_kms::KeyVersion;
use fuda_store::{Conn, Store, clock, rows};
use sqlx::AssertSqlSafe;
use std::sync::Arc;

/// Serials in one statement: far below the 32,766 parameters that SQLite takes.
pub const SERIALS_PER_PAGE: usize = 500;

/// A print file that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintCopy {
    /// 1, 2, …
    pub copy: u32,
    /// Version of the key that makes the codes.
    pub activation: KeyVersion,
    /// Packages in it.
    pub packages: u64,
    /// The age recipients that can read it, one space between.
    pub recipients: String,
    /// Where it was written.
    pub file: String,
    /// SHA-256 of the encrypted file, hex.
    pub file_sha256: String,
    /// When.
    pub made_at: String,
}

impl Journal {
    /// The copies of the job's print file, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoreContent`] for a row that names no key.
    pub fn print_copies(&self) -> Result<Vec<PrintCopy>, Error> {
        let job = self.job.order.id.clone();
        let rows: Vec<(i64, String, i64, String, String, String, String)> =
            self.store.read_blocking("print.copies", async move |tx| {
                let query = sqlx::query_as(
                    "/* print.copies */ SELECT copy, activation, packages, recipients, file, file_sha256, made_at FROM print_copy \
                     WHERE job = $1 ORDER BY copy",
                );
                Ok::<_, Error>(query.bind(job).fetch_all(&mut *tx).await?)
            })?;
        let copies = rows.into_iter().map(|(copy, activation, packages, recipients, file, file_sha256, made_at)| {
            let unreadable = |_| Error::StoreContent { what: format!("`{activation}` is not a key version") };
            Ok(PrintCopy {
                copy: u32::try_from(copy).unwrap_or(u32::MAX),
                activation: activation.parse().map_err(unreadable)?,
                packages: packages.unsigned_abs(),
                recipients,
                file,
                file_sha256,
                made_at,
            })
        });
        copies.collect()
    }

    /// Gives serials to the job for ever, at most [`SERIALS_PER_PAGE`] at once; those that it has already stay.
    ///
    /// # Errors
    /// [`Error::SerialPrinted`] when another order has one of them; [`Error::Store`].
    pub fn reserve_packages(&self, serials: Vec<String>) -> Result<(), Error> {
        let (job, serials) = (self.job.order.id.clone(), Arc::new(serials));
        self.store.run_tx_blocking("print.reserve", async move |tx| {
            if let Some((serial, other)) = other_holder(tx, &job, &serials).await? {
                return Err(Error::SerialPrinted { serial, job: other });
            }
            let insert = format!(
                "/* print.reserve */ INSERT INTO package (job, serial) VALUES {} ON CONFLICT (serial) DO NOTHING",
                rows::placeholders(serials.len(), 1, 1)
            );
            let mut insert = sqlx::query(AssertSqlSafe(insert)).bind(job.as_str());
            for serial in serials.iter() {
                insert = insert.bind(serial.as_str());
            }
            insert.execute(&mut *tx).await?;
            Ok(())
        })
    }

    /// Records a copy before its file gets its name: a copy that nobody knows of must not exist.
    ///
    /// # Errors
    /// [`Error::PrintedMeanwhile`] when another process made this copy; [`Error::Store`].
    pub fn record_print(&self, copy: PrintCopy) -> Result<(), Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        self.store.run_tx_blocking("print.record", async move |tx| {
            let PrintCopy { copy: number, activation, packages, recipients, file, file_sha256, .. } = &copy;
            let recorded = sqlx::query(
                "/* print.record */ INSERT INTO print_copy (job, copy, activation, packages, recipients, file, file_sha256, made_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (job, copy) DO NOTHING",
            )
            .bind(job.as_str())
            .bind(i64::from(*number))
            .bind(activation.to_string())
            .bind(i64::try_from(*packages).unwrap_or(i64::MAX))
            .bind(recipients.as_str())
            .bind(file.as_str())
            .bind(file_sha256.as_str())
            .bind(clock::stored(now))
            .execute(&mut *tx)
            .await?;
            if recorded.rows_affected() == 0 {
                return Err(Error::PrintedMeanwhile { job, copy: *number });
            }
            let detail = format!("copy {number} for {recipients}: {packages} packages, codes by {activation}, file {file_sha256}");
            let entry = chain::Entry { job: &job, kdd: "", serial: "", event: "print", detail: &detail };
            chain::append(tx, now, &entry).await
        })
    }
}

/// Refuses serials that a printer was given for another order, at most [`SERIALS_PER_PAGE`] at once: their packages exist.
///
/// # Errors
/// [`Error::SerialPrinted`]; [`Error::Store`].
pub fn refuse_printed(store: &Store, job: &str, serials: Vec<String>) -> Result<(), Error> {
    let (job, serials) = (job.to_owned(), Arc::new(serials));
    let found = store.read_blocking("print.refuse", async move |tx| holder_in(tx, "package", &job, &serials).await)?;
    found.map_or(Ok(()), |(serial, job)| Err(Error::SerialPrinted { serial, job }))
}

/// One of the serials that another order has on a chip or at a printer, and that order.
async fn other_holder(tx: &mut Conn, job: &str, serials: &[String]) -> Result<Option<(String, String)>, Error> {
    match holder_in(tx, "package", job, serials).await? {
        None => holder_in(tx, "card", job, serials).await,
        found => Ok(found),
    }
}

/// The same in one of the two tables that have a serial and a job.
async fn holder_in(
    tx: &mut Conn,
    table: &'static str,
    job: &str,
    serials: &[String],
) -> Result<Option<(String, String)>, Error> {
    let list = (2..serials.len() + 2).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    let query = format!(
        "/* print.other */ SELECT serial, job FROM {table} WHERE job <> $1 AND serial IN ({list}) ORDER BY serial LIMIT 1"
    );
    let mut query = sqlx::query_as(AssertSqlSafe(query)).bind(job);
    for serial in serials {
        query = query.bind(serial.as_str());
    }
    Ok(query.fetch_optional(&mut *tx).await?)
}
