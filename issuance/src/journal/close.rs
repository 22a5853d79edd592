//! The close (員数確認): two people count the chips of a job, and every one of them has a name.
//!
//! `drawn = fed + returned`, where fed are the chips that told an identity and those that told none, which only people can count.

use super::{Accounts, Control, Journal, chain, control, job, people};
use crate::error::Error;
use fuda_store::{Conn, clock};

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Chips taken from the stock.
    pub drawn: u64,
    /// Of them, given back untouched.
    pub returned: u64,
    /// Of them, chips in the bin that told no identity.
    pub mute: u64,
}

/// A job that was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The accounts, mute chips included.
    pub accounts: Accounts,
    /// Chips that were begun and are nowhere: identity and serial.
    pub unknown: Vec<(String, String)>,
}

impl Journal {
    /// Closes the job, when every chip that was drawn is accounted for.
    ///
    /// # Errors
    /// [`Error::CloseBalance`] names the difference, [`Error::JobUnfilled`] when cards are still to come and the job is not cancelled,
    /// [`Error::LinesAtWork`], [`Error::SamePerson`], [`Error::JobHeld`] when it is closed already; [`Error::Store`].
    pub fn close(&self, checker: &str, count: Count) -> Result<Closed, Error> {
        self.take_over_the_dead()?;
        let before = self.accounts()?;
        let (job, checker, now) = (self.job.order.id.clone(), checker.to_owned(), self.store.clock().now());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("job.close", async move |tx| {
            let (control, reason) = control::control(tx, &job).await?;
            match control {
                Control::Closed => return Err(Error::JobHeld { job, control, reason }),
                Control::Cancelled => {}
                Control::Go | Control::Paused if before.unfilled > 0 => {
                    return Err(Error::JobUnfilled { job, unfilled: before.unfilled });
                }
                Control::Go | Control::Paused => {}
            }
            people::other_than_the_crew(tx, &job, &checker).await?;
            let (lines,): (i64,) = sqlx::query_as("/* job.close */ SELECT COUNT(*) FROM line WHERE job = $1")
                .bind(job.as_str())
                .fetch_one(&mut *tx)
                .await?;
            if lines > 0 {
                return Err(Error::LinesAtWork { job });
            }
            let (named,): (i64,) = sqlx::query_as(
                "/* job.close */ SELECT COUNT(*) FROM (SELECT kdd FROM card WHERE job = $1 UNION \
                 SELECT kdd FROM reject WHERE job = $1 AND kdd <> '') AS named",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            let named = named.unsigned_abs();
            if count.drawn != named + count.mute + count.returned {
                return Err(Error::CloseBalance { job, count, named });
            }
            name_the_mute(tx, &job, job::count(count.mute)?).await?;
            sqlx::query("/* job.close */ INSERT INTO job_close (job, checker, drawn, returned, mute, at) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(job.as_str())
                .bind(checker.as_str())
                .bind(job::count(count.drawn)?)
                .bind(job::count(count.returned)?)
                .bind(job::count(count.mute)?)
                .bind(clock::stored(now))
                .execute(&mut *tx)
                .await?;
            sqlx::query("/* job.close */ UPDATE job SET control = 'closed' WHERE id = $1")
                .bind(job.as_str())
                .execute(&mut *tx)
                .await?;
            let Count { drawn, returned, mute } = count;
            let detail = format!("{drawn} drawn = {named} named + {mute} mute + {returned} returned, by {checker}");
            let entry = chain::Entry { job: &job, kdd: "", serial: "", event: "close", detail: &detail };
            chain::append(tx, now, &entry).await
        })?;
        Ok(Closed { accounts: self.accounts()?, unknown: self.unknown()? })
    }

    /// Chips that were begun and are neither good nor rejected: identity and serial, in the order of their serials.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn unknown(&self) -> Result<Vec<(String, String)>, Error> {
        self.named("/* card.unknown */ SELECT kdd, serial FROM card WHERE job = $1 AND state NOT IN ('sealed', 'rejected') ORDER BY position")
    }

    /// Serials that no card will have: each stays with the rejected chip or sample that it was bound to. Identity and serial.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn withdrawn(&self) -> Result<Vec<(String, String)>, Error> {
        self.named(
            "/* card.withdrawn */ SELECT kdd, serial FROM card WHERE job = $1 AND state = 'rejected' ORDER BY position",
        )
    }

    fn named(&self, sql: &'static str) -> Result<Vec<(String, String)>, Error> {
        let job = self.job.order.id.clone();
        self.store
            .read_blocking("card.named", async move |tx| Ok(sqlx::query_as(sql).bind(job).fetch_all(&mut *tx).await?))
    }
}

/// Lets the bin hold as many nameless chips as people counted. The line only saw contacts: the same chip may have made several, and a chip
/// that does not start makes none.
async fn name_the_mute(tx: &mut Conn, job: &str, mute: i64) -> Result<(), Error> {
    sqlx::query(
        "/* job.close */ DELETE FROM reject WHERE job = $1 AND kdd = '' AND seq NOT IN \
         (SELECT seq FROM reject WHERE job = $1 AND kdd = '' ORDER BY seq LIMIT $2)",
    )
    .bind(job)
    .bind(mute)
    .execute(&mut *tx)
    .await?;
    let (named,): (i64,) = sqlx::query_as("/* job.close */ SELECT COUNT(*) FROM reject WHERE job = $1 AND kdd = ''")
        .bind(job)
        .fetch_one(&mut *tx)
        .await?;
    for _ in named..mute {
        sqlx::query(
            "/* job.close */ INSERT INTO reject (job, seq, kdd, serial, class, code, step, sw, encoder, attempt, live_keys, disposition) \
             SELECT $1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM reject WHERE job = $1), '', '', 'reader', 'CARD_MUTE', 'counted at close', \
             '', '-', 1, 0, 'foreign'",
        )
        .bind(job)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
