//! Cartons: printed numbers matched to good cards, one scan at a time.

use super::step::Step;
use super::{IssuedCard, Journal, chain};
use crate::error::Error;
use crate::life_cycle::CardState;
use fuda_card::id::Kdd;
use fuda_store::{Conn, clock};
use thiserror::Error;

/// A carton that is being filled.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Carton {
    /// On the box.
    pub label: String,
    /// The job whose cards are in it.
    pub job: String,
    /// Cards that it holds.
    pub size: i64,
    /// Cards in it.
    pub cards: i64,
    /// Of these, cards whose chip was read.
    pub matched: i64,
}

impl Carton {
    /// Whether no card more goes in.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.cards >= self.size
    }
}

/// A carton that cannot be used as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CartonError {
    /// Another job has a carton of this label.
    #[error("carton {label} holds cards of job {job}")]
    OtherJob {
        /// Its label.
        label: String,
        /// That job.
        job: String,
    },
    /// It was begun with another size.
    #[error("carton {label} was begun for {size} cards")]
    OtherSize {
        /// Its label.
        label: String,
        /// Its size.
        size: i64,
    },
    /// Its cards were delivered.
    #[error("carton {label} left with delivery {delivery}")]
    Delivered {
        /// Its label.
        label: String,
        /// Number of the delivery.
        delivery: i64,
    },
    /// The job has no carton of this label.
    #[error("job {job} has no carton {label}")]
    Unknown {
        /// Its label.
        label: String,
        /// The job.
        job: String,
    },
}

impl CartonError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherJob { .. } => "CARTON_OF_OTHER_JOB",
            Self::OtherSize { .. } => "CARTON_SIZE",
            Self::Delivered { .. } => "CARTON_DELIVERED",
            Self::Unknown { .. } => "CARTON_UNKNOWN",
        }
    }
}

/// Why a package does not go into the carton.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Misfit {
    /// No card of the job has this number.
    #[error("no card of the job has this number")]
    Unknown,
    /// Its card is in the reject bin.
    #[error("serial {serial} is in the reject bin: this package must be empty")]
    Rejected {
        /// Its serial.
        serial: String,
    },
    /// Its card is not good yet.
    #[error("serial {serial} is not finished: its card is {state}")]
    Unfinished {
        /// Its serial.
        serial: String,
        /// Where the card stands.
        state: CardState,
    },
    /// It was packed before.
    #[error("serial {serial} is in carton {label} already")]
    Packed {
        /// Its serial.
        serial: String,
        /// That carton.
        label: String,
    },
    /// It was delivered without a carton.
    #[error("serial {serial} left with delivery {delivery}")]
    Delivered {
        /// Its serial.
        serial: String,
        /// Number of the delivery.
        delivery: i64,
    },
    /// Another card than its own is in the package.
    #[error("the package is of serial {serial}, the card in it is serial {found}")]
    OtherCard {
        /// Serial of the package.
        serial: String,
        /// Serial of the card.
        found: String,
    },
    /// The carton is full.
    #[error("the carton is full")]
    Full,
}

impl Misfit {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "PACK_UNKNOWN",
            Self::Rejected { .. } => "PACK_REJECTED",
            Self::Unfinished { .. } => "PACK_UNFINISHED",
            Self::Packed { .. } => "PACK_TWICE",
            Self::Delivered { .. } => "PACK_DELIVERED",
            Self::OtherCard { .. } => "PACK_OTHER_CARD",
            Self::Full => "PACK_FULL",
        }
    }
}

/// What a package was matched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Its printed number.
    Number,
    /// Its printed number, and the chip in it.
    Chip(Kdd),
}

/// Who packs into what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing<'p> {
    /// Label of the carton.
    pub label: &'p str,
    /// Who does it; `-` for nobody who was named.
    pub operator: &'p str,
}

/// A card in a carton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Serial of the card.
    pub serial: String,
    /// The carton with this card in it.
    pub carton: Carton,
}

#[derive(sqlx::FromRow)]
struct Found {
    kdd: String,
    serial: String,
    state: String,
    carton: String,
    delivery: Option<i64>,
}

