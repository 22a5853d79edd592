//! Scripts as stored: everything that any node needs to make the same commands again and to verify their answers.

use super::job::bytes;
use super::life_cycle::{ScriptEvent, ScriptState};
use super::session::overtaken;
use super::target::Aim;
use crate::error::Error;
use fuda_card::cardscript::{ScriptId, SessionId};
use fuda_card::fcp::LifeCycle;
use fuda_card::forecast::Foretold;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::update::Found;
use fuda_store::Conn;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

/// What a script does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// Reads how far the application is.
    Look,
    /// Does what remains of the job for a card that stands here.
    Write(Found),
    /// Reads the application's files.
    Read,
    /// Shuts the application, under the issuer's set.
    Shut,
}

/// Whether the card is only asked who it is and where its count stands, or the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// SELECT and INITIALIZE UPDATE; the work follows in the same session.
    Introduction,
    /// The work.
    Work,
}

/// A script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) id: ScriptId,
    pub(crate) sid: SessionId,
    /// Of the message that it answers.
    pub(crate) seq: u32,
    /// Empty when nothing is written.
    pub(crate) job: String,
    pub(crate) card: Kdd,
    pub(crate) df: DfName,
    pub(crate) kvn: Kvn,
    pub(crate) part: Part,
    pub(crate) work: Work,
    pub(crate) host_challenge: [u8; 8],
    /// Of the key set in the session; 0 when the card is asked.
    pub(crate) counter: u32,
    /// Highest proved when it was made.
    pub(crate) counter_floor: u32,
    /// The answer to INITIALIZE UPDATE that it goes on from; empty otherwise.
    pub(crate) answered: Vec<u8>,
    pub(crate) commands_sha256: String,
    /// The answers with which all of it is done, where they are known beforehand.
    pub(crate) foretold: Option<Foretold>,
    pub(crate) state: ScriptState,
    pub(crate) made_at: String,
    pub(crate) expires_at: String,
}

/// [`Found`] in the store.
#[derive(Debug, Serialize, Deserialize)]
struct StoredFound {
    life_cycle: u8,
    key_sets: Vec<u8>,
    records: [String; 2],
}

const COLUMNS: &str = "id, sid, seq, job, card, df, kvn, kind, leads_to, host_challenge, counter, counter_floor, answered, found, \
                       commands_sha256, state, made_at, expires_at, foretold";

impl Work {
    const fn word(&self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Write(_) => "write",
            Self::Read => "read",
            Self::Shut => "block",
        }
    }

    fn found(&self) -> Result<String, Error> {
        let Self::Write(found) = self else { return Ok(String::new()) };
        let [first, second] = &found.records;
        let stored = StoredFound {
            life_cycle: found.life_cycle.to_u8(),
            key_sets: found.key_sets.iter().map(|kvn| kvn.to_u8()).collect(),
            records: [hex::encode_upper(first), hex::encode_upper(second)],
        };
        serde_json::to_string(&stored).map_err(|_| Error::Fault { what: "a card's standing is no JSON" })
    }

    fn of(word: &str, found: &str) -> Result<Self, Error> {
        let wrong = || Error::content("where a card stood before a script");
        match word {
            "look" => Ok(Self::Look),
            "read" => Ok(Self::Read),
            "block" => Ok(Self::Shut),
            "write" => {
                let StoredFound { life_cycle, key_sets, records: [first, second] } =
                    serde_json::from_str(found).map_err(|_| wrong())?;
                let record = |text: String| hex::decode(text).map_err(|_| wrong());
                Ok(Self::Write(Found {
                    life_cycle: LifeCycle::from_u8(life_cycle),
                    key_sets: key_sets.into_iter().map(Kvn::new).collect(),
                    records: [record(first)?, record(second)?],
                }))
            }
            _ => Err(Error::content("what a script does")),
        }
    }
}

impl Script {
    /// Whether it may change the card.
    pub(crate) const fn writes(&self) -> bool {
        matches!((self.part, &self.work), (Part::Work, Work::Write(_)))
    }

    /// What its session does with the application.
    pub(crate) const fn aim(&self) -> Aim {
        match self.work {
            Work::Shut => Aim::Shut,
            Work::Look | Work::Write(_) | Work::Read => Aim::Application,
        }
    }

    /// Whether it cannot run any more once the card has proved a session with another challenge of ours and this count.
    pub(crate) fn is_outlived_by(&self, host_challenge: [u8; 8], counter: u32) -> bool {
        if self.host_challenge == host_challenge {
            // The same INITIALIZE UPDATE with a later count: the commands fit the earlier one alone.
            return counter > self.counter;
        }
        // What goes on from an answer of the card ends with that session, whatever the count.
        !self.answered.is_empty() || counter >= self.counter
    }

