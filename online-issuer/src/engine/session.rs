//! Sessions and the messages that were answered in them: what makes a repeated message harmless, on any node.

use crate::error::Error;
use fuda_card::cardscript::{Purpose, SessionId};
use fuda_card::forecast::Carrier;
use fuda_store::Conn;
use sqlx::Row;

/// A session as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) sid: SessionId,
    pub(crate) purpose: Purpose,
    /// SHA-256 of the order's token, hex.
    pub(crate) token_sha256: String,
    /// The job; empty for a session that only reads.
    pub(crate) job: String,
    pub(crate) locale: Locale,
    /// How the terminal's reader carries commands.
    pub(crate) carrier: Carrier,
    /// Of the last message that was answered.
    pub(crate) last_seq: u32,
    pub(crate) life: Life,
}

/// Whether a session takes messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Open,
    Ended,
}

/// Language of texts for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locale {
    En,
    Ja,
}

impl Locale {
    /// `ja` is Japanese; any other is answered in English.
    pub(crate) fn of(word: &str) -> Self {
        if word == "ja" || word.starts_with("ja-") { Self::Ja } else { Self::En }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ja => "ja",
        }
    }

    /// The text in this language.
    pub(crate) const fn of_two(self, en: &'static str, ja: &'static str) -> &'static str {
        match self {
            Self::En => en,
            Self::Ja => ja,
        }
    }
}

impl Life {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ended => "ended",
        }
    }
}

/// The word of a carrier in the store.
const fn carrier_word(carrier: Carrier) -> &'static str {
    match carrier {
        Carrier::Whole => "whole",
        Carrier::T0 => "t0",
    }
}

/// The word of a purpose in the store; `None` for one that is not served.
const fn word(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::Activate => Some("activate"),
        Purpose::Read => Some("read"),
        Purpose::Renew | Purpose::Update | Purpose::Reissue => None,
    }
}

/// An answer that was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) body_sha256: String,
    /// Empty when it was deleted.
    pub(crate) answer: String,
}

/// The answer to a message, if it was given.
pub(crate) async fn answered(tx: &mut Conn, sid: SessionId, seq: u32) -> Result<Option<Answered>, Error> {
    let row: Option<(String, String)> = sqlx::query_as(
        "/* online.answered */ SELECT body_sha256, answer FROM online_message WHERE sid = $1 AND seq = $2",
    )
    .bind(sid.to_string())
    .bind(i64::from(seq))
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|(body_sha256, answer)| Answered { body_sha256, answer }))
}

impl Session {
    pub(crate) async fn load(tx: &mut Conn, sid: SessionId) -> Result<Option<Self>, Error> {
        let row = sqlx::query(
            "/* online.session */ SELECT purpose, token_sha256, job, locale, last_seq, state, carrier FROM online_session WHERE sid = $1",
        )
        .bind(sid.to_string())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (purpose, locale, state): (String, String, String) = (row.try_get(0)?, row.try_get(3)?, row.try_get(5)?);
        let purpose = match purpose.as_str() {
            "activate" => Purpose::Activate,
            "read" => Purpose::Read,
            _ => return Err(Error::content("a session's purpose")),
        };
        let last_seq = u32::try_from(row.try_get::<i64, _>(4)?).map_err(|_| Error::content("a session's number"))?;
        let life = if state == "open" { Life::Open } else { Life::Ended };
        let (token_sha256, job, locale) = (row.try_get(1)?, row.try_get(2)?, Locale::of(&locale));
        let carrier = if row.try_get::<String, _>(6)? == "whole" { Carrier::Whole } else { Carrier::T0 };
        Ok(Some(Self { sid, purpose, token_sha256, job, locale, carrier, last_seq, life }))
    }

    /// Stores a new session.
    pub(crate) async fn insert(&self, tx: &mut Conn, node: &str, now: &str) -> Result<(), Error> {
        let purpose = word(self.purpose).ok_or(Error::Fault { what: "a session for a purpose that is not served" })?;
        sqlx::query(
            "/* online.open */ INSERT INTO online_session (sid, purpose, token_sha256, job, locale, carrier, last_seq, state, node, opened_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(self.sid.to_string())
        .bind(purpose)
        .bind(self.token_sha256.as_str())
        .bind(self.job.as_str())
        .bind(self.locale.as_str())
        .bind(carrier_word(self.carrier))
        .bind(i64::from(self.last_seq))
        .bind(self.life.as_str())
        .bind(node)
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(overtaken)?;
        Ok(())
    }

    /// Sessions that were opened for an order since a time, and in which no card proved that it had run a script.
    pub(crate) async fn unproved(tx: &mut Conn, token_sha256: &str, since: &str) -> Result<i64, Error> {
        let query = sqlx::query_scalar(
            "/* online.unproved */ SELECT COUNT(*) FROM online_session s WHERE s.token_sha256 = $1 AND s.opened_at > $2 \
             AND NOT EXISTS (SELECT 1 FROM online_script c WHERE c.sid = s.sid AND c.state = 'confirmed')",
        );
        Ok(query.bind(token_sha256).bind(since).fetch_one(&mut *tx).await?)
    }

    /// Moves a session on to the message that is being answered, which must be the next.
    pub(crate) async fn advance(&self, tx: &mut Conn, seq: u32, life: Life) -> Result<(), Error> {
        let moved = sqlx::query(
            "/* online.advance */ UPDATE online_session SET last_seq = $1, state = $2 WHERE sid = $3 AND last_seq = $4 AND state = 'open'",
        )
        .bind(i64::from(seq))
        .bind(life.as_str())
        .bind(self.sid.to_string())
        .bind(i64::from(self.last_seq))
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::Overtaken) }
    }
}

/// Stores the answer to a message.
pub(crate) async fn keep_answer(
    tx: &mut Conn,
    (sid, seq): (SessionId, u32),
    answered: &Answered,
    now: &str,
) -> Result<(), Error> {
    sqlx::query(
        "/* online.answer */ INSERT INTO online_message (sid, seq, body_sha256, answer, answered_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(sid.to_string())
    .bind(i64::from(seq))
    .bind(answered.body_sha256.as_str())
    .bind(answered.answer.as_str())
    .bind(now)
    .execute(&mut *tx)
    .await
    .map_err(overtaken)?;
    Ok(())
}

/// Deletes the scripts of a job that stand in answers; their hashes stay.
pub(crate) async fn forget_scripts(tx: &mut Conn, job: &str) -> Result<(), Error> {
    sqlx::query(
        "/* online.forget */ UPDATE online_message SET answer = '' WHERE (sid, seq) IN (SELECT sid, seq FROM online_script WHERE job = $1)",
    )
    .bind(job)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// A key that is there already was made by another message.
pub(crate) fn overtaken(error: sqlx::Error) -> Error {
    match fuda_store::Error::from(error) {
        fuda_store::Error::Constraint { kind: fuda_store::ConstraintKind::Unique, .. } => Error::Overtaken,
        error => Error::Store(error),
    }
}
