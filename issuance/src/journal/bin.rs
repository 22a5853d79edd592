//! The reject bin: how a chip falls into it, what becomes of its serial, how it may come back, and how it ends.
//!
//! A serial moves to another chip only if no command that changes the first was ever sent under it, or the first was terminated and said
//! so under R-MAC. Otherwise it is withdrawn: it stays with the rejected chip.

use super::step::{CardRow, Step};
use super::terms::{Refusal, RejectReport, Rework, Sent, Station};
use super::{Journal, slots};
use crate::error::Error;
use crate::life_cycle::{CardEvent, CardState};
use fuda_card::id::Kdd;
use fuda_store::clock;

/// A chip that failed so often is a bad chip, whatever it failed of.
const REWORKS_MAX: i64 = 3;

/// A destruction that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// Number of the destruction in the job, from 1.
    pub number: u64,
    /// Chips.
    pub chips: u64,
    /// Key sets that no longer count as carried by a card.
    pub key_sets: u64,
}

impl Journal {
    /// Puts a chip into the reject bin, with the reason; a chip that is already there stays there once.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn reject(&self, report: RejectReport, station: &Station) -> Result<(), Error> {
        let (job, station, now) = (self.job.order.id.clone(), station.clone(), self.store.clock().now());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("card.reject", async move |tx| {
            let kdd = report.kdd.map(|kdd| kdd.to_string()).unwrap_or_default();
            let mut step = Step { tx, now, job: &job, kdd: &kdd };
            step.reject(&report, &station).await
        })
    }

    /// Whether a chip of the bin may carry key sets of ours.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn is_live_reject(&self, kdd: Kdd) -> Result<bool, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("card.is_live_reject", async move |tx| {
            let (live,): (i64,) = sqlx::query_as(
                "/* card.is_live_reject */ SELECT COUNT(*) FROM reject WHERE job = $1 AND kdd = $2 AND disposition = 'bin' AND live_keys > 0",
            )
            .bind(job)
            .bind(kdd.to_string())
            .fetch_one(&mut *tx)
            .await?;
            Ok(live > 0)
        })
    }

    /// Notes that a chip of the bin is about to be terminated.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn intend_end(&self, kdd: Kdd) -> Result<(), Error> {
        self.on_card("card.intend_end", kdd, async move |mut step| {
            let card = step.held().await?;
            step.append(&card.serial, &[("intend-end", "")]).await
        })
    }

    /// Records that a chip of the bin was terminated and said so under R-MAC: it carries no live key, and its serial is free for another.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn terminated(&self, kdd: Kdd, station: &Station) -> Result<(), Error> {
        let line = station.line.clone();
        self.on_card("card.terminated", kdd, async move |mut step| {
            let card = step.held().await?;
            sqlx::query("/* card.terminated */ UPDATE card_key SET state = 'deleted' WHERE card = $1")
                .bind(step.kdd)
                .execute(&mut *step.tx)
                .await?;
            sqlx::query(
                "/* card.terminated */ UPDATE reject SET live_keys = 0, serial = '' WHERE job = $1 AND kdd = $2",
            )
            .bind(step.job)
            .bind(step.kdd)
            .execute(&mut *step.tx)
            .await?;
            step.append(&card.serial, &[("terminated", "the serial is free again")]).await?;
            step.release_serial(&card, &line).await
        })
    }

    /// Records the destruction of every chip of the bin that was this job's to issue.
    ///
    /// # Errors
    /// [`Error::RejectCount`] when there are not so many, [`Error::SamePerson`] when the witness worked the line; [`Error::Store`].
    pub fn destroy_rejects(&self, chips: u64, witness: &str, certificate: &str) -> Result<Destroyed, Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        let (witness, certificate) = (witness.to_owned(), certificate.to_owned());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("reject.destroy", async move |tx| {
            super::people::other_than_the_crew(tx, &job, &witness).await?;
            let (found, number): (i64, i64) = sqlx::query_as(
                "/* reject.destroy */ SELECT COUNT(*), (SELECT COALESCE(MAX(number), 0) + 1 FROM destruction WHERE job = $1) \
                 FROM reject WHERE job = $1 AND disposition = 'bin'",
            )
            .bind(job.as_str())
            .fetch_one(&mut *tx)
            .await?;
            if found.unsigned_abs() != chips || chips == 0 {
                return Err(Error::RejectCount { job, found: found.unsigned_abs(), told: chips });
            }
            let ended = sqlx::query(
                "/* reject.destroy */ UPDATE card_key SET state = 'deleted' WHERE state <> 'deleted' AND card IN \
                 (SELECT kdd FROM reject WHERE job = $1 AND disposition = 'bin')",
            )
            .bind(job.as_str())
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "/* reject.destroy */ UPDATE reject SET disposition = 'destroyed', destruction = $1, live_keys = 0 \
                 WHERE job = $2 AND disposition = 'bin'",
            )
            .bind(number)
            .bind(job.as_str())
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "/* reject.destroy */ INSERT INTO destruction (job, number, chips, witness, certificate, at) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(job.as_str())
            .bind(number)
            .bind(found)
            .bind(witness.as_str())
            .bind(certificate.as_str())
            .bind(clock::stored(now))
            .execute(&mut *tx)
            .await?;
            let detail = format!("{number}: {found} chips, witness {witness}, certificate {certificate}");
            let entry = super::chain::Entry { job: &job, kdd: "", serial: "", event: "destroy-rejects", detail: &detail };
            super::chain::append(tx, now, &entry).await?;
            Ok(Destroyed { number: number.unsigned_abs(), chips, key_sets: ended.rows_affected() })
        })
    }
}

