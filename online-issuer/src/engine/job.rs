//! Jobs: what is to be done to one application of one card, and how far it is.

use super::life_cycle::{JobEvent, JobState};
use super::refusal::Refusal;
use super::session::overtaken;
use crate::error::Error;
use crate::members::Person;
use crate::orders::{Bound, Contents};
use fuda_card::id::{DfName, Kdd};
use fuda_card::personalisation::update::{ContentDigest, JobId};
use fuda_kms::{Plain, Question};
use fuda_store::Conn;
use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::any::AnyRow;

/// Bytes of a salt: nobody who reads a card tries contents against its digest.
pub(crate) const SALT_BYTES: usize = 16;

/// A job as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name, as the card's progress records have it: 16 hex digits.
    pub id: String,
    /// What for.
    pub purpose: String,
    /// The order.
    pub order: String,
    /// The entitlement that it uses up.
    pub entitlement: String,
    /// The chip.
    pub card: Kdd,
    /// The application's DF.
    pub df: DfName,
    pub(crate) salt: [u8; SALT_BYTES],
    pub(crate) digest: [u8; 8],
    /// What it puts onto the card, sealed; empty when it is resolved.
    pub(crate) sealed: String,
    /// How far it is.
    pub state: JobState,
    /// Contacts at which the card proved itself.
    pub contacts: u32,
    /// The signed receipt as JSON; empty until it is confirmed.
    pub receipt: String,
    /// When it was made.
    pub created_at: String,
    /// When its state changed last.
    pub changed_at: String,
}

const COLUMNS: &str = "id, purpose, service_order, entitlement, card, df, salt, digest, state, contacts, receipt, created_at, changed_at, sealed";

impl Job {
    /// The name and digest that the card keeps.
    pub(crate) fn on_card(&self) -> Result<(JobId, ContentDigest), Error> {
        Ok((JobId::new(bytes(&self.id, "a job's name")?), ContentDigest::new(self.digest)))
    }

    fn of(row: &AnyRow) -> Result<Self, Error> {
        let text = |at: usize| row.try_get::<String, _>(at).map_err(Error::from);
        let (card, df, state, contacts): (String, String, String, i64) =
            (text(4)?, text(5)?, text(8)?, row.try_get(9)?);
        Ok(Self {
            id: text(0)?,
            purpose: text(1)?,
            order: text(2)?,
            entitlement: text(3)?,
            card: card.parse().map_err(|_| Error::content("a job's card"))?,
            df: df.parse().map_err(|_| Error::content("a job's DF"))?,
            salt: bytes(&text(6)?, "a job's salt")?,
            digest: bytes(&text(7)?, "a job's digest")?,
            state: state.parse().map_err(|_| Error::content("a job's state"))?,
            contacts: u32::try_from(contacts).map_err(|_| Error::content("a job's contacts"))?,
            receipt: text(10)?,
            created_at: text(11)?,
            changed_at: text(12)?,
            sealed: text(13)?,
        })
    }

