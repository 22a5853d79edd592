//! The register: joining, changing, looking, exporting, erasing.
//!
//! The HSM is asked before the transaction begins: a transaction waits for nobody. What is written is sealed already.

use super::{FieldName, MemberError, MemberFields};
use crate::error::Error;
use crate::id::MemberId;
use crate::vault::{BlindIndex, MemberKey, Place, Vault, erasures::Erasures};
use fuda_kms::{Plain, Question};
use fuda_store::{Conn, Store, clock};
use serde::Serialize;
use std::collections::BTreeMap;

/// Name of the record under which a member's own fields are sealed.
const RECORD: &str = "member";
/// The field set of what a member says of themselves.
const PERSON: &str = "person";
/// Longest locale that is kept.
const LOCALE_CHARS_MAX: usize = 16;

/// The members of a centre, and what it takes to read about them.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The store.
    pub store: Store,
    /// The vault.
    pub vault: Vault,
    /// The index.
    pub index: BlindIndex,
    /// Fields that members are looked for by.
    pub indexed: Vec<String>,
    /// The list of erased members.
    pub erasures: Erasures,
}

/// A member without what they said of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The member.
    pub member: String,
    /// Language of notices.
    pub locale: String,
    /// When they joined.
    pub created_at: String,
    /// When they were erased.
    pub erased_at: Option<String>,
    /// Their orders.
    pub orders: Vec<MemberOrder>,
}

/// An order in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct MemberOrder {
    /// Its number.
    pub order_id: String,
    /// What was ordered.
    pub service: String,
    /// State of the entitlement.
    pub state: String,
    /// Member number, once the fee is confirmed.
    pub number: Option<String>,
    /// Last day.
    pub expiry: Option<String>,
    /// The chip that it claimed.
    pub card: Option<String>,
    /// When it was made.
    pub created_at: String,
}

/// Everything that is known of a member, for the member.
#[derive(Serialize)]
pub struct MemberExport {
    /// Who, and their orders.
    #[serde(flatten)]
    pub member: Member,
    /// What they said of themselves.
    pub fields: BTreeMap<String, String>,
}

impl std::fmt::Debug for MemberExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemberExport({}, {} fields redacted)", self.member.member, self.fields.len())
    }
}

impl Registered {
    /// Takes a member in.
    ///
    /// # Errors
    /// [`Error::Hsm`], [`Error::Store`].
    pub fn join(&self, locale: &str, fields: &MemberFields) -> Result<MemberId, Error> {
        let member = MemberId::random()?;
        let key = self.vault.new_key()?;
        let Kept { sealed, blinds } = self.keep(&member, &key, fields)?;
        let (version, wrapped) = key.columns();
        let locale: String = locale.chars().take(LOCALE_CHARS_MAX).collect();
        let (id, now) = (member.clone(), clock::stored(self.store.clock().now()));
        self.store.run_tx_blocking("member.join", async move |tx| {
            sqlx::query("/* member.join */ INSERT INTO member (id, locale, key_version, data_key, created_at) VALUES ($1, $2, $3, $4, $5)")
                .bind(id.as_str())
                .bind(locale)
                .bind(version)
                .bind(wrapped)
                .bind(now.as_str())
                .execute(&mut *tx)
                .await?;
            sqlx::query("/* member.join */ INSERT INTO member_field (member, field_set, sealed, changed_at) VALUES ($1, $2, $3, $4)")
                .bind(id.as_str())
                .bind(PERSON)
                .bind(sealed)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            index(tx, &id, blinds).await
        })?;
        Ok(member)
    }

    /// What a member says of themselves from now on; what they said before is gone. A job that has begun goes on with what it was bound to.
    ///
    /// # Errors
    /// [`MemberError::NotFound`], [`MemberError::Erased`]; [`Error::Hsm`], [`Error::Store`].
    pub fn change(&self, member: &MemberId, fields: &MemberFields) -> Result<(), Error> {
        let id = member.clone();
        let person = self.store.read_blocking("member.person", async move |tx| person(tx, &id).await)?;
        let Kept { sealed, blinds } = self.keep(member, &person.key, fields)?;
        let (id, now) = (member.clone(), clock::stored(self.store.clock().now()));
        self.store.run_tx_blocking("member.change", async move |tx| {
            let changed = sqlx::query(
                "/* member.change */ UPDATE member_field SET sealed = $1, changed_at = $2 WHERE member = $3 AND field_set = $4",
            )
            .bind(sealed)
            .bind(now)
            .bind(id.as_str())
            .bind(PERSON)
            .execute(&mut *tx)
            .await?;
            if changed.rows_affected() == 0 {
                // Between the look and now.
                return Err(MemberError::Erased { member: id.to_string() }.into());
            }
            sqlx::query("/* member.change */ DELETE FROM member_index WHERE member = $1")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
            index(tx, &id, blinds).await
        })
    }

