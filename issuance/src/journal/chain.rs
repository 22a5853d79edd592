//! The journal's entries: append only, each with the hash of the one before.

use crate::error::Error;
use fuda_store::rows;
use fuda_store::{Conn, clock};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

/// Ends each field inside the hash, so that no two entries hash the same text: ASCII unit separator, which no field contains.
const FIELD_END: [u8; 1] = [0x1F];

/// Entries that are read at once: a hundred thousand cards have six hundred thousand, which are not held in memory together.
const CHECKED_AT_ONCE: i64 = 2_000;

/// The clocks of two lines that a time service sets, and the steps by which it corrects one of them, lie below this. What is within is
/// written as the time of the entry before.
const CLOCKS_DIFFER_MAX: SignedDuration = SignedDuration::from_secs(1);

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
///
/// Their time is never earlier than that of the entry before, but where an entry of its own says that the clock was put back.
pub(crate) async fn append_all(tx: &mut Conn, now: Timestamp, job: &str, entries: &[Entry<'_>]) -> Result<(), Error> {
    let (mut seq, mut last, newest): (i64, String, Option<String>) = sqlx::query_as(
        "/* journal.append */ SELECT entries, chain_sha256, (SELECT at FROM journal WHERE job = $1 AND seq = job.entries) \
         FROM job WHERE id = $1",
    )
    .bind(job)
    .fetch_one(&mut *tx)
    .await?;
    let Time { at, put_back } = time_behind(newest, now);
    let put_back = put_back.as_deref().map(|detail| Entry { job, kdd: "", serial: "", event: "clock", detail });
    let entries: Vec<&Entry<'_>> = put_back.iter().chain(entries).collect();
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

/// Whether the newest entry of a journal is so far ahead of `now` that the clock must have been put back.
pub(crate) fn is_ahead(newest: Timestamp, now: Timestamp) -> bool {
    newest.duration_since(now) > CLOCKS_DIFFER_MAX
}

/// The time of an entry.
struct Time {
    at: String,
    /// What is said of a clock that was put back.
    put_back: Option<String>,
}

fn time_behind(newest: Option<String>, now: Timestamp) -> Time {
    let at = clock::stored(now);
    match newest {
        // Text of fixed width: its order is that of time.
        Some(newest) if newest > at => match newest.parse() {
            Ok(time) if !is_ahead(time, now) => Time { at: newest, put_back: None },
            _ => Time { put_back: Some(format!("put back from {newest} to {at}")), at },
        },
        _ => Time { at, put_back: None },
    }
}

/// Recomputes the chain of a job from its entries.
///
/// # Errors
/// [`Error::ChainBroken`] with the number of the first entry that does not follow from the one before, or 0 when the job's own record of
/// the end differs.
pub(crate) async fn check(tx: &mut Conn, job: &str) -> Result<(), Error> {
    let broken = |seq: i64| Error::ChainBroken { job: job.to_owned(), seq };
    let (mut last, mut checked) = (start(job), 0);
    loop {
        let rows: Vec<(i64, String, String, String, String, String, String)> = sqlx::query_as(
            "/* journal.check */ SELECT seq, kdd, serial, event, detail, at, hash FROM journal WHERE job = $1 AND seq > $2 \
             ORDER BY seq LIMIT $3",
        )
        .bind(job)
        .bind(checked)
        .bind(CHECKED_AT_ONCE)
        .fetch_all(&mut *tx)
        .await?;
        if rows.is_empty() {
            break;
        }
        for (seq, kdd, serial, event, detail, at, hash) in rows {
            checked += 1;
            let entry = Entry { job, kdd: &kdd, serial: &serial, event: &event, detail: &detail };
            if seq != checked || hash != link(&last, seq, &entry, &at) {
                return Err(broken(checked));
            }
            last = hash;
        }
    }
    let (end,): (String,) = sqlx::query_as("/* journal.check */ SELECT chain_sha256 FROM job WHERE id = $1")
        .bind(job)
        .fetch_one(&mut *tx)
        .await?;
    if end == last { Ok(()) } else { Err(broken(0)) }
}

#[cfg(test)]
mod tests {
    use super::{Time, time_behind};

    #[test]
    fn a_time_is_held_for_a_second_and_a_clock_put_back_is_told() {
        let behind = |newest: &str, now: &str| {
            let Time { at, put_back } = time_behind(Some(newest.to_owned()), now.parse().unwrap());
            (at, put_back.is_some())
        };
        let noon = "2026-04-17T12:00:00.000Z";
        assert_eq!(behind(noon, "2026-04-17T12:00:00.001Z"), ("2026-04-17T12:00:00.001Z".to_owned(), false));
        assert_eq!(behind(noon, "2026-04-17T11:59:59.000Z"), (noon.to_owned(), false));
        assert_eq!(behind(noon, "2026-04-17T11:59:58.999Z"), ("2026-04-17T11:59:58.999Z".to_owned(), true));
        assert!(behind("no time", "2026-04-17T11:59:58.999Z").1);
        assert_eq!(time_behind(None, noon.parse().unwrap()).at, noon);
    }
}