    /// The job of a name.
    pub(crate) async fn load(tx: &mut Conn, id: &str) -> Result<Option<Self>, Error> {
        let query = format!("/* online.job */ SELECT {COLUMNS} FROM online_job WHERE id = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id).fetch_optional(&mut *tx).await?;
        row.as_ref().map(Self::of).transpose()
    }

    /// The job that uses an entitlement, or used it up.
    pub(crate) async fn of_entitlement(tx: &mut Conn, entitlement: &str) -> Result<Option<Self>, Error> {
        let query = format!(
            "/* online.job_of */ SELECT {COLUMNS} FROM online_job WHERE entitlement = $1 \
             AND state IN ('created', 'ready', 'offered', 'unknown', 'confirmed')"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(entitlement).fetch_optional(&mut *tx).await?;
        row.as_ref().map(Self::of).transpose()
    }

    /// Jobs in the order of their last change, newest first.
    pub(crate) async fn list(tx: &mut Conn, states: &[JobState], limit: u32) -> Result<Vec<Self>, Error> {
        let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let query = format!(
            "/* online.jobs */ SELECT {COLUMNS} FROM online_job WHERE state IN ({}) ORDER BY changed_at DESC, id LIMIT {limit}",
            words.join(", ")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut *tx).await?;
        rows.iter().map(Self::of).collect()
    }

    /// Whether a job of an application on a card is confirmed that is not this one: the application is not blank.
    pub(crate) async fn another_confirmed(
        tx: &mut Conn,
        card: Kdd,
        df: &DfName,
        this: Option<&Self>,
    ) -> Result<bool, Error> {
        let others: i64 = sqlx::query_scalar(
            "/* online.blank */ SELECT COUNT(*) FROM online_job WHERE card = $1 AND df = $2 AND state = 'confirmed' AND id <> $3",
        )
        .bind(card.to_string())
        .bind(df.to_string())
        .bind(this.map(|job| job.id.as_str()).unwrap_or_default())
        .fetch_one(&mut *tx)
        .await?;
        Ok(others > 0)
    }

    /// Stores a new job.
    pub(crate) async fn insert(&self, tx: &mut Conn) -> Result<(), Error> {
        let query = format!(
            "/* online.new_job */ INSERT INTO online_job ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        );
        sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(self.id.as_str())
            .bind(self.purpose.as_str())
            .bind(self.order.as_str())
            .bind(self.entitlement.as_str())
            .bind(self.card.to_string())
            .bind(self.df.to_string())
            .bind(hex::encode_upper(self.salt))
            .bind(hex::encode_upper(self.digest))
            .bind(self.state.as_str())
            .bind(i64::from(self.contacts))
            .bind(self.receipt.as_str())
            .bind(self.created_at.as_str())
            .bind(self.changed_at.as_str())
            .bind(self.sealed.as_str())
            .execute(&mut *tx)
            .await
            .map_err(overtaken)?;
        Ok(())
    }

    /// Lets events happen to it, one after the other. `receipt` comes with the proof of the last.
    pub(crate) async fn happen(
        &self,
        tx: &mut Conn,
        events: &[JobEvent],
        receipt: &str,
        proved_contacts: u32,
        now: &str,
    ) -> Result<JobState, Error> {
        let forbidden = Error::Fault { what: "an event that the life cycle of a job forbids" };
        let after = self.state.after_all(events).ok_or(forbidden)?;
        let moved = sqlx::query(
            "/* online.job_event */ UPDATE online_job SET state = $1, receipt = $2, contacts = contacts + $3, changed_at = $4, sealed = $5 \
             WHERE id = $6 AND state = $7",
        )
        .bind(after.as_str())
        .bind(receipt)
        .bind(i64::from(proved_contacts))
        .bind(now)
        .bind(if after.is_resolved() { "" } else { self.sealed.as_str() })
        .bind(self.id.as_str())
        .bind(self.state.as_str())
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 1 { Ok(after) } else { Err(Error::Overtaken) }
    }
}

impl Job {
    /// To open what it was bound to put onto the card.
    pub(super) fn open(&self, person: &Person) -> Result<Question<Plain>, Error> {
        if self.sealed.is_empty() {
            return Err(Refusal::OrderChanged.into());
        }
        self.bound(person).open(&self.sealed)
    }

    /// What it was bound to put onto the card, from the answer.
    pub(super) fn contents(&self, person: &Person, opened: &Plain) -> Result<Contents, Error> {
        let contents = self.bound(person).contents(opened)?;
        if digest_of(&self.salt, &contents) == self.digest { Ok(contents) } else { Err(Refusal::OrderChanged.into()) }
    }

    const fn bound<'a>(&'a self, person: &'a Person) -> Bound<'a> {
        Bound { job: self.id.as_str(), person }
    }
}

/// SHA-256[0..8] of salt and contents: names and bytes, each with its length before it.
pub(crate) fn digest_of(salt: &[u8; SALT_BYTES], contents: &Contents) -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update(salt);
    for (wef, bytes) in contents {
        for part in [wef.as_bytes(), bytes.as_slice()] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
    }
    let mut digest = [0; 8];
    for (to, from) in digest.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    digest
}

/// A byte string of the store.
pub(crate) fn bytes<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], Error> {
    hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| Error::content(what))
}