impl Journal {
    /// Opens a carton for cards of the job, a new one or one that was begun.
    ///
    /// # Errors
    /// [`Error::Carton`] when it is another job's, of another size or delivered; [`Error::Store`].
    pub fn open_carton(&self, label: &str, size: u32) -> Result<Carton, Error> {
        let (job, label, now) = (self.job.order.id.clone(), label.to_owned(), self.store.clock().now());
        self.store.run_tx_blocking("carton.open", async move |tx| {
            sqlx::query(
                "/* carton.open */ INSERT INTO carton (label, job, size, begun_at) VALUES ($1, $2, $3, $4) ON CONFLICT (label) DO NOTHING",
            )
            .bind(label.as_str())
            .bind(job.as_str())
            .bind(i64::from(size))
            .bind(clock::stored(now))
            .execute(&mut *tx)
            .await?;
            let carton = carton(tx, &label).await?;
            let wrong = |error| Err(Error::Carton { error });
            if carton.job != job {
                return wrong(CartonError::OtherJob { label, job: carton.job });
            }
            if carton.size != i64::from(size) {
                return wrong(CartonError::OtherSize { label, size: carton.size });
            }
            match delivery_of(tx, &carton).await? {
                Some(delivery) => wrong(CartonError::Delivered { label, delivery }),
                None => Ok(carton),
            }
        })
    }

    /// The good card whose package has this printed number and may be packed, or why not.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn packable(&self, printed: &str) -> Result<Result<IssuedCard, Misfit>, Error> {
        let (job, wanted) = (self.job.order.id.clone(), printed.to_owned());
        let found = self.store.read_blocking("carton.packable", async move |tx| find(tx, &job, &wanted).await)?;
        match fit(found)? {
            Err(misfit) => Ok(Err(misfit)),
            Ok(card) => Ok(self.find_issued(&card.kdd)?.ok_or(Misfit::Unknown)),
        }
    }

    /// Puts the card whose package has this printed number into a carton, or says why not.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn pack(&self, packing: &Packing<'_>, printed: &str, matched: &Match) -> Result<Result<Packed, Misfit>, Error> {
        let (job, now) = (self.job.order.id.clone(), self.store.clock().now());
        let Packing { label, operator } = *packing;
        let (label, operator) = (label.to_owned(), operator.to_owned());
        let (printed, matched) = (printed.to_owned(), matched.clone());
        self.store.part(self.job.order.id.as_str()).run_tx_blocking("carton.pack", async move |tx| {
            let card = match fit(find(tx, &job, &printed).await?)? {
                Ok(card) => card,
                Err(misfit) => return Ok(Err(misfit)),
            };
            if let Match::Chip(kdd) = &matched
                && kdd.to_string() != card.kdd
            {
                let found = serial_of(tx, &job, &kdd.to_string()).await?;
                let detail = format!("by {operator}: the package of {} holds {found}, carton {label}", card.serial);
                let (kdd, serial, event) = (card.kdd.as_str(), card.serial.as_str(), "pack-mismatch");
                chain::append(tx, now, &chain::Entry { job: &job, kdd, serial, event, detail: &detail }).await?;
                return Ok(Err(Misfit::OtherCard { serial: card.serial, found }));
            }
            if carton(tx, &label).await?.is_full() {
                return Ok(Err(Misfit::Full));
            }
            let step = Step { tx, now, job: &job, kdd: &card.kdd };
            put_in(step, &Packing { label: &label, operator: &operator }, &card.serial, &matched).await?;
            Ok(Ok(Packed { serial: card.serial, carton: carton(tx, &label).await? }))
        })
    }

    /// The cartons of the job, by label.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn cartons(&self) -> Result<Vec<Carton>, Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("carton.list", async move |tx| {
            let query = sqlx::query_as(
                "/* carton.list */ SELECT label, job, size, cards, matched FROM carton WHERE job = $1 ORDER BY label",
            );
            Ok(query.bind(job).fetch_all(&mut *tx).await?)
        })
    }
}

async fn put_in(step: Step<'_>, packing: &Packing<'_>, serial: &str, matched: &Match) -> Result<(), Error> {
    let Step { tx, now, job, kdd } = step;
    let Packing { label, operator } = *packing;
    let (chips, how) = match matched {
        Match::Number => (0_i64, "by its number"),
        Match::Chip(_) => (1, "by its number and its chip"),
    };
    sqlx::query("/* carton.pack */ UPDATE card SET carton = $1, matched = $2 WHERE job = $3 AND kdd = $4")
        .bind(label)
        .bind(chips)
        .bind(job)
        .bind(kdd)
        .execute(&mut *tx)
        .await?;
    sqlx::query("/* carton.pack */ UPDATE carton SET cards = cards + 1, matched = matched + $1 WHERE label = $2")
        .bind(chips)
        .bind(label)
        .execute(&mut *tx)
        .await?;
    let detail = format!("by {operator}: carton {label} {how}");
    chain::append(tx, now, &chain::Entry { job, kdd, serial, event: "pack", detail: &detail }).await
}

