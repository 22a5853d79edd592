//! The registry: which versions exist, in which state, with which check value, and where the token has them.
//!
//! The tables are in `store/migrations/20261123100000_key_registry.sql`. A birth is written ahead: first the row without a check value, then
//! the object in the token, then the check value; so a killed birth is recognised and finished, and no object is unaccounted for.

use crate::check_value::CheckValue;
pub use crate::elsewhere::Elsewhere;
use crate::error::Error;
use crate::label::TokenLabel;
use crate::length::KeyLength;
use crate::message::Epoch;
use crate::name::{KeyName, KeyVersion, Part};
use crate::scheme::Scheme;
use crate::state::{State, Trust};
use crate::token::template::Home;
use fuda_store::clock::stored;
use fuda_store::{Conn, Store};
use sqlx::Row;
use sqlx::any::AnyRow;
use std::num::NonZeroU32;

/// How a version came into the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Born there by `init`.
    Born,
    /// A key whose value everybody knows; test mode only.
    Public,
    /// Made by the HSM vendor's own ceremony.
    Adopted,
    /// Born in a peer's token, and let in under a KEK that both have.
    Imported,
    /// A KEK that this token and a peer's made together.
    Paired,
}

impl Origin {
    /// The word in tables, JSON and the registry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Born => "born",
            Self::Public => "public",
            Self::Adopted => "adopted",
            Self::Imported => "imported",
            Self::Paired => "paired",
        }
    }

    /// The word in the registry's row, where peer and kind say the rest.
    const fn stored(self) -> &'static str {
        match self {
            Self::Imported | Self::Paired => Self::Adopted.as_str(),
            other => other.as_str(),
        }
    }
}

/// One version as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Key and number.
    pub version: KeyVersion,
    /// The token that holds it.
    pub token: TokenLabel,
    /// CKA_LABEL of its object.
    pub label: String,
    /// CKA_ID of its object.
    pub object_id: Vec<u8>,
    /// How it came into the token.
    pub origin: Origin,
    /// Its state.
    pub state: State,
    /// Whether it is in wrong hands.
    pub trust: Trust,
    /// Its check value; none while its birth is not finished.
    pub check_value: Option<CheckValue>,
    /// How the keys of a card come from it.
    pub scheme: Scheme,
    /// How long they are, and it.
    pub length: KeyLength,
    /// The KEKs it was wrapped under at birth.
    pub keks: Vec<KeyName>,
    /// Whose token it was born in, when it was imported; who has it too, when it is paired.
    pub peer: Option<Part>,
    /// When its birth was intended (RFC 3339, UTC).
    pub created_at: String,
}

impl Record {
    pub(crate) fn home(&self) -> Home {
        Home { label: self.label.clone(), id: self.object_id.clone() }
    }
}

/// The registry at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its state number.
    pub epoch: Epoch,
    /// Every version, ordered by key and number.
    pub versions: Vec<Record>,
}

/// The registry in a store. Its methods block: not to be called inside an async runtime.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) store: Store,
}

/// A version that is about to get into the token.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) version: KeyVersion,
    pub(crate) token: TokenLabel,
    pub(crate) home: Home,
    pub(crate) origin: Origin,
    pub(crate) scheme: Scheme,
    pub(crate) length: KeyLength,
    pub(crate) keks: Vec<KeyName>,
    pub(crate) peer: Option<Part>,
}

impl Registry {
    /// The registry of a store.
    #[must_use]
    pub const fn open(store: Store) -> Self {
        Self { store }
    }

    /// The URL of its store, password and all, for another process.
    pub(crate) fn url(&self) -> String {
        self.store.url_with_secrets()
    }

