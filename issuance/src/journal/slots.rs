//! Serials that belong to no chip yet: claimed by lines, given back, or never given out.

use crate::error::Error;
use fuda_store::{Conn, skip_locked};
use sqlx::AssertSqlSafe;

/// Looks for a free serial so often: a line that claims at the same moment may take the one that was found.
const LOOKS_MAX: u32 = 8;

/// Gives a line as many serials as it has rights, lowest first: those that were given back, then new ones below `serials`.
pub(super) async fn claim(tx: &mut Conn, job: &str, line: &str, rights: i64, serials: u64) -> Result<(), Error> {
    let (own,): (i64,) = sqlx::query_as("/* slot.claim */ SELECT COUNT(*) FROM slot WHERE job = $1 AND line = $2")
        .bind(job)
        .bind(line)
        .fetch_one(&mut *tx)
        .await?;
    let wanted = rights - own;
    if wanted <= 0 {
        return Ok(());
    }
    // The one query with two texts: lines that claim at the same time do not wait for each other.
    let text = format!(
        "/* slot.claim */ UPDATE slot SET line = $1 WHERE job = $2 AND line = '' AND position IN \
         (SELECT position FROM slot WHERE job = $2 AND line = '' ORDER BY position LIMIT $3 {})",
        skip_locked(tx)
    );
    let given = sqlx::query(AssertSqlSafe(text)).bind(line).bind(job).bind(wanted).execute(&mut *tx).await?;
    let wanted = wanted - i64::try_from(given.rows_affected()).unwrap_or(i64::MAX);
    let serials = i64::try_from(serials).unwrap_or(i64::MAX);
    let (next,): (i64,) =
        sqlx::query_as("/* slot.claim */ SELECT next FROM pool WHERE job = $1").bind(job).fetch_one(&mut *tx).await?;
    let behind = serials.min(next.saturating_add(wanted.max(0)));
    if behind <= next {
        return Ok(());
    }
    let minted = sqlx::query("/* slot.claim */ UPDATE pool SET next = $1 WHERE job = $2 AND next = $3")
        .bind(behind)
        .bind(job)
        .bind(next)
        .execute(&mut *tx)
        .await?;
    if minted.rows_affected() == 0 {
        // Another line took them; a chip that finds none asks for its own.
        return Ok(());
    }
    for position in next..behind {
        release(tx, job, position, line).await?;
    }
    Ok(())
}

/// Gives serials of a line back, the highest first, until it has so many.
pub(super) async fn give_back(tx: &mut Conn, job: &str, line: &str, keep: i64) -> Result<(), Error> {
    sqlx::query(
        "/* slot.give_back */ UPDATE slot SET line = '' WHERE job = $1 AND line = $2 AND position NOT IN \
         (SELECT position FROM slot WHERE job = $1 AND line = $2 ORDER BY position LIMIT $3)",
    )
    .bind(job)
    .bind(line)
    .bind(keep)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Takes the next serial for a chip: the line's own, one that was given back, or a new one below `serials`.
pub(super) async fn take(tx: &mut Conn, job: &str, line: &str, serials: i64) -> Result<Option<i64>, Error> {
    for _ in 0..LOOKS_MAX {
        let found: Option<(i64, String)> = sqlx::query_as(
            "/* slot.take */ SELECT position, line FROM slot WHERE job = $1 AND line IN ($2, '') \
             ORDER BY CASE WHEN line = '' THEN 1 ELSE 0 END, position LIMIT 1",
        )
        .bind(job)
        .bind(line)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((position, holder)) = found else { break };
        let taken = sqlx::query("/* slot.take */ DELETE FROM slot WHERE job = $1 AND position = $2 AND line = $3")
            .bind(job)
            .bind(position)
            .bind(holder)
            .execute(&mut *tx)
            .await?;
        if taken.rows_affected() > 0 {
            return Ok(Some(position));
        }
    }
    let next: Option<(i64,)> =
        sqlx::query_as("/* slot.take */ UPDATE pool SET next = next + 1 WHERE job = $1 AND next < $2 RETURNING next")
            .bind(job)
            .bind(serials)
            .fetch_optional(&mut *tx)
            .await?;
    Ok(next.map(|(next,)| next - 1))
}

/// Makes a serial free for a chip of a line.
pub(super) async fn release(tx: &mut Conn, job: &str, position: i64, line: &str) -> Result<(), Error> {
    sqlx::query("/* slot.release */ INSERT INTO slot (job, position, line) VALUES ($1, $2, $3)")
        .bind(job)
        .bind(position)
        .bind(line)
        .execute(&mut *tx)
        .await?;
    Ok(())
}
