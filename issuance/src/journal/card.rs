//! One chip's way through a job: bound to a serial, intended, issued stage by stage, verified and sealed, or rejected, or unknown.

use super::{Journal, chain};
use crate::error::{Error, FailureClass};
use crate::life_cycle::{CardEvent, CardState};
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::Stage;
use fuda_card::status::StatusWord;
use fuda_kms::KeyVersion;
use fuda_store::{Conn, clock};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The serials of an order, by position from 0; `None` beyond the last.
pub trait SerialSource: std::fmt::Debug + Send + Sync {
    /// The serial at a position.
    fn at(&self, position: u64) -> Option<Serial>;
}

/// A serial and the number printed on its package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serial {
    /// The card's serial.
    pub serial: String,
    /// The printed number; the serial itself when the order names none.
    pub printed: String,
}

/// Where and by whom a chip is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Name of the encoder.
    pub encoder: String,
    /// Who works the line.
    pub operator: String,
}

/// What the card said about itself before anything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chip {
    /// No file system and the initial key set: nothing was ever issued.
    Blank,
    /// Something is on it: only a chip that the journal knows may go on.
    Begun,
}

/// The chip is this job's, its serial is bound and the intent is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The serial bound to the chip for ever.
    pub serial: String,
    /// Position of the serial in the order, from 0.
    pub position: u64,
    /// How often the chip was put in, this time included.
    pub attempt: u64,
}

/// Why a chip is not issued in this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is already good in this job.
    AlreadyIssued {
        /// Its serial.
        serial: String,
    },
    /// It is in this job's reject bin.
    InRejectBin,
    /// Another job holds it.
    HeldByJob {
        /// Which.
        job: String,
    },
    /// Something is on it that the journal does not know.
    Foreign,
}

/// A chip on its way to the reject bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectReport {
    /// Its identity, when it told one.
    pub kdd: Option<Kdd>,
    /// Whose fault it was.
    pub class: FailureClass,
    /// Stable error code.
    pub code: &'static str,
    /// Step that failed.
    pub step: String,
    /// Status word, when the card gave one.
    pub sw: Option<StatusWord>,
}

impl Journal {
    /// Binds a chip to the next serial, or finds the serial bound before, and makes the intent to change it durable.
    ///
    /// `sets` are the key sets that the script may write: (DF, KVN, version).
    ///
    /// # Errors
    /// [`Error::Refused`] when the chip is not this job's to issue, [`Error::SerialsExhausted`], [`Error::SerialTaken`], [`Error::Store`].
    pub fn begin(
        &self,
        kdd: Kdd,
        chip: Chip,
        station: &Station,
        serials: &Arc<dyn SerialSource>,
        sets: Vec<(DfName, Kvn, KeyVersion)>,
    ) -> Result<Assignment, Error> {
        let (order, station, serials) = (self.job.order.clone(), station.clone(), Arc::clone(serials));
        let now = self.store.clock().now();
        self.store.run_tx_blocking("card.begin", async move |tx| {
            let mut step = Step { tx, now, job: &order.id, kdd: &kdd.to_string() };
            if let Some(card) = step.card().await? {
                return step.resume(card, &station).await;
            }
            match step.chip().await? {
                None if chip == Chip::Blank && order.first_stage == Stage::Zeroth => {}
                Some((_, stage)) if stage == "zeroth" && order.first_stage == Stage::First => {}
                Some((job, _)) => return Err(Error::Refused { refusal: Refusal::HeldByJob { job } }),
                None => return Err(Error::Refused { refusal: Refusal::Foreign }),
            }
            let position = step.next_position().await?;
            if position >= order.quantity + order.spares {
                return Err(Error::SerialsExhausted { job: order.id.clone(), serials: position });
            }
            let serial =
                serials.at(position).ok_or(Error::SerialsExhausted { job: order.id.clone(), serials: position })?;
            step.bind(position, &serial, &station).await?;
            step.offer_key_sets(&sets).await?;
            Ok(Assignment { serial: serial.serial, position, attempt: 1 })
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
        let event = match stage {
            Stage::Zeroth => CardEvent::FinishZeroth,
            Stage::First => CardEvent::FinishFirst,
        };
        self.on_card("card.finish_stage", kdd, async move |mut step| step.advance(event, "").await.map(drop))
    }

    /// Records that every check passed and counts the card as good; its key sets are proved.
    ///
    /// # Errors
    /// [`Error::Transition`] when the life cycle forbids it; [`Error::Store`].
    pub fn seal(&self, kdd: Kdd) -> Result<(), Error> {
        let stage = match self.job.order.last_stage {
            Stage::Zeroth => "zeroth",
            Stage::First => "first",
        };
        self.on_card("card.seal", kdd, async move |mut step| {
            step.advance(CardEvent::Verify, "").await?;
            step.advance(CardEvent::Seal, "").await?;
            step.seal(stage).await
        })
    }

    /// Records that a card is out of reach in the middle of work.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn lose_contact(&self, kdd: Kdd, reason: &str) -> Result<(), Error> {
        let reason = reason.to_owned();
        self.on_card("card.lose_contact", kdd, async move |mut step| {
            step.advance(CardEvent::LoseContact, &reason).await.map(drop)
        })
    }

    /// Puts a chip into the reject bin, with the reason; a chip that is already there stays there once.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn reject(&self, report: RejectReport, station: &Station) -> Result<(), Error> {
        let (job, station, now) = (self.job.order.id.clone(), station.clone(), self.store.clock().now());
        self.store.run_tx_blocking("card.reject", async move |tx| {
            let kdd = report.kdd.map(|kdd| kdd.to_string()).unwrap_or_default();
            let mut step = Step { tx, now, job: &job, kdd: &kdd };
            step.reject(&report, &station).await
        })
    }