impl Step<'_> {
    /// Puts the chip into the reject bin.
    async fn reject(&mut self, report: &RejectReport, station: &Station) -> Result<(), Error> {
        if self.card().await?.is_some_and(|card| card.state == CardState::Sealed) {
            // The real chip is in the good stack: this one only calls itself so, and is a chip without identity.
            self.kdd = "";
        }
        let detail = format!("{} at {} on {}", report.code, report.step, station.encoder);
        let card = self.card().await?;
        let known = self.in_the_bin().await?.is_some();
        let Some(card) = card else {
            if !known {
                self.enter_the_bin(report, station, None).await?;
            }
            return self.append("", &[("refuse", &detail)]).await;
        };
        if card.state == CardState::Rejected {
            return self.append(&card.serial, &[("refuse", &detail)]).await;
        }
        self.advance_card(&card, &[(CardEvent::Reject, &detail)]).await?;
        if report.sent == Sent::Nothing && card.attempt == 1 {
            // Nothing of what was intended can be on it.
            sqlx::query("/* card.reject */ DELETE FROM card_key WHERE card = $1 AND state = 'offered'")
                .bind(self.kdd)
                .execute(&mut *self.tx)
                .await?;
            self.append(&card.serial, &[("release", "no command was sent under it")]).await?;
            self.release_serial(&card, &station.line).await?;
            self.forget_chip().await?;
            return self.enter_the_bin(report, station, Some(("", card.attempt))).await;
        }
        self.enter_the_bin(report, station, Some((&card.serial, card.attempt))).await
    }

    /// Number of the chip's row in the bin.
    async fn in_the_bin(&mut self) -> Result<Option<(i64, String, String)>, Error> {
        let query = sqlx::query_as(
            "/* card.in_the_bin */ SELECT seq, code, disposition FROM reject WHERE job = $1 AND kdd = $2 AND kdd <> ''",
        );
        Ok(query.bind(self.job).bind(self.kdd).fetch_optional(&mut *self.tx).await?)
    }

    /// A new row of the bin; `bound` is the serial and attempt of a chip that the job has begun.
    async fn enter_the_bin(
        &mut self,
        report: &RejectReport,
        station: &Station,
        bound: Option<(&str, i64)>,
    ) -> Result<(), Error> {
        let (serial, attempt) = bound.unwrap_or(("", 1));
        sqlx::query(
            "/* card.reject */ INSERT INTO reject (job, seq, kdd, serial, class, code, step, sw, encoder, attempt, live_keys, disposition) \
             SELECT $1, (SELECT COALESCE(MAX(seq), 0) + 1 FROM reject WHERE job = $1), $2, $3, $4, $5, $6, $7, $8, $9, \
             (SELECT COUNT(*) FROM card_key WHERE card = $2 AND state <> 'deleted'), $10",
        )
        .bind(self.job)
        .bind(self.kdd)
        .bind(serial)
        .bind(report.class.as_str())
        .bind(report.code)
        .bind(report.step.as_str())
        .bind(report.sw.map(|sw| sw.to_string()).unwrap_or_default())
        .bind(station.encoder.as_str())
        .bind(attempt)
        .bind(if bound.is_some() { "bin" } else { "foreign" })
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Takes a chip that was bound before out of the bin, when the order allows it.
    pub(super) async fn rework(&mut self, card: &CardRow, rework: Rework) -> Result<(), Error> {
        let refused = |refusal| Err(Error::Refused { refusal });
        let Some((seq, code, disposition)) = self.in_the_bin().await? else { return refused(Refusal::Sampled) };
        if rework == Rework::Forbidden || disposition != "bin" {
            return refused(Refusal::InRejectBin);
        }
        let counted = sqlx::query(
            "/* card.rework */ UPDATE card SET reworks = reworks + 1 WHERE job = $1 AND kdd = $2 AND reworks < $3",
        )
        .bind(self.job)
        .bind(self.kdd)
        .bind(REWORKS_MAX)
        .execute(&mut *self.tx)
        .await?;
        if counted.rows_affected() == 0 {
            return refused(Refusal::ReworkedTooOften { times: REWORKS_MAX.unsigned_abs() });
        }
        self.leave_the_bin(seq).await?;
        self.append(&card.serial, &[(CardEvent::Rework.as_str(), &format!("was {seq} in the bin: {code}"))]).await
    }

    /// Takes a chip that no serial is bound to out of the bin, when it is there and the order allows it.
    pub(super) async fn out_of_the_bin(&mut self, rework: Rework) -> Result<(), Error> {
        let Some((seq, code, disposition)) = self.in_the_bin().await? else { return Ok(()) };
        if rework == Rework::Forbidden || disposition == "destroyed" {
            return Err(Error::Refused { refusal: Refusal::InRejectBin });
        }
        self.leave_the_bin(seq).await?;
        self.append("", &[(CardEvent::Rework.as_str(), &format!("was {seq} in the bin: {code}"))]).await
    }

    async fn leave_the_bin(&mut self, seq: i64) -> Result<(), Error> {
        sqlx::query("/* card.rework */ DELETE FROM reject WHERE job = $1 AND seq = $2")
            .bind(self.job)
            .bind(seq)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Unbinds the chip from its serial, which is the line's for its next chip.
    async fn release_serial(&mut self, card: &CardRow, line: &str) -> Result<(), Error> {
        sqlx::query("/* card.release */ DELETE FROM card WHERE job = $1 AND kdd = $2")
            .bind(self.job)
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("/* card.release */ DELETE FROM serial WHERE serial = $1 AND kdd = $2")
            .bind(card.serial.as_str())
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        slots::release(self.tx, self.job, card.position, line).await
    }

    /// The chip is again as it was before this job: the job's that sealed it before, or nobody's.
    async fn forget_chip(&mut self) -> Result<(), Error> {
        sqlx::query(
            "/* card.release */ UPDATE chip SET job = (SELECT MAX(job) FROM card WHERE kdd = $1 AND state = 'sealed') \
             WHERE kdd = $1 AND EXISTS (SELECT 1 FROM card WHERE kdd = $1 AND state = 'sealed')",
        )
        .bind(self.kdd)
        .execute(&mut *self.tx)
        .await?;
        sqlx::query(
            "/* card.release */ DELETE FROM chip WHERE kdd = $1 AND stage = 'blank' AND NOT EXISTS (SELECT 1 FROM card WHERE kdd = $1) \
             AND NOT EXISTS (SELECT 1 FROM card_key WHERE card = $1)",
        )
        .bind(self.kdd)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
