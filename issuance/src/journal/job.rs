//! Jobs: one order on one line, with the key versions pinned when it was made.

use super::{Control, Journal, chain};
use crate::delivery::SiteMode;
use crate::error::Error;
use fuda_card::personalisation::Stage;
use fuda_kms::{KeyName, KeyVersion};
use fuda_store::{Conn, Store, clock};
use std::collections::BTreeMap;
use std::str::FromStr;

/// What an order asks for, as the journal keeps it.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Order number.
    pub id: String,
    /// The order file as given.
    pub order_text: String,
    /// SHA-256 of its bytes, hex.
    pub order_sha256: String,
    /// Name of the product profile.
    pub profile: String,
    /// The profile's hash, hex.
    pub profile_sha256: String,
    /// First stage to issue.
    pub first_stage: Stage,
    /// Last stage to issue.
    pub last_stage: Stage,
    /// Good cards ordered.
    pub quantity: u64,
    /// Serials beyond the quantity.
    pub spares: u64,
    /// Lot name.
    pub lot: String,
    /// Key versions, pinned.
    pub keys: BTreeMap<KeyName, KeyVersion>,
    /// What the site's cards were for when the job was made.
    pub mode: SiteMode,
    /// Good cards that a second person looks at before the rest is made.
    pub first_article: u64,
}

/// A job as the journal knows it.
#[derive(Debug, Clone)]
pub struct Job {
    /// What was ordered.
    pub order: NewJob,
    /// Where it stands.
    pub state: JobState,
    /// Why the line stopped last; empty when it did not.
    pub stop_reason: String,
    /// What people want of its lines.
    pub control: Control,
    /// Why, in their words.
    pub control_reason: String,
    /// Who approved the first articles; empty until then.
    pub approved_by: String,
    /// When it was made.
    pub created_at: String,
    /// Number of journal entries.
    pub entries: u64,
    /// Hash of the last journal entry, hex.
    pub chain_sha256: String,
}

impl Job {
    /// Where it stands, in one word: what people said of it, or else what its lines did.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.control {
            Control::Go => self.state.as_str(),
            control => control.as_str(),
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Cards may be fed.
    Open,
    /// Every ordered card is good.
    Complete,
    /// The line stopped itself; `run` goes on after a person has looked.
    Stopped,
}

impl JobState {
    /// The word in the store and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
        }
    }
}

impl FromStr for JobState {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "open" => Ok(Self::Open),
            "complete" => Ok(Self::Complete),
            "stopped" => Ok(Self::Stopped),
            _ => Err(Error::StoreContent { what: format!("`{word}` is not a job state") }),
        }
    }
}

impl Journal {
    /// Opens the job of an order, and makes it when there is none: what exists goes on.
    ///
    /// # Errors
    /// [`Error::OrderChanged`] when the number is taken by another order file or profile; [`Error::Store`].
    pub fn open_or_create(store: &Store, order: NewJob) -> Result<Self, Error> {
        let now = store.clock().now();
        let wanted = order.clone();
        let existing = store.run_tx_blocking("job.open", async move |tx| {
            let existing = find(tx, &wanted.id).await?;
            if existing.is_none() {
                create(tx, &wanted, clock::stored(now)).await?;
                let detail = format!("{} × {}", wanted.quantity, wanted.profile);
                let entry = chain::Entry { job: &wanted.id, kdd: "", serial: "", event: "create", detail: &detail };
                chain::append(tx, now, &entry).await?;
            }
            Ok::<_, Error>(existing)
        })?;
        match existing {
            Some(job) if job.order.order_sha256 != order.order_sha256 => {
                Err(Error::OrderChanged { job: order.id, part: "order file" })
            }
            Some(job) if job.order.profile_sha256 != order.profile_sha256 => {
                Err(Error::OrderChanged { job: order.id, part: "profile" })
            }
            _ => Self::open(store, &order.id),
        }
    }

    /// Opens an existing job.
    ///
    /// # Errors
    /// [`Error::JobNotFound`]; [`Error::Store`].
    pub fn open(store: &Store, id: &str) -> Result<Self, Error> {
        let wanted = id.to_owned();
        let job = store.read_blocking("job.open", async move |tx| find(tx, &wanted).await)?;
        let job = job.ok_or_else(|| Error::JobNotFound { job: id.to_owned() })?;
        Ok(Self { store: store.clone(), job })
    }

