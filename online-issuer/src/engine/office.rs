//! What an operator sees of jobs and cards, and the few things that one may do about them. Threads only: these doors block.

use super::error::JobError;
use super::job::Job;
use super::life_cycle::{JobEvent, JobState};
use super::out::{self, ScriptOut};
use super::shut::{self, ShutRow};
use super::target::block;
use crate::error::Error;
use crate::id::random_hex;
use crate::orders;
use crate::stock::hold::{self, NewHold};
use fuda_card::id::Kdd;
use fuda_store::clock::stored;
use fuda_store::{Conn, Store};

/// Jobs that one list shows.
pub const JOBS_MAX: u32 = 500;

/// States in which somebody waits for a job, or only the card knows.
pub const UNRESOLVED: [JobState; 4] = [JobState::Unknown, JobState::Offered, JobState::Ready, JobState::Created];

/// A script, for an operator.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ScriptRow {
    /// Its name.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// Counter of the key set that it was made for; 0 when the card was asked.
    pub counter: i64,
    /// State.
    pub state: String,
    /// When it was made.
    pub made_at: String,
    /// SHA-256 of its commands.
    pub commands_sha256: String,
}

/// A card as the engine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    /// The chip.
    pub card: Kdd,
    /// Why it gets no more scripts; empty when it does.
    pub blocked: String,
    /// Proved counters: DF, KVN, counter.
    pub counters: Vec<(String, i64, i64)>,
    /// Applications that are to be shut, or are.
    pub shut: Vec<ShutRow>,
    /// Its jobs.
    pub jobs: Vec<Job>,
}

/// Two of the staff who take a loss upon themselves, and why.
#[derive(Debug, Clone)]
pub struct WriteOff {
    /// Who does it.
    pub operator: String,
    /// Who checked it.
    pub checker: String,
    /// Why.
    pub reason: String,
}

/// Jobs in some states, those that changed last first; at most [`JOBS_MAX`].
///
/// # Errors
/// [`Error::Store`], [`Error::StoreContent`].
pub fn jobs(store: &Store, states: &[JobState]) -> Result<Vec<Job>, Error> {
    let states = states.to_vec();
    store.read_blocking("online.jobs", async move |tx| Job::list(tx, &states, JOBS_MAX).await)
}

/// A job and its scripts.
///
/// # Errors
/// [`JobError::NotFound`]; [`Error::Store`].
pub fn job(store: &Store, id: &str) -> Result<(Job, Vec<ScriptRow>), Error> {
    let id = id.to_owned();
    store.read_blocking("online.job", async move |tx| {
        let job = Job::load(tx, &id).await?.ok_or(JobError::NotFound)?;
        let scripts = sqlx::query_as(
            "/* online.job_scripts */ SELECT id, kind, counter, state, made_at, commands_sha256 FROM online_script WHERE job = $1 ORDER BY made_at, id",
        );
        Ok((job, scripts.bind(id.as_str()).fetch_all(&mut *tx).await?))
    })
}

/// A card, by its chip or its serial.
///
/// # Errors
/// [`JobError::NoCard`]; [`Error::Store`].
pub fn card(store: &Store, name: &str) -> Result<CardView, Error> {
    let name = name.to_owned();
    store.read_blocking("online.card", async move |tx| {
        let card = chip(tx, &name).await?;
        let kdd = card.to_string();
        let reason: Option<String> =
            sqlx::query_scalar("/* online.block_of */ SELECT reason FROM online_block WHERE card = $1")
                .bind(kdd.as_str())
                .fetch_optional(&mut *tx)
                .await?;
        let counters = sqlx::query_as(
            "/* online.counters */ SELECT df, kvn, verified FROM key_set_counter WHERE card = $1 ORDER BY df, kvn",
        );
        let counters = counters.bind(kdd.as_str()).fetch_all(&mut *tx).await?;
        let jobs = Job::list(tx, JobState::ALL, JOBS_MAX).await?;
        let jobs = jobs.into_iter().filter(|job| job.card == card).collect();
        let shut = shut::of_card(tx, card).await?;
        Ok(CardView { card, blocked: reason.unwrap_or_default(), counters, shut, jobs })
    })
}

/// A hold that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its number.
    pub id: String,
    /// Cards in stock that it stops now.
    pub cards: i64,
    /// What it comes too late for.
    pub out: Vec<ScriptOut>,
}

/// Places a hold, and tells which scripts are at terminals already. Every later one is refused.
///
/// # Errors
/// [`Error::Store`].
pub fn hold(store: &Store, hold: &NewHold) -> Result<Placed, Error> {
    let (hold, id, now) = (hold.clone(), random_hex::<4>()?, stored(store.clock().now()));
    store.run_tx_blocking("online.hold", async move |tx| {
        let cards = hold::place(tx, &id, &hold, &now).await?;
        let out = out::under_hold(tx, &id).await?;
        Ok(Placed { id, cards, out })
    })
}

/// Lets no more scripts out for a card, and tells which are at terminals already.
///
/// # Errors
/// [`JobError::NoCard`]; [`Error::Store`].
pub fn block_card(store: &Store, name: &str, reason: &str, who: &str) -> Result<(Kdd, Vec<ScriptOut>), Error> {
    let (name, reason, who, now) = (name.to_owned(), reason.to_owned(), who.to_owned(), stored(store.clock().now()));
    store.run_tx_blocking("online.block", async move |tx| {
        let card = chip(tx, &name).await?;
        block(tx, card, &reason, &who, &now).await?;
        Ok((card, out::of_card(tx, card).await?))
    })
}

/// Gives a job up that only its card could resolve: the entitlement is free again. Should the card turn out to hold it after all, the next job
/// on that card is refused.
///
/// # Errors
/// [`JobError::NotFound`], [`JobError::Resolved`], [`JobError::SamePerson`]; [`Error::Store`].
pub fn write_off(store: &Store, id: &str, by: &WriteOff) -> Result<Job, Error> {
    if by.operator == by.checker {
        return Err(JobError::SamePerson.into());
    }
    let (id, by, now) = (id.to_owned(), by.clone(), stored(store.clock().now()));
    store.run_tx_blocking("online.write_off", async move |tx| {
        let job = Job::load(tx, &id).await?.ok_or(JobError::NotFound)?;
        if job.state.is_resolved() {
            return Err(JobError::Resolved { state: job.state }.into());
        }
        let holds_right = matches!(job.state, JobState::Offered | JobState::Unknown);
        job.happen(tx, &[JobEvent::WriteOff], "", 0, &now).await?;
        if holds_right {
            orders::release(tx, &job.entitlement, &job.id, &now).await?;
        }
        sqlx::query(
            "/* online.write_off */ INSERT INTO online_write_off (job, operator, checker, reason, at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(job.id.as_str())
        .bind(by.operator.as_str())
        .bind(by.checker.as_str())
        .bind(by.reason.as_str())
        .bind(now.as_str())
        .execute(&mut *tx)
        .await?;
        Ok(Job { state: JobState::Failed, ..job })
    })
}

/// The chip of a name: itself, or a serial in stock.
async fn chip(tx: &mut Conn, name: &str) -> Result<Kdd, Error> {
    let found: Option<String> =
        sqlx::query_scalar("/* online.chip */ SELECT kdd FROM stock_card WHERE kdd = $1 OR serial = $1")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await?;
    let kdd = found.ok_or(JobError::NoCard)?;
    kdd.parse().map_err(|_| Error::content("a card's chip"))
}
