//! The journal's entries: append only, each with the hash of the one before.

use super::rows;
use crate::error::Error;
use fuda_store::{Conn, clock};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

/// Ends each field inside the hash, so that no two entries hash the same text: ASCII unit separator, which no field contains.
const FIELD_END: [u8; 1] = [0x1F];

/// One thing that happened, before it has a number and a hash.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) job: &'a str,
    pub(crate) kdd: &'a str,
    pub(crate) serial: &'a str,
    pub(crate) event: &'a str,
    pub(crate) detail: &'a str,
}

/// The hash that stands before the first entry of a job: it names the job, so chains of two jobs never meet.
pub(crate) fn start(job: &str) -> String {
    hex::encode_upper(Sha256::digest(job.as_bytes()))
}

/// Hash of an entry that follows `previous`.
fn link(previous: &str, seq: i64, entry: &Entry<'_>, at: &str) -> String {
    let mut hash = Sha256::new();
    for field in [previous, entry.job, &seq.to_string(), entry.kdd, entry.serial, entry.event, entry.detail, at] {
        hash.update(field.as_bytes());
        hash.update(FIELD_END);
    }
    hex::encode_upper(hash.finalize())
}

/// Appends an entry inside the caller's transaction.
pub(crate) async fn append(tx: &mut Conn, now: Timestamp, entry: &Entry<'_>) -> Result<(), Error> {
    append_all(tx, now, entry.job, std::slice::from_ref(entry)).await
}

/// Appends entries of one job, in their order, inside the caller's transaction: three statements however many they are.
pub(crate) async fn append_all(tx: &mut Conn, now: Timestamp, job: &str, entries: &[Entry<'_>]) -> Result<(), Error> {
    let (mut seq, mut last): (i64, String) =
        sqlx::query_as("/* journal.append */ SELECT entries, chain_sha256 FROM job WHERE id = $1")
            .bind(job)
            .fetch_one(&mut *tx)
            .await?;
    let at = clock::stored(now);
    let insert = format!(
        "/* journal.append */ INSERT INTO journal (job, at, seq, kdd, serial, event, detail, hash) VALUES {}",
        rows::placeholders(entries.len(), 2, 6)
    );
    let mut insert = sqlx::query(AssertSqlSafe(insert)).bind(job).bind(at.as_str());
    for entry in entries {
        seq += 1;
        last = link(&last, seq, entry, &at);
        insert =
            insert.bind(seq).bind(entry.kdd).bind(entry.serial).bind(entry.event).bind(entry.detail).bind(last.clone());
    }
    insert.execute(&mut *tx).await?;
    sqlx::query("/* journal.append */ UPDATE job SET entries = $1, chain_sha256 = $2 WHERE id = $3")
        .bind(seq)
        .bind(last)
        .bind(job)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Recomputes the chain of a job from its entries.
///
/// # Errors
/// [`Error::ChainBroken`] with the number of the first entry that does not follow from the one before, or 0 when the job's own record of
/// the end differs.
pub(crate) async fn check(tx: &mut Conn, job: &str) -> Result<(), Error> {
    let broken = |seq: i64| Error::ChainBroken { job: job.to_owned(), seq };
    let rows: Vec<(i64, String, String, String, String, String, String)> = sqlx::query_as(
        "/* journal.check */ SELECT seq, kdd, serial, event, detail, at, hash FROM journal WHERE job = $1 ORDER BY seq",
    )
    .bind(job)
    .fetch_all(&mut *tx)
    .await?;
    let mut last = start(job);
    for (expected, (seq, kdd, serial, event, detail, at, hash)) in (1..).zip(&rows) {
        let entry = Entry { job, kdd, serial, event, detail };
        if *seq != expected || *hash != link(&last, *seq, &entry, at) {
            return Err(broken(expected));
        }
        last.clone_from(hash);
    }
    let (end,): (String,) = sqlx::query_as("/* journal.check */ SELECT chain_sha256 FROM job WHERE id = $1")
        .bind(job)
        .fetch_one(&mut *tx)
        .await?;
    if end == last { Ok(()) } else { Err(broken(0)) }
}