    fn of(row: &AnyRow) -> Result<Self, Error> {
        let text = |at: usize| row.try_get::<String, _>(at).map_err(Error::from);
        let number =
            |at: usize, what: &'static str| u32::try_from(row.try_get::<i64, _>(at)?).map_err(|_| Error::content(what));
        let (kind, leads_to) = (text(7)?, text(8)?);
        let (part, word) = if kind == "introduce" { (Part::Introduction, leads_to) } else { (Part::Work, kind) };
        let answered = hex::decode(text(12)?).map_err(|_| Error::content("a script's beginning"))?;
        Ok(Self {
            id: text(0)?.parse().map_err(|_| Error::content("a script's name"))?,
            sid: text(1)?.parse().map_err(|_| Error::content("a script's session"))?,
            seq: number(2, "a script's place")?,
            job: text(3)?,
            card: text(4)?.parse().map_err(|_| Error::content("a script's card"))?,
            df: text(5)?.parse().map_err(|_| Error::content("a script's DF"))?,
            kvn: Kvn::new(
                u8::try_from(number(6, "a script's key set")?).map_err(|_| Error::content("a script's key set"))?,
            ),
            part,
            work: Work::of(&word, &text(13)?)?,
            host_challenge: bytes(&text(9)?, "a script's challenge")?,
            counter: number(10, "a script's count")?,
            counter_floor: number(11, "a script's count")?,
            answered,
            commands_sha256: text(14)?,
            foretold: foretold(&text(18)?)?,
            state: text(15)?.parse().map_err(|_| Error::content("a script's state"))?,
            made_at: text(16)?,
            expires_at: text(17)?,
        })
    }

    /// The script of a name.
    pub(crate) async fn load(tx: &mut Conn, id: ScriptId) -> Result<Option<Self>, Error> {
        let query = format!("/* online.script */ SELECT {COLUMNS} FROM online_script WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id.to_string()).fetch_optional(&mut *tx).await?;
        row.as_ref().map(Self::of).transpose()
    }

    /// The script that answered a message of a session.
    pub(crate) async fn at(tx: &mut Conn, sid: SessionId, seq: u32) -> Result<Option<Self>, Error> {
        let query = format!("/* online.script_at */ SELECT {COLUMNS} FROM online_script WHERE sid = $1 AND seq = $2");
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(sid.to_string()).bind(i64::from(seq));
        query.fetch_optional(&mut *tx).await?.as_ref().map(Self::of).transpose()
    }

    /// Number of scripts that a session was given.
    pub(crate) async fn count(tx: &mut Conn, sid: SessionId) -> Result<u32, Error> {
        let count: i64 =
            sqlx::query_scalar("/* online.scripts_of */ SELECT COUNT(*) FROM online_script WHERE sid = $1")
                .bind(sid.to_string())
                .fetch_one(&mut *tx)
                .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Scripts that write to an application of a card and may have run, or run yet.
    pub(crate) async fn unresolved(tx: &mut Conn, card: Kdd, df: &DfName) -> Result<Vec<Self>, Error> {
        let query = format!(
            "/* online.unresolved */ SELECT {COLUMNS} FROM online_script WHERE card = $1 AND df = $2 AND kind = 'write' \
             AND state IN ('offered', 'unknown')"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(card.to_string()).bind(df.to_string());
        query.fetch_all(&mut *tx).await?.iter().map(Self::of).collect()
    }

    /// Stores a new script.
    pub(crate) async fn insert(&self, tx: &mut Conn) -> Result<(), Error> {
        let (kind, leads_to) = match self.part {
            Part::Introduction => ("introduce", self.work.word()),
            Part::Work => (self.work.word(), ""),
        };
        let query = format!(
            "/* online.new_script */ INSERT INTO online_script ({COLUMNS}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
        );
        sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(self.id.to_string())
            .bind(self.sid.to_string())
            .bind(i64::from(self.seq))
            .bind(self.job.as_str())
            .bind(self.card.to_string())
            .bind(self.df.to_string())
            .bind(i64::from(self.kvn.to_u8()))
            .bind(kind)
            .bind(leads_to)
            .bind(hex::encode_upper(self.host_challenge))
            .bind(i64::from(self.counter))
            .bind(i64::from(self.counter_floor))
            .bind(hex::encode_upper(&self.answered))
            .bind(self.work.found()?)
            .bind(self.commands_sha256.as_str())
            .bind(self.state.as_str())
            .bind(self.made_at.as_str())
            .bind(self.expires_at.as_str())
            .bind(self.foretold.map(|foretold| hex::encode_upper(foretold.to_bytes())).unwrap_or_default())
            .execute(&mut *tx)
            .await
            .map_err(overtaken)?;
        Ok(())
    }

    /// Lets an event happen to it.
    pub(crate) async fn happen(&self, tx: &mut Conn, event: ScriptEvent) -> Result<(), Error> {
        let forbidden = Error::Fault { what: "an event that the life cycle of a script forbids" };
        let after = self.state.after(event).ok_or(forbidden)?;
        let moved =
            sqlx::query("/* online.script_event */ UPDATE online_script SET state = $1 WHERE id = $2 AND state = $3")
                .bind(after.as_str())
                .bind(self.id.to_string())
                .bind(self.state.as_str())
                .execute(&mut *tx)
                .await?;
        if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::Overtaken) }
    }
}

fn foretold(text: &str) -> Result<Option<Foretold>, Error> {
    if text.is_empty() { Ok(None) } else { Ok(Some(Foretold::from_bytes(bytes(text, "a script's answers")?))) }
}
