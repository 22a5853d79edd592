//! What time alone decides, and no more: a job with nothing at a terminal ends, and a script whose time is over becomes unknown.
//!
//! Whether a script ran is never guessed: a terminal may have run it and not told, so its job waits for the card.

use super::job::Job;
use super::life_cycle::{JobEvent, JobState, ScriptEvent, ScriptState};
use super::script::Script;
use super::session::forget_scripts;
use crate::error::Error;
use crate::orders;
use fuda_card::cardscript::ScriptId;
use fuda_store::clock::stored;
use fuda_store::{Conn, Store};
use jiff::SignedDuration;

/// Jobs and scripts that are looked at in one round; what is left is the next round's.
const PER_ROUND: i64 = 200;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Elapsed {
    /// Jobs that ended.
    pub jobs: u64,
    /// Scripts that only their cards can tell of from now on.
    pub scripts: u64,
}

/// Does what time decides. Each job and script goes in a transaction of its own, so that any number of nodes may do the same at once.
///
/// # Errors
/// [`Error::Store`]; what was done before stays so.
pub fn elapse(store: &Store, job_life: SignedDuration) -> Result<Elapsed, Error> {
    let now = store.clock().now();
    let before = stored(now.checked_sub(job_life).unwrap_or(now));
    let scripts = due(
        store,
        "SELECT id FROM online_script WHERE state = 'offered' AND kind = 'write' AND expires_at < $1 ORDER BY expires_at, id LIMIT $2",
        stored(now),
    )?;
    let mut elapsed = Elapsed::default();
    for id in scripts {
        let now = stored(now);
        let lose = async move |tx: &mut Conn| lose(tx, &id, &now).await;
        elapsed.scripts += counted(store.run_tx_blocking("online.elapse_script", lose))?;
    }
    let jobs = due(
        store,
        "SELECT id FROM online_job WHERE state IN ('created', 'ready') AND changed_at < $1 ORDER BY changed_at, id LIMIT $2",
        before.clone(),
    )?;
    for id in jobs {
        let (before, now) = (before.clone(), stored(now));
        let end = async move |tx: &mut Conn| end(tx, &id, &before, &now).await;
        elapsed.jobs += counted(store.run_tx_blocking("online.elapse_job", end))?;
    }
    Ok(elapsed)
}

/// One more, unless somebody was first.
fn counted(done: Result<(), Error>) -> Result<u64, Error> {
    match done {
        Ok(()) => Ok(1),
        Err(error) if error.is_overtaken() => Ok(0),
        Err(error) => Err(error),
    }
}

fn due(store: &Store, select: &'static str, before: String) -> Result<Vec<String>, Error> {
    store.read_blocking("online.due", async move |tx| {
        Ok(sqlx::query_scalar(select).bind(before).bind(PER_ROUND).fetch_all(&mut *tx).await?)
    })
}

/// A script that was at a terminal for too long: it may have run.
async fn lose(tx: &mut Conn, id: &str, now: &str) -> Result<(), Error> {
    let id: ScriptId = id.parse().map_err(|_| Error::content("a script's name"))?;
    let script = Script::load(tx, id).await?.filter(|script| script.state == ScriptState::Offered);
    let script = script.ok_or(Error::Overtaken)?;
    script.happen(tx, ScriptEvent::Lose).await?;
    match Job::load(tx, &script.job).await?.filter(|job| job.state == JobState::Offered) {
        Some(job) => job.happen(tx, &[JobEvent::Lose], "", 0, now).await.map(drop),
        None => Ok(()),
    }
}

/// A job that nobody went on with: what it had of the entitlement goes back, and what only looked at the card is forgotten.
async fn end(tx: &mut Conn, id: &str, before: &str, now: &str) -> Result<(), Error> {
    let waits =
        |job: &Job| matches!(job.state, JobState::Created | JobState::Ready) && job.changed_at.as_str() < before;
    let job = Job::load(tx, id).await?.filter(waits).ok_or(Error::Overtaken)?;
    if Script::unresolved(tx, job.card, &job.df).await?.iter().any(|script| script.job == job.id) {
        return Err(Error::Overtaken);
    }
    job.happen(tx, &[JobEvent::Expire], "", 0, now).await?;
    orders::let_go(tx, &job.entitlement, &job.id, now).await?;
    for text in [
        "/* online.elapse_job */ UPDATE online_session SET state = 'ended' WHERE job = $1 AND state = 'open'",
        "/* online.elapse_job */ UPDATE online_script SET state = 'dead' WHERE job = $1 AND state IN ('offered', 'unknown')",
    ] {
        sqlx::query(text).bind(job.id.as_str()).execute(&mut *tx).await?;
    }
    forget_scripts(tx, &job.id).await
}