    /// Runs one step on a card that the job holds, in one transaction.
    fn on_card<T: Send + 'static>(
        &self,
        name: &'static str,
        kdd: Kdd,
        body: impl AsyncFnOnce(Step<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        self.store.run_tx_blocking(name, async move |tx| body(Step { tx, now, job: &job, kdd: &kdd.to_string() }).await)
    }
}

/// A card row as far as a step needs it.
struct CardRow {
    serial: String,
    position: i64,
    attempt: i64,
    state: CardState,
}

/// One transaction about one chip of one job.
struct Step<'a> {
    tx: &'a mut Conn,
    now: Timestamp,
    job: &'a str,
    kdd: &'a str,
}

impl Step<'_> {
    async fn card(&mut self) -> Result<Option<CardRow>, Error> {
        let row: Option<(String, i64, i64, String)> = sqlx::query_as(
            "/* card.find */ SELECT serial, position, attempt, state FROM card WHERE job = $1 AND kdd = $2",
        )
        .bind(self.job)
        .bind(self.kdd)
        .fetch_optional(&mut *self.tx)
        .await?;
        row.map(|(serial, position, attempt, state)| Ok(CardRow { serial, position, attempt, state: state.parse()? }))
            .transpose()
    }

    async fn chip(&mut self) -> Result<Option<(String, String)>, Error> {
        let query = sqlx::query_as("/* card.chip */ SELECT job, stage FROM chip WHERE kdd = $1").bind(self.kdd);
        Ok(query.fetch_optional(&mut *self.tx).await?)
    }

    async fn next_position(&mut self) -> Result<u64, Error> {
        let (next,): (i64,) =
            sqlx::query_as("/* card.next_position */ SELECT COALESCE(MAX(position) + 1, 0) FROM card WHERE job = $1")
                .bind(self.job)
                .fetch_one(&mut *self.tx)
                .await?;
        Ok(next.unsigned_abs())
    }

    async fn resume(&mut self, card: CardRow, station: &Station) -> Result<Assignment, Error> {
        match card.state {
            CardState::Sealed => {
                return Err(Error::Refused { refusal: Refusal::AlreadyIssued { serial: card.serial } });
            }
            CardState::Rejected => return Err(Error::Refused { refusal: Refusal::InRejectBin }),
            _ => {}
        }
        let attempt = card.attempt + 1;
        self.advance(CardEvent::Resume, &station.encoder).await?;
        sqlx::query(
            "/* card.resume */ UPDATE card SET attempt = $1, encoder = $2, operator = $3 WHERE job = $4 AND kdd = $5",
        )
        .bind(attempt)
        .bind(station.encoder.as_str())
        .bind(station.operator.as_str())
        .bind(self.job)
        .bind(self.kdd)
        .execute(&mut *self.tx)
        .await?;
        Ok(Assignment { serial: card.serial, position: card.position.unsigned_abs(), attempt: attempt.unsigned_abs() })
    }

    /// Binds the chip to a serial and records the intent: nothing was sent before, so both are one entry in time.
    async fn bind(&mut self, position: u64, serial: &Serial, station: &Station) -> Result<(), Error> {
        let taken = sqlx::query(
            "/* card.bind */ INSERT INTO serial (serial, kdd) VALUES ($1, $2) ON CONFLICT (serial) DO NOTHING",
        )
        .bind(serial.serial.as_str())
        .bind(self.kdd)
        .execute(&mut *self.tx)
        .await?;
        if taken.rows_affected() == 0 {
            return Err(Error::SerialTaken { serial: serial.serial.clone() });
        }
        sqlx::query("/* card.bind */ INSERT INTO chip (kdd, job, stage) VALUES ($1, $2, 'blank') ON CONFLICT (kdd) DO UPDATE SET job = $2")
            .bind(self.kdd)
            .bind(self.job)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query(
            "/* card.bind */ INSERT INTO card (job, kdd, serial, position, printed, state, attempt, encoder, operator) \
             VALUES ($1, $2, $3, $4, $5, 'bound', 1, $6, $7)",
        )
        .bind(self.job)
        .bind(self.kdd)
        .bind(serial.serial.as_str())
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .bind(serial.printed.as_str())
        .bind(station.encoder.as_str())
        .bind(station.operator.as_str())
        .execute(&mut *self.tx)
        .await?;
        self.append("bind", &station.encoder).await?;
        self.advance(CardEvent::Intend, "").await.map(drop)
    }

    async fn offer_key_sets(&mut self, sets: &[(DfName, Kvn, KeyVersion)]) -> Result<(), Error> {
        for (df, kvn, key) in sets {
            sqlx::query(
                "/* card.offer_key_sets */ INSERT INTO card_key (card, df, kvn, key, version, state) VALUES ($1, $2, $3, $4, $5, 'offered') \
                 ON CONFLICT DO NOTHING",
            )
            .bind(self.kdd)
            .bind(df.to_string())
            .bind(i64::from(kvn.to_u8()))
            .bind(key.name.to_string())
            .bind(i64::from(key.number.get()))
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    /// Applies an event to the card by the table of the life cycle, and writes it into the chain.
    async fn advance(&mut self, event: CardEvent, detail: &str) -> Result<CardState, Error> {
        let card =
            self.card().await?.ok_or_else(|| Error::StoreContent { what: format!("card {} has no row", self.kdd) })?;
        let to = card.state.after(event).ok_or(Error::Transition { from: card.state, event })?;
        sqlx::query("/* card.advance */ UPDATE card SET state = $1 WHERE job = $2 AND kdd = $3")
            .bind(to.as_str())
            .bind(self.job)
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        self.append(event.as_str(), detail).await?;
        Ok(to)
    }

    async fn append(&mut self, event: &str, detail: &str) -> Result<(), Error> {
        let serial = self.card().await?.map(|card| card.serial).unwrap_or_default();
        let entry = chain::Entry { job: self.job, kdd: self.kdd, serial: &serial, event, detail };
        chain::append(self.tx, self.now, &entry).await
    }

    async fn seal(&mut self, stage: &str) -> Result<(), Error> {
        sqlx::query("/* card.seal */ UPDATE card SET issued_at = $1 WHERE job = $2 AND kdd = $3")
            .bind(clock::stored(self.now))
            .bind(self.job)
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("/* card.seal */ UPDATE chip SET stage = $1 WHERE kdd = $2")
            .bind(stage)
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        // The plan deletes the transport set once the issuer set is proved: what remains is what the card was re-opened with.
        sqlx::query("/* card.seal */ UPDATE card_key SET state = CASE WHEN key = 'transport' AND $1 = 'first' THEN 'deleted' ELSE 'proved' END WHERE card = $2 AND state = 'offered'")
            .bind(stage)
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    async fn reject(&mut self, report: &RejectReport, station: &Station) -> Result<(), Error> {
        if self.card().await?.is_some_and(|card| card.state == CardState::Sealed) {
            // The real chip is in the good stack: this one only calls itself so, and is a chip without identity.
            self.kdd = "";
        }
        let known: Option<(i64,)> =
            sqlx::query_as("/* card.reject */ SELECT seq FROM reject WHERE job = $1 AND kdd = $2 AND kdd <> ''")
                .bind(self.job)
                .bind(self.kdd)
                .fetch_optional(&mut *self.tx)
                .await?;
        let card = self.card().await?;
        if known.is_none() {
            let (serial, attempt) =
                card.as_ref().map_or((String::new(), 1), |card| (card.serial.clone(), card.attempt));
            let (live_keys,): (i64,) = sqlx::query_as(
                "/* card.reject */ SELECT COUNT(*) FROM card_key WHERE card = $1 AND state <> 'deleted'",
            )
            .bind(self.kdd)
            .fetch_one(&mut *self.tx)
            .await?;
            let (seq,): (i64,) =
                sqlx::query_as("/* card.reject */ SELECT COALESCE(MAX(seq), 0) + 1 FROM reject WHERE job = $1")
                    .bind(self.job)
                    .fetch_one(&mut *self.tx)
                    .await?;
            sqlx::query(
                "/* card.reject */ INSERT INTO reject (job, seq, kdd, serial, class, code, step, sw, encoder, attempt, live_keys, disposition) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            )
            .bind(self.job)
            .bind(seq)
            .bind(self.kdd)
            .bind(serial)
            .bind(report.class.as_str())
            .bind(report.code)
            .bind(report.step.as_str())
            .bind(report.sw.map(|sw| sw.to_string()).unwrap_or_default())
            .bind(station.encoder.as_str())
            .bind(attempt)
            .bind(live_keys)
            .bind(if card.is_some() { "bin" } else { "foreign" })
            .execute(&mut *self.tx)
            .await?;
        }
        let detail = format!("{} at {} on {}", report.code, report.step, station.encoder);
        match card {
            Some(card) if card.state != CardState::Rejected => self.advance(CardEvent::Reject, &detail).await.map(drop),
            _ => self.append("refuse", &detail).await,
        }
    }
}
