//! One transaction about one chip of one job: the statements behind [`super::card`].
//!
//! Each statement is a trip to the engine's thread and back, on the one thread that writes for all encoders: what a transaction can know
//! is carried from one statement to the next, and rows of one table go together.

use super::terms::{Assignment, Refusal, Rework, Serial, Station};
use super::{chain, lease};
use crate::error::Error;
use crate::life_cycle::{CardEvent, CardState};
use fuda_card::id::{DfName, Kvn};
use fuda_card::personalisation::Stage;
use fuda_kms::KeyVersion;
use fuda_store::{Conn, clock, rows};
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

/// A card row as far as a step needs it.
#[derive(Debug)]
pub(super) struct CardRow {
    pub(super) serial: String,
    pub(super) position: i64,
    pub(super) attempt: i64,
    pub(super) state: CardState,
}

/// One transaction about one chip of one job.
pub(super) struct Step<'a> {
    pub(super) tx: &'a mut Conn,
    pub(super) now: Timestamp,
    pub(super) job: &'a str,
    pub(super) kdd: &'a str,
}

impl Step<'_> {
    /// The card's row, if the job holds it.
    pub(super) async fn card(&mut self) -> Result<Option<CardRow>, Error> {
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

    /// The job that holds the chip, and the last stage that a job sealed.
    pub(super) async fn chip(&mut self) -> Result<Option<(String, String)>, Error> {
        let query = sqlx::query_as("/* card.chip */ SELECT job, stage FROM chip WHERE kdd = $1").bind(self.kdd);
        Ok(query.fetch_optional(&mut *self.tx).await?)
    }

    /// Goes on with a card that was bound before.
    pub(super) async fn resume(
        &mut self,
        card: &CardRow,
        station: &Station,
        rework: Rework,
    ) -> Result<Assignment, Error> {
        let from = match card.state {
            CardState::Sealed => {
                return Err(Error::Refused { refusal: Refusal::AlreadyIssued { serial: card.serial.clone() } });
            }
            CardState::Rejected => {
                self.rework(card, rework).await?;
                after(card.state, [CardEvent::Rework])?
            }
            state => state,
        };
        let to = after(from, [CardEvent::Resume])?;
        let attempt = card.attempt + 1;
        sqlx::query(
            "/* card.resume */ UPDATE card SET state = $1, attempt = $2, encoder = $3, operator = $4 WHERE job = $5 AND kdd = $6",
        )
        .bind(to.as_str())
        .bind(attempt)
        .bind(station.encoder.as_str())
        .bind(station.operator.as_str())
        .bind(self.job)
        .bind(self.kdd)
        .execute(&mut *self.tx)
        .await?;
        self.append(&card.serial, &[(CardEvent::Resume.as_str(), &station.encoder)]).await?;
        Ok(Assignment {
            serial: card.serial.clone(),
            position: card.position.unsigned_abs(),
            attempt: attempt.unsigned_abs(),
        })
    }

    /// Binds the chip to a serial and records the intent: nothing was sent before, so both are one entry in time.
    ///
    /// A line of another job may have met a chip of this identity since `holder` was read: the statement that takes it compares.
    pub(super) async fn bind(
        &mut self,
        position: i64,
        serial: &Serial,
        station: &Station,
        holder: Option<&str>,
    ) -> Result<(), Error> {
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
        let held = sqlx::query(
            "/* card.bind */ INSERT INTO chip (kdd, job, stage) VALUES ($1, $2, 'blank') \
             ON CONFLICT (kdd) DO UPDATE SET job = $2 WHERE chip.job = $3 AND chip.stage = 'zeroth'",
        )
        .bind(self.kdd)
        .bind(self.job)
        .bind(holder.unwrap_or_default())
        .execute(&mut *self.tx)
        .await?;
        if held.rows_affected() == 0 {
            return Err(Error::Refused { refusal: Refusal::Foreign });
        }
        let intended = after(CardState::Bound, [CardEvent::Intend])?;
        sqlx::query(
            "/* card.bind */ INSERT INTO card (job, kdd, serial, position, printed, state, attempt, encoder, operator) \
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8)",
        )
        .bind(self.job)
        .bind(self.kdd)
        .bind(serial.serial.as_str())
        .bind(position)
        .bind(serial.printed.as_str())
        .bind(intended.as_str())
        .bind(station.encoder.as_str())
        .bind(station.operator.as_str())
        .execute(&mut *self.tx)
        .await?;
        self.append(&serial.serial, &[("bind", &station.encoder), (CardEvent::Intend.as_str(), "")]).await
    }

    /// Notes the key sets that the script may write.
    pub(super) async fn offer_key_sets(&mut self, sets: &[(DfName, Kvn, KeyVersion)]) -> Result<(), Error> {
        if sets.is_empty() {
            return Ok(());
        }
        let insert = format!(
            "/* card.offer_key_sets */ INSERT INTO card_key (card, state, df, kvn, key, version) VALUES {} ON CONFLICT DO NOTHING",
            rows::placeholders(sets.len(), 2, 4)
        );
        let mut insert = sqlx::query(AssertSqlSafe(insert)).bind(self.kdd).bind("offered");
        for (df, kvn, key) in sets {
            insert = insert
                .bind(df.to_string())
                .bind(i64::from(kvn.to_u8()))
                .bind(key.name.to_string())
                .bind(i64::from(key.number.get()));
        }
        insert.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// Applies events to the card by the table of the life cycle, and writes them into the chain.
    pub(super) async fn advance(&mut self, events: &[(CardEvent, &str)]) -> Result<(), Error> {
        let card = self.held().await?;
        self.advance_card(&card, events).await
    }

    pub(super) async fn advance_card(&mut self, card: &CardRow, events: &[(CardEvent, &str)]) -> Result<(), Error> {
        let to = after(card.state, events.iter().map(|(event, _)| *event))?;
        sqlx::query("/* card.advance */ UPDATE card SET state = $1 WHERE job = $2 AND kdd = $3")
            .bind(to.as_str())
            .bind(self.job)
            .bind(self.kdd)
            .execute(&mut *self.tx)
            .await?;
        let entries: Vec<_> = events.iter().map(|(event, detail)| (event.as_str(), *detail)).collect();
        self.append(&card.serial, &entries).await
    }

    /// The card's row, which must be there.
    pub(super) async fn held(&mut self) -> Result<CardRow, Error> {
        self.card().await?.ok_or_else(|| Error::StoreContent { what: format!("card {} has no row", self.kdd) })
    }

    /// Writes entries about this chip, as (event, detail), into the chain.
    pub(super) async fn append(&mut self, serial: &str, events: &[(&str, &str)]) -> Result<(), Error> {
        let entry = |&(event, detail)| chain::Entry { job: self.job, kdd: self.kdd, serial, event, detail };
        let entries: Vec<_> = events.iter().map(entry).collect();
        chain::append_all(self.tx, self.now, self.job, &entries).await
    }

    /// Applies the events that end with the seal; the card is good and its key sets are proved.
    pub(super) async fn seal(&mut self, stage: Stage, events: &[CardEvent], line: &str) -> Result<(), Error> {
        let card = self.held().await?;
        let to = after(card.state, events.iter().copied())?;
        lease::spend(self.tx, self.job, line).await?;
        let stage = match stage {
            Stage::Zeroth => "zeroth",
            Stage::First => "first",
        };
        sqlx::query("/* card.seal */ UPDATE card SET state = $1, issued_at = $2 WHERE job = $3 AND kdd = $4")
            .bind(to.as_str())
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
        let entries: Vec<_> = events.iter().map(|event| (event.as_str(), "")).collect();
        self.append(&card.serial, &entries).await
    }
}

/// The state after events in a row, each allowed by the table.
pub(super) fn after(from: CardState, events: impl IntoIterator<Item = CardEvent>) -> Result<CardState, Error> {
    events.into_iter().try_fold(from, |state, event| state.after(event).ok_or(Error::Transition { from: state, event }))
}