    /// What the database keeps of a member's fields.
    fn keep(&self, member: &MemberId, key: &MemberKey, fields: &MemberFields) -> Result<Kept, Error> {
        let place = Place { member, record: RECORD, field_set: PERSON };
        let sealed = hex::encode_upper(self.vault.ask(key.seal(place, &fields.to_json()?)?)?);
        let indexed = fields.iter().filter(|(name, _)| self.indexed.iter().any(|indexed| indexed == name.as_str()));
        let blind = |(name, value): (&FieldName, &str)| {
            Ok((name.as_str().to_owned(), self.index.blind(name.as_str(), &normalised(value))?))
        };
        Ok(Kept { sealed, blinds: indexed.map(blind).collect::<Result<_, Error>>()? })
    }

    /// A member and their orders.
    ///
    /// # Errors
    /// [`MemberError::NotFound`].
    pub fn show(&self, member: &MemberId) -> Result<Member, Error> {
        let id = member.clone();
        self.store.read_blocking("member.show", async move |tx| {
            let row: Option<(String, String, Option<String>)> =
                sqlx::query_as("/* member.show */ SELECT locale, created_at, erased_at FROM member WHERE id = $1")
                    .bind(id.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
            let (locale, created_at, erased_at) = row.ok_or_else(|| not_found(&id))?;
            let orders = sqlx::query_as(
                "/* member.show */ SELECT o.id AS order_id, o.service, e.state, o.number, o.expiry, o.card, o.created_at FROM service_order o \
                 JOIN entitlement e ON e.order_id = o.id WHERE o.member = $1 ORDER BY o.created_at, o.id",
            )
            .bind(id.as_str())
            .fetch_all(&mut *tx)
            .await?;
            Ok(Member { member: id.to_string(), locale, created_at, erased_at, orders })
        })
    }

    /// Everything about a member.
    ///
    /// # Errors
    /// [`MemberError::NotFound`], [`MemberError::Erased`], [`Error::Hsm`].
    pub fn export(&self, member: &MemberId) -> Result<MemberExport, Error> {
        let about = self.show(member)?;
        let id = member.clone();
        let person = self.store.read_blocking("member.person", async move |tx| person(tx, &id).await)?;
        let fields = MemberFields::from_json(self.vault.ask(person.open()?)?.expose())?;
        let fields = fields.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_owned())).collect();
        Ok(MemberExport { member: about, fields })
    }

    /// Members with this value in an indexed field.
    ///
    /// # Errors
    /// [`MemberError::NotIndexed`], [`Error::Hsm`].
    pub fn find(&self, field: &str, value: &str) -> Result<Vec<String>, Error> {
        if !self.indexed.iter().any(|indexed| indexed == field) {
            return Err(MemberError::NotIndexed { field: field.chars().take(32).collect() }.into());
        }
        let (field, blinds) = (field.to_owned(), self.index.candidates(field, &normalised(value))?);
        self.store.read_blocking("member.find", async move |tx| {
            let mut found = Vec::new();
            for blind in blinds {
                let members: Vec<(String,)> = sqlx::query_as(
                    "/* member.find */ SELECT member FROM member_index WHERE field = $1 AND blind = $2 ORDER BY member",
                )
                .bind(field.as_str())
                .bind(blind)
                .fetch_all(&mut *tx)
                .await?;
                found.extend(members.into_iter().map(|(member,)| member));
            }
            Ok(found)
        })
    }

    /// Erases a member: first into the list outside the database, then the key and everything sealed under it go. Orders stay, without a
    /// person behind them, because money did.
    ///
    /// # Errors
    /// [`MemberError::NotFound`], [`MemberError::Busy`], [`Error::File`].
    pub fn erase(&self, member: &MemberId) -> Result<(), Error> {
        let about = self.show(member)?;
        if let Some(order) = about.orders.iter().find(|order| matches!(order.state.as_str(), "granted" | "reserved")) {
            return Err(MemberError::Busy { member: member.to_string(), state: order.state.clone() }.into());
        }
        let now = clock::stored(self.store.clock().now());
        self.erasures.add(member, &now)?;
        let id = member.clone();
        self.store.run_tx_blocking("member.erase", async move |tx| forget(tx, &id, &now).await)?;
        Ok(())
    }
}