    /// Its state number.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn epoch(&self) -> Result<Epoch, Error> {
        self.store.read_blocking("kms.registry.epoch", async |tx| epoch(tx).await)
    }

    /// [`Registry::epoch`] for tasks of an async runtime.
    pub(crate) async fn look_for_epoch(&self) -> Result<Epoch, Error> {
        self.store.look("kms.registry.epoch", async |tx| epoch(tx).await).await
    }

    /// Everything in it, of one moment.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Registry`] when a row holds what cannot be.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.store.read_blocking("kms.registry.snapshot", async |tx| {
            let rows = sqlx::query(
                "/* kms.registry.snapshot */ SELECT name, number, token, label, object_id, origin, state, trust, check_value, keks, \
                 created_at, scheme, bits, peer FROM key_version ORDER BY name, number",
            )
            .fetch_all(&mut *tx)
            .await?;
            let versions = rows.iter().map(record).collect::<Result<_, _>>()?;
            Ok(Snapshot { epoch: epoch(tx).await?, versions })
        })
    }

    /// Every version, ordered by key and number.
    ///
    /// # Errors
    /// As [`Registry::snapshot`].
    pub fn list(&self) -> Result<Vec<Record>, Error> {
        self.snapshot().map(|snapshot| snapshot.versions)
    }

    /// One version.
    ///
    /// # Errors
    /// [`Error::VersionUnknown`]; as [`Registry::snapshot`].
    pub fn version(&self, version: &KeyVersion) -> Result<Record, Error> {
        let found = self.list()?.into_iter().find(|record| record.version == *version);
        found.ok_or_else(|| Error::VersionUnknown { version: version.clone() })
    }

    /// The version of a key that issues now.
    ///
    /// # Errors
    /// [`Error::NoActiveVersion`]; as [`Registry::snapshot`].
    pub fn active(&self, name: &KeyName) -> Result<Record, Error> {
        let key = name.clone();
        let found = self.store.read_blocking("kms.registry.active", async move |tx| Self::active_in(tx, &key).await)?;
        found.ok_or_else(|| Error::NoActiveVersion { name: name.clone() })
    }

    /// The same within a read of the caller's; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Registry`] when the row holds what cannot be.
    pub async fn active_in(tx: &mut Conn, name: &KeyName) -> Result<Option<Record>, Error> {
        // One row, not all: an activation asks for two keys.
        let row = sqlx::query(
            "/* kms.registry.active */ SELECT name, number, token, label, object_id, origin, state, trust, check_value, keks, \
             created_at, scheme, bits, peer FROM key_version WHERE name = $1 AND state = $2",
        )
        .bind(name.to_string())
        .bind(State::Active.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        row.as_ref().map(record).transpose()
    }

    /// Moves a version along its life.
    ///
    /// # Errors
    /// [`Error::StateForbids`] for a move that the table of states does not have; [`Error::VersionUnknown`]; [`Error::Store`].
    pub fn change_state(&self, version: &KeyVersion, to: State) -> Result<(), Error> {
        let from = self.version(version)?.state;
        if !from.may_become(to) {
            return Err(Error::StateForbids { version: version.clone(), state: from, wanted: "move there" });
        }
        let (name, number, now) = (version.name.to_string(), i64::from(version.number.get()), self.now());
        let gone = version.clone();
        self.store.run_tx_blocking("kms.registry.change_state", async move |tx| {
            let changed = sqlx::query(
                "/* kms.registry.change_state */ UPDATE key_version SET state = $1, changed_at = $2 \
                 WHERE name = $3 AND number = $4 AND state = $5",
            )
            .bind(to.as_str())
            .bind(now)
            .bind(name)
            .bind(number)
            .bind(from.as_str())
            .execute(&mut *tx)
            .await?;
            if changed.rows_affected() != 1 {
                return Err(Error::VersionUnknown { version: gone });
            }
            next_epoch(tx).await
        })
    }

    /// Writes a birth ahead: durable before the token is touched.
    pub(crate) fn intend(&self, intent: &Intent) -> Result<(), Error> {
        let version = intent.version.clone();
        let values = (
            version.name.to_string(),
            i64::from(version.number.get()),
            intent.token.to_string(),
            intent.home.label.clone(),
            hex::encode(&intent.home.id),
            intent.origin.stored(),
            intent.scheme.as_str(),
            i64::from(intent.length.bits()),
            intent.keks.iter().map(KeyName::to_string).collect::<Vec<_>>().join(" "),
            intent.peer.as_ref().map_or_else(String::new, Part::to_string),
            self.now(),
        );
        let outcome = self.store.run_tx_blocking("kms.registry.intend", async move |tx| {
            let (name, number, token, label, id, origin, scheme, bits, keks, peer, now) = values;
            sqlx::query(
                "/* kms.registry.intend */ INSERT INTO key_version \
                 (name, number, token, label, object_id, origin, state, trust, check_value, keks, created_at, changed_at, scheme, \
                 bits, peer) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'PRE-ACTIVE', 'SOUND', NULL, $7, $8, $9, $10, $11, $12)",
            )
            .bind(name)
            .bind(number)
            .bind(token)
            .bind(label)
            .bind(id)
            .bind(origin)
            .bind(keks)
            .bind(now.clone())
            .bind(now)
            .bind(scheme)
            .bind(bits)
            .bind(peer)
            .execute(&mut *tx)
            .await?;
            next_epoch(tx).await
        });
        match outcome {
            Err(Error::Store(error)) if error.is_duplicate_of("key_version.name, key_version.number") => {
                Err(Error::VersionExists { version })
            }
            Err(Error::Store(error))
                if error.is_duplicate_of("key_version.token, key_version.label, key_version.object_id") =>
            {
                Err(Error::ObjectTaken { version, label: intent.home.label.clone() })
            }
            other => other,
        }
    }

    /// Finishes a birth: the key is in the token, has this check value, and becomes ACTIVE when no other version is.
    pub(crate) fn complete(&self, version: &KeyVersion, check_value: &CheckValue) -> Result<State, Error> {
        let active = self.list()?.iter().any(|record| {
            record.version.name == version.name && matches!(record.state, State::Active | State::SuspendedActive)
        });
        let state = if active { State::PreActive } else { State::Active };
        let (name, number, value, now) =
            (version.name.to_string(), i64::from(version.number.get()), check_value.to_string(), self.now());
        let gone = version.clone();
        self.store.run_tx_blocking("kms.registry.complete", async move |tx| {
            let changed = sqlx::query(
                "/* kms.registry.complete */ UPDATE key_version SET check_value = $1, state = $2, changed_at = $3 \
                 WHERE name = $4 AND number = $5 AND check_value IS NULL",
            )
            .bind(value)
            .bind(state.as_str())
            .bind(now)
            .bind(name)
            .bind(number)
            .execute(&mut *tx)
            .await?;
            if changed.rows_affected() != 1 {
                return Err(Error::VersionUnknown { version: gone });
            }
            next_epoch(tx).await?;
            Ok(state)
        })
    }

    pub(crate) fn now(&self) -> String {
        stored(self.store.clock().now())
    }
}

