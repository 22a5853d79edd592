//! A line's lease on a job: how many cards it may still make good, which serials it gives to new chips, and that it lives.
//!
//! Every card of the order that is not good yet is a *right*: a line holds it, or the pool does. A right is spent when a card is sealed, so
//! however many lines work, no card is made too many. Serials are claimed ahead in slots, and a takeover moves only those: a chip that was
//! begun keeps its serial and is finished by whichever line meets it.
//!
//! A line holds a lock of its own name, which goes with its process; it is taken over when it has been silent for [`SILENT`] and the lock is
//! free, or for [`LOST`] in any case. Nothing rests on the clock: each statement compares what it changes.

use super::{Age, Journal, age, slots};
use crate::error::Error;
use fuda_store::{Conn, Lock, clock};
use jiff::{SignedDuration, Timestamp};

/// Lines on one job at the same time: the largest hall has fewer benches.
const LINES_MAX: u32 = 64;
/// A line says each second that it lives: two of them missed, and its lock is looked at.
const SILENT: SignedDuration = SignedDuration::from_secs(3);
/// A line that was silent for so long is gone, whatever holds its lock: longer than a line waits for a server that is away.
const LOST: SignedDuration = SignedDuration::from_secs(60);

/// Who works at a line.
#[derive(Debug, Clone)]
pub struct Crew {
    /// The operator.
    pub operator: String,
    /// The machine.
    pub host: String,
    /// Its encoders.
    pub encoders: Vec<String>,
}

/// The right to work on a job, until it is dropped.
#[derive(Debug)]
pub struct Lease {
    pub(super) journal: Journal,
    pub(super) line: String,
    _lock: Lock,
}

/// What a line learns when it says that it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// What people want of the lines.
    pub control: Control,
    /// Good cards still to come that may be made now, by any line: none of them beyond the first articles before these are approved.
    pub wanted: u64,
    /// Of them, those that no line holds.
    pub unclaimed: u64,
    /// Encoders of this line that are in service.
    pub working: Vec<String>,
    /// The store's age, which grows with each sign of life.
    pub age: Age,
    /// Position from which on no serial of the job was ever given out.
    pub next: u64,
}

/// What people want of the lines of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Make cards.
    Go,
    /// Take no card until it is continued.
    Paused,
    /// Make no card any more.
    Cancelled,
    /// Counted and signed: nothing changes any more.
    Closed,
}

impl Control {
    /// The word in the store and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Paused => "paused",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
        }
    }

    pub(super) fn of(word: &str) -> Result<Self, Error> {
        let all = [Self::Go, Self::Paused, Self::Cancelled, Self::Closed];
        let found = all.into_iter().find(|control| control.as_str() == word);
        found.ok_or_else(|| Error::StoreContent { what: format!("`{word}` is no control of a job") })
    }
}

impl Journal {
    /// Joins the lines of the job. What an earlier line of the same number left behind is free again.
    ///
    /// # Errors
    /// [`Error::LinesTooMany`]; [`Error::Store`].
    pub fn join(&self, crew: &Crew) -> Result<Lease, Error> {
        Age::of(&self.store)?;
        let (line, lock) = self.free_line()?;
        let (job, id, crew) = (self.job.order.id.clone(), line.clone(), crew.clone());
        let now = clock::stored(self.store.clock().now());
        self.store.part(&line).run_tx_blocking("line.join", async move |tx| {
            forget(tx, &job, &id, None).await?;
            sqlx::query(
                "/* line.join */ INSERT INTO line (id, job, operator, host, pid, rights, begun_at, beat_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)",
            )
            .bind(id.as_str())
            .bind(job.as_str())
            .bind(crew.operator.as_str())
            .bind(crew.host.as_str())
            .bind(i64::from(std::process::id()))
            .bind(now.as_str())
            .execute(&mut *tx)
            .await?;
            sqlx::query("/* line.join */ INSERT INTO crew (job, operator) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(job.as_str())
                .bind(crew.operator.as_str())
                .execute(&mut *tx)
                .await?;
            for encoder in &crew.encoders {
                sqlx::query("/* line.join */ INSERT INTO encoder (line, name, state, since) VALUES ($1, $2, 'working', $3)")
                    .bind(id.as_str())
                    .bind(encoder.as_str())
                    .bind(now.as_str())
                    .execute(&mut *tx)
                    .await?;
            }
            Ok::<_, Error>(())
        })?;
        Ok(Lease { journal: self.clone(), line, _lock: lock })
    }

    /// Takes what dead lines of the job held back into the pool; true when there was any. A line that lives holds its lock, this process' own
    /// included.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn take_over_the_dead(&self) -> Result<bool, Error> {
        let job = self.job.order.id.clone();
        let lines: Vec<(String, String)> = self.store.read_blocking("line.signs", async move |tx| {
            let query = sqlx::query_as("/* line.signs */ SELECT id, beat_at FROM line WHERE job = $1");
            Ok::<_, Error>(query.bind(job).fetch_all(&mut *tx).await?)
        })?;
        let mut found = false;
        for (line, beat_at) in lines {
            let silent = silence(self.store.clock().now(), &beat_at)?;
            // Held until the takeover is done, so that nobody joins under this name meanwhile.
            let lock = if silent > SILENT { self.store.try_lock(&line)? } else { None };
            if lock.is_some() || silent > LOST {
                let job = self.job.order.id.clone();
                self.store
                    .run_tx_blocking("line.take_over", async move |tx| forget(tx, &job, &line, Some(&beat_at)).await)?;
                found = true;
            }
        }
        Ok(found)
    }