/// A member's fields as the database keeps them.
struct Kept {
    /// Upper-case hex.
    sealed: String,
    /// Indexed fields: name and MAC.
    blinds: Vec<(String, String)>,
}

async fn index(tx: &mut Conn, member: &MemberId, blinds: Vec<(String, String)>) -> Result<(), Error> {
    for (field, blind) in blinds {
        sqlx::query("/* member.index */ INSERT INTO member_index (field, blind, member) VALUES ($1, $2, $3)")
            .bind(field)
            .bind(blind)
            .bind(member.as_str())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

fn not_found(member: &MemberId) -> MemberError {
    MemberError::NotFound { member: member.to_string() }
}

/// Two spellings that a person calls the same: case and spaces do not count.
fn normalised(value: &str) -> String {
    value.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// What is sealed about a member.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    member: MemberId,
    key: MemberKey,
    sealed: Vec<u8>,
}

impl Person {
    /// To open it: the member's fields, JSON.
    pub(crate) fn open(&self) -> Result<Question<Plain>, Error> {
        self.key.open(Place { member: &self.member, record: RECORD, field_set: PERSON }, self.sealed.clone())
    }

    /// To seal something else of the member.
    pub(crate) fn seal(&self, record: &str, field_set: &str, plain: &[u8]) -> Result<Question<Vec<u8>>, Error> {
        self.key.seal(Place { member: &self.member, record, field_set }, plain)
    }

    /// To open what was sealed so.
    pub(crate) fn unseal(&self, record: &str, field_set: &str, sealed: Vec<u8>) -> Result<Question<Plain>, Error> {
        self.key.open(Place { member: &self.member, record, field_set }, sealed)
    }
}

/// [`person`]; nothing of a member who was erased.
pub(crate) async fn person_if_kept(tx: &mut Conn, member: &MemberId) -> Result<Option<Person>, Error> {
    match person(tx, member).await {
        Err(Error::Member(MemberError::Erased { .. })) => Ok(None),
        person => person.map(Some),
    }
}

/// Reads what is sealed about a member.
pub(crate) async fn person(tx: &mut Conn, member: &MemberId) -> Result<Person, Error> {
    let row: Option<(String, Option<String>, Option<String>)> = sqlx::query_as(
        "/* member.person */ SELECT m.key_version, m.data_key, f.sealed FROM member m \
         LEFT JOIN member_field f ON f.member = m.id AND f.field_set = $2 WHERE m.id = $1",
    )
    .bind(member.as_str())
    .bind(PERSON)
    .fetch_optional(&mut *tx)
    .await?;
    let (version, wrapped, sealed) = row.ok_or_else(|| not_found(member))?;
    let wrapped = wrapped.ok_or_else(|| MemberError::Erased { member: member.to_string() })?;
    let sealed = sealed.ok_or(fuda_store::Error::RowMissing)?;
    let sealed =
        hex::decode(sealed).map_err(|_| Error::StoreContent { what: "what is sealed about a member".to_owned() })?;
    Ok(Person { member: member.clone(), key: MemberKey::from_columns(&version, &wrapped)?, sealed })
}

/// Forgets a member in the database; returns 1, or 0 when it had been done.
///
/// # Errors
/// [`Error::Store`].
pub async fn forget(tx: &mut Conn, member: &MemberId, now: &str) -> Result<u64, Error> {
    let forgotten = sqlx::query(
        "/* member.forget */ UPDATE member SET data_key = NULL, erased_at = $1 WHERE id = $2 AND data_key IS NOT NULL",
    )
    .bind(now)
    .bind(member.as_str())
    .execute(&mut *tx)
    .await?;
    for text in [
        "/* member.forget */ DELETE FROM member_field WHERE member = $1",
        "/* member.forget */ DELETE FROM member_index WHERE member = $1",
    ] {
        sqlx::query(text).bind(member.as_str()).execute(&mut *tx).await?;
    }
    Ok(forgotten.rows_affected())
}
