//! Samples: good cards that are drawn for inspection and do not leave with a delivery.

use super::step::Step;
use super::{IssuedCard, JobState, Journal, carton, lease, people};
use crate::error::Error;
use crate::life_cycle::CardEvent;
use fuda_store::clock;

impl Journal {
    /// Draws a good card, named by serial or chip identity, as a sample: another card is made in its place, for which a complete job
    /// is open again; one that was packed leaves its carton.
    ///
    /// # Errors
    /// [`Error::CardNotFound`], [`Error::SampleDelivered`] when it left already, [`Error::JobHeld`] when the job is closed; [`Error::Store`].
    pub fn draw_sample(&self, name: &str, person: &str, reason: &str) -> Result<IssuedCard, Error> {
        let job = self.job.order.id.clone();
        let card = self.find_issued(name)?.ok_or_else(|| Error::CardNotFound { job, name: name.to_owned() })?;
        if card.delivery.is_some() {
            return Err(Error::SampleDelivered { serial: card.serial });
        }
        let (job, kdd, now) = (self.job.order.id.clone(), card.kdd.clone(), self.store.clock().now());
        let (person, reason, serial) = (person.to_owned(), reason.to_owned(), card.serial.clone());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("card.sample", async move |tx| {
            people::require_open(tx, &job).await?;
            let free: Option<(i64,)> = sqlx::query_as(
                "/* card.sample */ SELECT position FROM card WHERE job = $1 AND kdd = $2 AND state = 'sealed' AND delivery IS NULL",
            )
            .bind(job.as_str())
            .bind(kdd.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            if free.is_none() {
                return Err(Error::SampleDelivered { serial });
            }
            sqlx::query("/* card.sample */ INSERT INTO sample (job, kdd, reason, person, at) VALUES ($1, $2, $3, $4, $5)")
                .bind(job.as_str())
                .bind(kdd.as_str())
                .bind(reason.as_str())
                .bind(person.as_str())
                .bind(clock::stored(now))
                .execute(&mut *tx)
                .await?;
            carton::take_out(tx, &job, &kdd).await?;
            lease::restore(tx, &job, 1).await?;
            sqlx::query("/* card.sample */ UPDATE job SET state = $1 WHERE id = $2 AND state = $3")
                .bind(JobState::Open.as_str())
                .bind(job.as_str())
                .bind(JobState::Complete.as_str())
                .execute(&mut *tx)
                .await?;
            let detail = format!("by {person}: {reason}");
            let mut step = Step { tx, now, job: &job, kdd: &kdd };
            step.advance(&[(CardEvent::Draw, &detail)]).await
        })?;
        Ok(card)
    }
}