    /// The lowest number that no process works under.
    fn free_line(&self) -> Result<(String, Lock), Error> {
        let job = &self.job.order.id;
        for number in 1..=LINES_MAX {
            let line = format!("{job}~{number}");
            if let Some(lock) = self.store.try_lock(&line)? {
                return Ok((line, lock));
            }
        }
        Err(Error::LinesTooMany { job: job.clone(), lines: LINES_MAX })
    }
}

impl Lease {
    /// Name of the line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Claims the right to make so many cards more, and serials for them; answers how many were free.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another line took this one for dead; [`Error::Store`].
    pub fn claim(&self, cards: u64) -> Result<u64, Error> {
        let claimed = self.try_claim(cards)?;
        if claimed == 0 && self.journal.take_over_the_dead()? { self.try_claim(cards) } else { Ok(claimed) }
    }

    fn try_claim(&self, cards: u64) -> Result<u64, Error> {
        let (job, line) = (self.journal.job.order.id.clone(), self.line.clone());
        let serials = self.journal.job.order.quantity + self.journal.job.order.spares;
        self.journal.store.part(&self.line).run_tx_blocking("line.claim", async move |tx| {
            let free = free(tx, &job).await?;
            let claimed = free.unclaimed.saturating_sub(free.held_back).min(i64::try_from(cards).unwrap_or(i64::MAX));
            if claimed == 0 {
                return Ok(0);
            }
            let held: Option<(i64,)> =
                sqlx::query_as("/* line.claim */ UPDATE line SET rights = rights + $1 WHERE id = $2 RETURNING rights")
                    .bind(claimed)
                    .bind(line.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
            let (rights,) = held.ok_or_else(|| Error::LeaseLost { line: line.clone() })?;
            let taken = sqlx::query(
                "/* line.claim */ UPDATE pool SET unclaimed = unclaimed - $1 WHERE job = $2 AND unclaimed = $3",
            )
            .bind(claimed)
            .bind(job.as_str())
            .bind(free.unclaimed)
            .execute(&mut *tx)
            .await?;
            if taken.rows_affected() == 0 {
                // Another line has claimed since: this one asks again.
                sqlx::query("/* line.claim */ UPDATE line SET rights = rights - $1 WHERE id = $2")
                    .bind(claimed)
                    .bind(line)
                    .execute(&mut *tx)
                    .await?;
                return Ok(0);
            }
            slots::claim(tx, &job, &line, rights, serials).await?;
            Ok(claimed.unsigned_abs())
        })
    }

    /// Gives rights back that no card in hand needs, with their serials, so that another line may use them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn give_back(&self, cards: u64) -> Result<(), Error> {
        let (job, line) = (self.journal.job.order.id.clone(), self.line.clone());
        let cards = i64::try_from(cards).unwrap_or(i64::MAX);
        self.journal.store.part(&self.line).run_tx_blocking("line.give_back", async move |tx| {
            let left: Option<(i64,)> = sqlx::query_as(
                "/* line.give_back */ UPDATE line SET rights = rights - $1 WHERE id = $2 AND rights >= $1 RETURNING rights",
            )
            .bind(cards)
            .bind(line.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            let Some((rights,)) = left else { return Ok(()) };
            restore(tx, &job, cards).await?;
            slots::give_back(tx, &job, &line, rights).await
        })
    }

    /// Says that the line lives, and hears what people want.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another line took this one for dead; [`Error::Store`].
    pub fn beat(&self) -> Result<Beat, Error> {
        let (job, line) = (self.journal.job.order.id.clone(), self.line.clone());
        let now = clock::stored(self.journal.store.clock().now());
        self.journal.store.part(&self.line).run_tx_blocking("line.beat", async move |tx| {
            let lives = sqlx::query("/* line.beat */ UPDATE line SET beat_at = $1 WHERE id = $2")
                .bind(now)
                .bind(line.as_str())
                .execute(&mut *tx)
                .await?;
            if lives.rows_affected() == 0 {
                return Err(Error::LeaseLost { line });
            }
            let (control,): (String,) = sqlx::query_as("/* line.beat */ SELECT control FROM job WHERE id = $1")
                .bind(job.as_str())
                .fetch_one(&mut *tx)
                .await?;
            let (held,): (i64,) = sqlx::query_as(
                "/* line.beat */ SELECT CAST(COALESCE(SUM(rights), 0) AS BIGINT) FROM line WHERE job = $1",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            let working: Vec<(String,)> =
                sqlx::query_as("/* line.beat */ SELECT name FROM encoder WHERE line = $1 AND state = 'working'")
                    .bind(line.as_str())
                    .fetch_all(&mut *tx)
                    .await?;
            let age = age::grow(tx).await?;
            let free = free(tx, &job).await?;
            let unclaimed = free.unclaimed.saturating_sub(free.held_back).max(0);
            Ok(Beat {
                control: Control::of(&control)?,
                wanted: (unclaimed + held).unsigned_abs(),
                unclaimed: unclaimed.unsigned_abs(),
                working: working.into_iter().map(|(name,)| name).collect(),
                age,
                next: free.next.unsigned_abs(),
            })
        })
    }

    /// Leaves the job: what was not used is free for others.
    ///
    /// # Errors
    /// [`Error::Store`]; then the next line of this number, or one that finds it silent, does it.
    pub fn leave(self) -> Result<(), Error> {
        let (job, line) = (self.journal.job.order.id.clone(), self.line.clone());
        let store = self.journal.store.clone();
        store.part(&self.line).run_tx_blocking("line.leave", async move |tx| forget(tx, &job, &line, None).await)
    }
}

/// Time since a line last said that it lives.
fn silence(now: Timestamp, beat_at: &str) -> Result<SignedDuration, Error> {
    let last: Timestamp =
        beat_at.parse().map_err(|_| Error::StoreContent { what: format!("`{beat_at}` is no time") })?;
    Ok(now.duration_since(last))
}

/// What no line holds.
pub(super) struct Free {
    pub(super) unclaimed: i64,
    pub(super) next: i64,
    /// Of them, those that wait until the first articles are approved.
    pub(super) held_back: i64,
}

pub(super) async fn free(tx: &mut Conn, job: &str) -> Result<Free, Error> {
    let (unclaimed, next, held_back): (i64, i64, i64) = sqlx::query_as(
        "/* line.free */ SELECT unclaimed, next, CASE WHEN approved_by = '' AND first_article > 0 AND first_article < quantity \
         THEN quantity - first_article ELSE 0 END FROM pool JOIN job ON job.id = pool.job WHERE pool.job = $1",
    )
    .bind(job)
    .fetch_one(&mut *tx)
    .await?;
    Ok(Free { unclaimed, next, held_back })
}

/// Gives rights back to the pool.
pub(super) async fn restore(tx: &mut Conn, job: &str, rights: i64) -> Result<(), Error> {
    sqlx::query("/* line.restore */ UPDATE pool SET unclaimed = unclaimed + $1 WHERE job = $2")
        .bind(rights)
        .bind(job)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Ends a line: its rights and serials are the pool's again. `seen` names the last sign of life on which that was decided: a line that has
/// given another one since is left alone.
async fn forget(tx: &mut Conn, job: &str, line: &str, seen: Option<&str>) -> Result<(), Error> {
    let gone: Option<(i64,)> = sqlx::query_as(
        "/* line.forget */ DELETE FROM line WHERE id = $1 AND ($2 = '' OR beat_at = $2) RETURNING rights",
    )
    .bind(line)
    .bind(seen.unwrap_or_default())
    .fetch_optional(&mut *tx)
    .await?;
    let Some((rights,)) = gone else { return Ok(()) };
    sqlx::query("/* line.forget */ DELETE FROM encoder WHERE line = $1").bind(line).execute(&mut *tx).await?;
    restore(tx, job, rights).await?;
    slots::give_back(tx, job, line, 0).await
}

/// Spends a right on a card that is about to be sealed: the line's, or, when it was taken for dead meanwhile, one that nobody holds.
///
/// # Errors
/// [`Error::OrderFull`] when every card of the order is good or in the hands of others.
pub(super) async fn spend(tx: &mut Conn, job: &str, line: &str) -> Result<(), Error> {
    let own = sqlx::query("/* line.spend */ UPDATE line SET rights = rights - 1 WHERE id = $1 AND rights > 0")
        .bind(line)
        .execute(&mut *tx)
        .await?;
    if own.rows_affected() > 0 {
        return Ok(());
    }
    let free =
        sqlx::query("/* line.spend */ UPDATE pool SET unclaimed = unclaimed - 1 WHERE job = $1 AND unclaimed > 0")
            .bind(job)
            .execute(&mut *tx)
            .await?;
    if free.rows_affected() > 0 { Ok(()) } else { Err(Error::OrderFull { job: job.to_owned() }) }
}
