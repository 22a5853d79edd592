//! What people say about a job: approved, paused, to be continued, cancelled. Running lines hear it with their next beat.

use super::{Control, Journal, chain, people};
use crate::error::Error;
use fuda_store::Conn;

/// A word of a person about a job.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    event: &'static str,
    from: &'a [Control],
    to: Control,
}

impl Journal {
    /// Records that a second person looked at the first articles and lets the line go on.
    ///
    /// # Errors
    /// [`Error::NothingToApprove`] while no card is good, [`Error::SamePerson`] when the checker worked the line; [`Error::Store`].
    pub fn approve(&self, checker: &str) -> Result<(), Error> {
        let (job, checker, now) = (self.job.order.id.clone(), checker.to_owned(), self.store.clock().now());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("job.approve", async move |tx| {
            let (good,): (i64,) =
                sqlx::query_as("/* job.approve */ SELECT COUNT(*) FROM card WHERE job = $1 AND state = 'sealed'")
                    .bind(job.as_str())
                    .fetch_one(&mut *tx)
                    .await?;
            if good == 0 {
                return Err(Error::NothingToApprove { job });
            }
            people::other_than_the_crew(tx, &job, &checker).await?;
            sqlx::query("/* job.approve */ UPDATE job SET approved_by = $1 WHERE id = $2")
                .bind(checker.as_str())
                .bind(job.as_str())
                .execute(&mut *tx)
                .await?;
            let detail = format!("{good} first articles by {checker}");
            let entry = chain::Entry { job: &job, kdd: "", serial: "", event: "approve", detail: &detail };
            chain::append(tx, now, &entry).await
        })
    }

    /// Holds every line of the job: none takes a card until it is continued.
    ///
    /// # Errors
    /// [`Error::JobHeld`] when it is paused already, cancelled or closed; [`Error::Store`].
    pub fn pause(&self, person: &str) -> Result<(), Error> {
        self.say(Word { event: "pause", from: &[Control::Go], to: Control::Paused }, person, "")
    }

    /// Lets the lines of a paused job go on.
    ///
    /// # Errors
    /// [`Error::JobNotPaused`], [`Error::JobHeld`] when it is cancelled or closed; [`Error::Store`].
    pub fn go_on(&self, person: &str) -> Result<(), Error> {
        self.say(Word { event: "continue", from: &[Control::Paused], to: Control::Go }, person, "")
    }

    /// Ends the work on the job for good: what is good stays good.
    ///
    /// # Errors
    /// [`Error::JobHeld`] when it is cancelled or closed; [`Error::Store`].
    pub fn cancel(&self, person: &str, reason: &str) -> Result<(), Error> {
        let word = Word { event: "cancel", from: &[Control::Go, Control::Paused], to: Control::Cancelled };
        self.say(word, person, reason)
    }

    fn say(&self, word: Word<'static>, person: &str, reason: &str) -> Result<(), Error> {
        let (job, person, reason) = (self.job.order.id.clone(), person.to_owned(), reason.to_owned());
        let now = self.store.clock().now();
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("job.control", async move |tx| {
            let (control, why) = control(tx, &job).await?;
            if !word.from.contains(&control) {
                return Err(match control {
                    Control::Go => Error::JobNotPaused { job },
                    control => Error::JobHeld { job, control, reason: why },
                });
            }
            sqlx::query("/* job.control */ UPDATE job SET control = $1, control_reason = $2 WHERE id = $3")
                .bind(word.to.as_str())
                .bind(reason.as_str())
                .bind(job.as_str())
                .execute(&mut *tx)
                .await?;
            let detail = if reason.is_empty() { format!("by {person}") } else { format!("by {person}: {reason}") };
            let entry = chain::Entry { job: &job, kdd: "", serial: "", event: word.event, detail: &detail };
            chain::append(tx, now, &entry).await
        })
    }

    /// Refuses unless people want the job to be worked on.
    ///
    /// # Errors
    /// [`Error::JobHeld`].
    pub fn require_go(&self) -> Result<(), Error> {
        let Self { job, .. } = self;
        match job.control {
            Control::Go => Ok(()),
            control => Err(Error::JobHeld { job: job.order.id.clone(), control, reason: job.control_reason.clone() }),
        }
    }
}

/// What people want of a job, and why.
pub(super) async fn control(tx: &mut Conn, job: &str) -> Result<(Control, String), Error> {
    let (control, reason): (String, String) =
        sqlx::query_as("/* job.control */ SELECT control, control_reason FROM job WHERE id = $1")
            .bind(job)
            .fetch_one(&mut *tx)
            .await?;
    Ok((Control::of(&control)?, reason))
}
