//! Who may say what: a second person is somebody who did not make the cards.

use super::Control;
use super::control::control;
use crate::error::Error;
use fuda_store::Conn;

/// Refuses a person who worked on a job: at any of its cards or lines.
///
/// # Errors
/// [`Error::SamePerson`]; [`Error::Store`].
pub(super) async fn other_than_the_crew(tx: &mut Conn, job: &str, person: &str) -> Result<(), Error> {
    let (own,): (i64,) = sqlx::query_as(
        "/* job.crew */ SELECT (SELECT COUNT(*) FROM card WHERE job = $1 AND operator = $2) + (SELECT COUNT(*) FROM crew WHERE job = $1 AND operator = $2)",
    )
    .bind(job)
    .bind(person)
    .fetch_one(&mut *tx)
    .await?;
    if own == 0 { Ok(()) } else { Err(Error::SamePerson { person: person.to_owned() }) }
}

/// Refuses when a job was closed: its counts are signed.
///
/// # Errors
/// [`Error::JobHeld`]; [`Error::Store`].
pub(super) async fn require_open(tx: &mut Conn, job: &str) -> Result<(), Error> {
    let (control, reason) = control(tx, job).await?;
    if control == Control::Closed {
        return Err(Error::JobHeld { job: job.to_owned(), control, reason });
    }
    Ok(())
}