    /// All jobs of a store, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn all(store: &Store) -> Result<Vec<Self>, Error> {
        let jobs = store.read_blocking("job.list", async |tx| {
            let ids: Vec<(String,)> =
                sqlx::query_as("/* job.list */ SELECT id FROM job ORDER BY created_at, id").fetch_all(&mut *tx).await?;
            let mut jobs = Vec::with_capacity(ids.len());
            for (id,) in ids {
                jobs.extend(find(tx, &id).await?);
            }
            Ok::<_, Error>(jobs)
        })?;
        Ok(jobs.into_iter().map(|job| Self { store: store.clone(), job }).collect())
    }

    /// The mode of a store, which is that of its first job, with the job's number.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn mode_of(store: &Store) -> Result<Option<(String, SiteMode)>, Error> {
        let first: Option<(String, String)> = store.read_blocking("job.mode", async |tx| {
            let query = sqlx::query_as("/* job.mode */ SELECT id, mode FROM job ORDER BY created_at, id LIMIT 1");
            Ok::<_, Error>(query.fetch_optional(&mut *tx).await?)
        })?;
        first.map(|(job, mode)| Ok((job, self::mode(&mode)?))).transpose()
    }

    /// Notes that the line works, has finished or has stopped itself, with the reason.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn set_state(&self, state: JobState, reason: &str) -> Result<(), Error> {
        let (job, reason, now) = (self.job.order.id.clone(), reason.to_owned(), self.store.clock().now());
        self.store.run_tx_blocking("job.set_state", async move |tx| {
            let changed = sqlx::query(
                "/* job.set_state */ UPDATE job SET state = $1, stop_reason = $2 WHERE id = $3 AND (state <> $1 OR stop_reason <> $2)",
            )
            .bind(state.as_str())
            .bind(reason.as_str())
            .bind(job.as_str())
            .execute(&mut *tx)
            .await?;
            if changed.rows_affected() > 0 {
                let entry = chain::Entry { job: &job, kdd: "", serial: "", event: state.as_str(), detail: &reason };
                chain::append(tx, now, &entry).await?;
            }
            Ok(())
        })
    }

    /// Recomputes the hash chain of the job's journal.
    ///
    /// # Errors
    /// [`Error::ChainBroken`] names the first entry that does not fit; [`Error::Store`].
    pub fn check_chain(&self) -> Result<(), Error> {
        let job = self.job.order.id.clone();
        self.store.read_blocking("journal.check", async move |tx| chain::check(tx, &job).await)
    }
}

pub(super) async fn create(tx: &mut Conn, order: &NewJob, created_at: String) -> Result<(), Error> {
    sqlx::query(
        "/* job.create */ INSERT INTO job (id, order_sha256, order_text, profile, profile_sha256, first_stage, last_stage, quantity, spares, \
         lot, state, chain_sha256, created_at, mode, first_article) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', $11, $12, $13, $14)",
    )
    .bind(order.id.as_str())
    .bind(order.order_sha256.as_str())
    .bind(order.order_text.as_str())
    .bind(order.profile.as_str())
    .bind(order.profile_sha256.as_str())
    .bind(i64::from(order.first_stage.number()))
    .bind(i64::from(order.last_stage.number()))
    .bind(count(order.quantity)?)
    .bind(count(order.spares)?)
    .bind(order.lot.as_str())
    .bind(chain::start(&order.id))
    .bind(created_at)
    .bind(order.mode.as_str())
    .bind(count(order.first_article)?)
    .execute(&mut *tx)
    .await?;
    sqlx::query("/* job.create */ INSERT INTO pool (job, unclaimed, next) VALUES ($1, $2, 0)")
        .bind(order.id.as_str())
        .bind(count(order.quantity)?)
        .execute(&mut *tx)
        .await?;
    for (name, version) in &order.keys {
        sqlx::query("/* job.create */ INSERT INTO job_key (job, name, version) VALUES ($1, $2, $3)")
            .bind(order.id.as_str())
            .bind(name.to_string())
            .bind(version.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct JobRow {
    order_sha256: String,
    order_text: String,
    profile: String,
    profile_sha256: String,
    first_stage: i64,
    last_stage: i64,
    quantity: i64,
    spares: i64,
    lot: String,
    state: String,
    stop_reason: String,
    control: String,
    control_reason: String,
    mode: String,
    first_article: i64,
    approved_by: String,
    entries: i64,
    chain_sha256: String,
    created_at: String,
}

async fn find(tx: &mut Conn, id: &str) -> Result<Option<Job>, Error> {
    let row: Option<JobRow> = sqlx::query_as(
        "/* job.find */ SELECT order_sha256, order_text, profile, profile_sha256, first_stage, last_stage, quantity, spares, lot, state, \
         stop_reason, control, control_reason, mode, first_article, approved_by, entries, chain_sha256, created_at FROM job WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let pins: Vec<(String, String)> = sqlx::query_as("/* job.find */ SELECT name, version FROM job_key WHERE job = $1")
        .bind(id)
        .fetch_all(&mut *tx)
        .await?;
    let keys = pins
        .into_iter()
        .map(|(name, version)| Ok((name.parse()?, version.parse()?)))
        .collect::<Result<_, fuda_kms::name::NameError>>();
    let order = NewJob {
        id: id.to_owned(),
        order_text: row.order_text,
        order_sha256: row.order_sha256,
        profile: row.profile,
        profile_sha256: row.profile_sha256,
        first_stage: stage(row.first_stage)?,
        last_stage: stage(row.last_stage)?,
        quantity: row.quantity.unsigned_abs(),
        spares: row.spares.unsigned_abs(),
        lot: row.lot,
        keys: keys.map_err(|error| Error::StoreContent { what: error.to_string() })?,
        mode: mode(&row.mode)?,
        first_article: row.first_article.unsigned_abs(),
    };
    Ok(Some(Job {
        order,
        state: row.state.parse()?,
        stop_reason: row.stop_reason,
        control: Control::of(&row.control)?,
        control_reason: row.control_reason,
        approved_by: row.approved_by,
        created_at: row.created_at,
        entries: row.entries.unsigned_abs(),
        chain_sha256: row.chain_sha256,
    }))
}

fn mode(word: &str) -> Result<SiteMode, Error> {
    SiteMode::from_word(word).ok_or_else(|| Error::StoreContent { what: format!("`{word}` is no mode of a site") })
}

fn stage(number: i64) -> Result<Stage, Error> {
    let stage = u8::try_from(number).ok().and_then(Stage::from_number);
    stage.ok_or_else(|| Error::StoreContent { what: format!("{number} is not an issuance stage") })
}

/// A count as the store keeps it.
pub(super) fn count(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::StoreContent { what: format!("{number} is too large a count") })
}
