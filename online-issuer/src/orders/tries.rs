//! Wrong activation codes are counted by order, by printed number and by client; too many of them lock what they were counted by.

use super::OrderError;
use crate::error::Error;
use fuda_store::{Conn, clock};
use jiff::{SignedDuration, Timestamp};

/// Wrong codes within [`WINDOW`] that lock: a person mistypes, which the check digit mostly finds and which is not counted, but does not guess.
const WRONG_MAX: i64 = 5;
/// Time within which wrong codes are counted together.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// Time that a lock lasts. At 5 tries an hour for each order, printed number and client, a guess among 2⁴⁵ codes is hopeless.
const LOCK: SignedDuration = SignedDuration::from_hours(1);

/// What wrong codes are counted by.
#[derive(Debug, Clone)]
pub(super) struct Subjects(Vec<String>);

impl Subjects {
    /// The order, the printed number when it was given, and the client as the blind index knows it.
    pub(super) fn new(order: &str, printed: Option<&str>, client: Option<&str>) -> Self {
        let printed = printed.map(|printed| format!("printed:{printed}"));
        let client = client.map(|client| format!("client:{client}"));
        Self([Some(format!("order:{order}")), printed, client].into_iter().flatten().collect())
    }

    /// Refuses when one of them is locked.
    pub(super) async fn check(&self, tx: &mut Conn, now: Timestamp) -> Result<(), Error> {
        for subject in &self.0 {
            let locked: Option<(String,)> = sqlx::query_as(
                "/* claim.locked */ SELECT locked_until FROM claim_try WHERE subject = $1 AND locked_until > $2",
            )
            .bind(subject.as_str())
            .bind(clock::stored(now))
            .fetch_optional(&mut *tx)
            .await?;
            if let Some((until,)) = locked {
                return Err(OrderError::Locked { until }.into());
            }
        }
        Ok(())
    }

    /// Counts a wrong code.
    pub(super) async fn wrong(&self, tx: &mut Conn, now: Timestamp) -> Result<(), Error> {
        let at = |span: SignedDuration| clock::stored(now.checked_add(span).unwrap_or(now));
        for subject in &self.0 {
            sqlx::query(
                "/* claim.wrong */ INSERT INTO claim_try (subject, wrong, first_at) VALUES ($1, 1, $2) ON CONFLICT (subject) DO UPDATE SET \
                 wrong = CASE WHEN claim_try.first_at < $3 THEN 1 ELSE claim_try.wrong + 1 END, \
                 first_at = CASE WHEN claim_try.first_at < $3 THEN $2 ELSE claim_try.first_at END, \
                 locked_until = CASE WHEN claim_try.first_at >= $3 AND claim_try.wrong + 1 >= $4 THEN $5 ELSE NULL END",
            )
            .bind(subject.as_str())
            .bind(clock::stored(now))
            .bind(at(-WINDOW))
            .bind(WRONG_MAX)
            .bind(at(LOCK))
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}