async fn epoch(tx: &mut Conn) -> Result<Epoch, Error> {
    let number: i64 = sqlx::query_scalar("/* kms.registry.epoch */ SELECT epoch FROM key_registry WHERE one = 1")
        .fetch_one(&mut *tx)
        .await?;
    Ok(Epoch::new(number.unsigned_abs()))
}

async fn next_epoch(tx: &mut Conn) -> Result<(), Error> {
    sqlx::query("/* kms.registry.next_epoch */ UPDATE key_registry SET epoch = epoch + 1 WHERE one = 1")
        .execute(&mut *tx)
        .await?;
    Ok(())
}

fn record(row: &AnyRow) -> Result<Record, Error> {
    let text = |column| row.try_get::<String, _>(column).map_err(Error::from);
    let strange = |text: &str| Error::Registry { text: format!("a row of key_version holds `{text}`") };
    let number: i64 = row.try_get("number")?;
    let number = u32::try_from(number).ok().and_then(NonZeroU32::new).ok_or_else(|| strange(&number.to_string()))?;
    let (origin, trust, id, keks) = (text("origin")?, text("trust")?, text("object_id")?, text("keks")?);
    let peer = Some(text("peer")?).filter(|peer| !peer.is_empty()).map(|peer| peer.parse()).transpose()?;
    let bits: i64 = row.try_get("bits")?;
    let check_value: Option<String> = row.try_get("check_value")?;
    let origins = [Origin::Born, Origin::Public, Origin::Adopted];
    let (state, scheme) = (text("state")?, text("scheme")?);
    let version = text("name")?.parse::<KeyName>()?.version(number);
    let came = if version.name.kind().is_kek() { Origin::Paired } else { Origin::Imported };
    Ok(Record {
        version,
        token: TokenLabel::new(&text("token")?)?,
        label: text("label")?,
        object_id: hex::decode(&id).map_err(|_| strange(&id))?,
        origin: match origins.into_iter().find(|known| known.as_str() == origin).ok_or_else(|| strange(&origin))? {
            Origin::Adopted if peer.is_some() => came,
            known => known,
        },
        peer,
        state: state.parse().map_err(|_| strange(&state))?,
        trust: [Trust::Sound, Trust::Compromised]
            .into_iter()
            .find(|known| known.as_str() == trust)
            .ok_or_else(|| strange(&trust))?,
        check_value: check_value.map(|value| value.parse()).transpose()?,
        length: KeyLength::from_bits(bits).ok_or_else(|| strange(&bits.to_string()))?,
        scheme: scheme.parse().map_err(|_| strange(&scheme))?,
        keks: keks.split_whitespace().map(str::parse).collect::<Result<_, _>>()?,
        created_at: text("created_at")?,
    })
}