/// Takes a card out of the carton that it is in, if it is in one: another may be packed in its place.
pub(super) async fn take_out(tx: &mut Conn, job: &str, kdd: &str) -> Result<(), Error> {
    sqlx::query(
        "/* carton.take_out */ UPDATE carton SET cards = cards - 1, \
         matched = matched - (SELECT matched FROM card WHERE job = $1 AND kdd = $2) \
         WHERE label = (SELECT carton FROM card WHERE job = $1 AND kdd = $2)",
    )
    .bind(job)
    .bind(kdd)
    .execute(&mut *tx)
    .await?;
    sqlx::query("/* carton.take_out */ UPDATE card SET carton = '', matched = 0 WHERE job = $1 AND kdd = $2")
        .bind(job)
        .bind(kdd)
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn carton(tx: &mut Conn, label: &str) -> Result<Carton, Error> {
    let query =
        sqlx::query_as("/* carton.find */ SELECT label, job, size, cards, matched FROM carton WHERE label = $1");
    Ok(query.bind(label).fetch_one(&mut *tx).await?)
}

/// The delivery that a carton left with.
async fn delivery_of(tx: &mut Conn, carton: &Carton) -> Result<Option<i64>, Error> {
    let (delivery,): (Option<i64>,) = sqlx::query_as(
        "/* carton.delivery */ SELECT MAX(delivery) FROM card WHERE job = $1 AND carton = $2 AND carton <> ''",
    )
    .bind(carton.job.as_str())
    .bind(carton.label.as_str())
    .fetch_one(&mut *tx)
    .await?;
    Ok(delivery)
}

/// The cartons that a delivery is to take, each of which the job must have.
pub(super) async fn require(tx: &mut Conn, job: &str, labels: &[String]) -> Result<(), Error> {
    for label in labels {
        let held: Option<(String,)> =
            sqlx::query_as("/* carton.require */ SELECT job FROM carton WHERE label = $1 AND job = $2")
                .bind(label.as_str())
                .bind(job)
                .fetch_optional(&mut *tx)
                .await?;
        if held.is_none() {
            let error = CartonError::Unknown { label: label.clone(), job: job.to_owned() };
            return Err(Error::Carton { error });
        }
    }
    Ok(())
}

async fn find(tx: &mut Conn, job: &str, printed: &str) -> Result<Option<Found>, Error> {
    let query = sqlx::query_as(
        "/* carton.match */ SELECT kdd, serial, state, carton, delivery FROM card WHERE job = $1 AND printed = $2",
    );
    Ok(query.bind(job).bind(printed).fetch_optional(&mut *tx).await?)
}

async fn serial_of(tx: &mut Conn, job: &str, kdd: &str) -> Result<String, Error> {
    let row: Option<(String,)> =
        sqlx::query_as("/* carton.serial_of */ SELECT serial FROM card WHERE job = $1 AND kdd = $2")
            .bind(job)
            .bind(kdd)
            .fetch_optional(&mut *tx)
            .await?;
    Ok(row.map_or_else(|| "(none of this job)".to_owned(), |(serial,)| serial))
}

/// Whether a card may be packed.
fn fit(found: Option<Found>) -> Result<Result<Found, Misfit>, Error> {
    let Some(card) = found else { return Ok(Err(Misfit::Unknown)) };
    let serial = card.serial.clone();
    Ok(match (card.state.parse()?, card.delivery) {
        (CardState::Rejected, _) => Err(Misfit::Rejected { serial }),
        (CardState::Sealed, _) if !card.carton.is_empty() => Err(Misfit::Packed { serial, label: card.carton }),
        (CardState::Sealed, Some(delivery)) => Err(Misfit::Delivered { serial, delivery }),
        (CardState::Sealed, None) => Ok(card),
        (state, _) => Err(Misfit::Unfinished { serial, state }),
    })
}
