//! One chip's way through a job: bound to a serial, intended, issued stage by stage, verified and sealed, or rejected, or unknown.

use super::step::Step;
use super::terms::{Assignment, Chip, Refusal, Rework, SerialSource, Station};
use super::{Journal, NewJob, fence, slots};
use crate::error::Error;
use crate::life_cycle::CardEvent;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::Stage;
use fuda_kms::KeyVersion;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A chip that proved itself, and what its script may do to it.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The chip.
    pub kdd: Kdd,
    /// What it said about itself.
    pub chip: Chip,
    /// The key sets that the script may write: (DF, KVN, version).
    pub sets: Vec<(DfName, Kvn, KeyVersion)>,
    /// Whether it may come from the reject bin.
    pub rework: Rework,
}

impl Journal {
    /// Binds a chip to the next serial, or finds the serial bound before, and makes the intent to change it durable.
    ///
    /// # Errors
    /// [`Error::Refused`] when the chip is not this job's to issue, [`Error::SerialsExhausted`], [`Error::SerialTaken`], [`Error::Store`].
    pub fn begin(
        &self,
        intent: Intent,
        station: &Station,
        serials: &Arc<dyn SerialSource>,
    ) -> Result<Assignment, Error> {
        let NewJob { id, first_stage, quantity, spares, .. } = &self.job.order;
        let (job, first_stage, serials_max) = (id.clone(), *first_stage, quantity + spares);
        let (station, serials, now) = (station.clone(), Arc::clone(serials), self.store.clock().now());
        self.store.part(id.as_str()).run_tx_blocking("card.begin", async move |tx| {
            let Intent { kdd, chip, sets, rework } = &intent;
            let mut step = Step { tx, now, job: &job, kdd: &kdd.to_string() };
            let holder = match step.chip().await? {
                None if *chip == Chip::Blank => None,
                None => return Err(Error::Refused { refusal: Refusal::Foreign }),
                Some((holder, stage)) => {
                    if let Some(card) = step.card().await? {
                        return step.resume(&card, &station, *rework).await;
                    }
                    if holder == job {
                        return Err(Error::Refused { refusal: Refusal::InRejectBin });
                    }
                    if stage != "zeroth" || first_stage != Stage::First {
                        return Err(Error::Refused { refusal: Refusal::HeldByJob { job: holder } });
                    }
                    Some(holder)
                }
            };
            step.out_of_the_bin(*rework).await?;
            let last = i64::try_from(serials_max).unwrap_or(i64::MAX);
            let exhausted = || Error::SerialsExhausted { job: job.clone(), serials: serials_max };
            let (position, serial) = loop {
                let position = slots::take(step.tx, &job, &station.line, last).await?.ok_or_else(exhausted)?;
                let serial = serials.at(position.unsigned_abs()).ok_or_else(exhausted)?;
                match step.bind(position, &serial, &station, holder.as_deref()).await {
                    // It left with a delivery that a restored store has forgotten: withdrawn, and the next one is tried.
                    Err(Error::SerialTaken { serial }) if fence::holds(step.tx, &serial).await? => {}
                    bound => break (position, bound.map(|()| serial)?),
                }
            };
            step.offer_key_sets(sets).await?;
            Ok(Assignment { serial: serial.serial, position: position.unsigned_abs(), attempt: 1 })
        })
    }

    /// The key versions that a card may carry, by DF and KVN, as its record says.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoreContent`] for a row that names no key.
    pub fn key_sets(&self, kdd: Kdd) -> Result<BTreeMap<(DfName, Kvn), KeyVersion>, Error> {
        let rows: Vec<(String, i64, String, i64)> = self.store.read_blocking("card.key_sets", async move |tx| {
            let query = sqlx::query_as(
                "/* card.key_sets */ SELECT df, kvn, key, version FROM card_key WHERE card = $1 AND state <> 'deleted' ORDER BY version",
            );
            Ok::<_, Error>(query.bind(kdd.to_string()).fetch_all(&mut *tx).await?)
        })?;
        let unreadable = |what: String| Error::StoreContent { what };
        rows.into_iter()
            .map(|(df, kvn, key, version)| {
                let df = df.parse().map_err(|_| unreadable(format!("`{df}` is not a DF name")))?;
                let kvn = u8::try_from(kvn).map_err(|_| unreadable(format!("{kvn} is not a key version number")))?;
                let version = format!("{key}@{version}")
                    .parse()
                    .map_err(|_| unreadable(format!("`{key}@{version}` is not a key version")))?;
                Ok(((df, Kvn::new(kvn)), version))
            })
            .collect()
    }

    /// Records that the card confirmed the end of a stage.
    ///
    /// # Errors
    /// [`Error::Transition`] when the life cycle forbids it; [`Error::Store`].
    pub fn finish_stage(&self, kdd: Kdd, stage: Stage) -> Result<(), Error> {
        self.on_card("card.finish_stage", kdd, async move |mut step| step.advance(&[(finished(stage), "")]).await)
    }

    /// Records that every check passed and counts the card as good; its key sets are proved.
    ///
    /// # Errors
    /// [`Error::Transition`] when the life cycle forbids it; [`Error::OrderFull`] when the order needs no card more; [`Error::Store`].
    pub fn seal(&self, kdd: Kdd, station: &Station) -> Result<(), Error> {
        let (stage, line) = (self.job.order.last_stage, station.line.clone());
        self.on_card("card.seal", kdd, async move |mut step| step.seal(stage, &SEALED, &line).await)
    }

    /// [`Journal::finish_stage`] of the job's last stage and [`Journal::seal`] in one transaction: nothing happens to the card in between.
    ///
    /// # Errors
    /// As both.
    pub fn finish_and_seal(&self, kdd: Kdd, station: &Station) -> Result<(), Error> {
        let (stage, line) = (self.job.order.last_stage, station.line.clone());
        let [verify, seal] = SEALED;
        let events = [finished(stage), verify, seal];
        self.on_card("card.finish_and_seal", kdd, async move |mut step| step.seal(stage, &events, &line).await)
    }

    /// Records that a card is out of reach in the middle of work.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn lose_contact(&self, kdd: Kdd, reason: &str) -> Result<(), Error> {
        let reason = reason.to_owned();
        self.on_card("card.lose_contact", kdd, async move |mut step| {
            step.advance(&[(CardEvent::LoseContact, &reason)]).await
        })
    }

    /// Runs one step on a card that the job holds, in one transaction.
    pub(super) fn on_card<T: Send + 'static>(
        &self,
        name: &'static str,
        kdd: Kdd,
        body: impl AsyncFnOnce(Step<'_>) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        self.store
            .part(self.job.order.id.as_str())
            .run_tx_blocking(name, async move |tx| body(Step { tx, now, job: &job, kdd: &kdd.to_string() }).await)
    }
}

/// What seals a card.
const SEALED: [CardEvent; 2] = [CardEvent::Verify, CardEvent::Seal];

const fn finished(stage: Stage) -> CardEvent {
    match stage {
        Stage::Zeroth => CardEvent::FinishZeroth,
        Stage::First => CardEvent::FinishFirst,
    }
}
