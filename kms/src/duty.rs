//! What one worker holds: a session on the token of its duty, and a handle for every version that may be used, each proved by its check
//! value. A version that is suspended, retired or destroyed is not even looked for.

use crate::card;
use crate::check_value::{CheckValue, Method};
use crate::derive::{Master, gp_kcv, gp_kcv_by_wrapping};
use crate::error::Error;
use crate::fault::Fault;
use crate::health::KeyHealth;
use crate::known_answer;
use crate::length::KeyLength;
use crate::login::Login;
use crate::message::{CardAnswer, CardRequest, CardStep, Epoch};
use crate::name::{KeyKind, KeyVersion};
use crate::registry::{Record, Registry};
use crate::route::Routes;
use crate::scheme::Scheme;
use crate::state::{State, Use};
use crate::token::module::Access;
use crate::token::reported::Reported;
use crate::token::{Door, Token, keys};
use crate::vault::{Vault, VaultDeed, VaultReply};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A version in use.
#[derive(Debug)]
enum Held {
    Derivation { master: Master, scheme: Scheme },
    Signature { private: ObjectHandle, public: p256::PublicKey },
    CardKek(ObjectHandle),
    Mac(ObjectHandle),
    Vault(ObjectHandle),
}

/// The newest epoch that any worker has read: once one answers by it, all do.
#[derive(Debug, Default)]
pub(crate) struct NewestEpoch(AtomicU64);

impl NewestEpoch {
    pub(crate) fn seen(&self, epoch: Epoch) {
        self.0.fetch_max(epoch.number(), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Epoch {
        Epoch::new(self.0.load(Ordering::Relaxed))
    }
}

/// A worker's view of its token.
#[derive(Debug)]
pub(crate) struct Duty {
    login: Arc<Login>,
    token: Token,
    registry: Registry,
    door: Door,
    routes: Routes,
    epoch: Epoch,
    newest: Arc<NewestEpoch>,
    versions: BTreeMap<KeyVersion, (State, Option<Held>)>,
    /// The registry's epoch when it was last read, whether or not its keys were found.
    read: Epoch,
    /// The epoch of the copy of the token that this worker has; none when it works on the token itself.
    copy: Option<Epoch>,
}

impl Duty {
    /// Opens a session on a token that the process is logged in to, tests the route, finds and proves every key.
    pub(crate) fn start(login: Arc<Login>, registry: Registry, newest: Arc<NewestEpoch>) -> Result<Self, Error> {
        let token = login.token();
        let door = token.open(Access::ReadOnly)?;
        let routes = Routes::find(&token, &door, login.provider())?;
        let (epoch, versions) = (Epoch::new(0), BTreeMap::new());
        let mut duty = Self { login, token, registry, door, routes, epoch, newest, versions, read: epoch, copy: None };
        duty.load()?;
        Ok(duty)
    }

    /// The same duty on a private copy of the token, made at the epoch of the first load.
    pub(crate) fn on_a_copy(self) -> Self {
        Self { copy: Some(self.epoch), ..self }
    }

    /// Whether the registry has moved since the copy was made: what it says now may not be in the copy.
    pub(crate) fn is_stale(&self) -> bool {
        self.copy.is_some_and(|copy| copy != self.read)
    }

    /// The epoch it works by.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Drops every handle, logs in again, opens a new session and finds the keys again.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        self.forget();
        self.token = self.login.renew()?;
        self.door = self.token.open(Access::ReadOnly)?;
        self.load()
    }

    /// Whether the token still derives what it must.
    pub(crate) fn test(&self) -> Result<(), Error> {
        let route = self.routes.of(KeyLength::Aes128)?;
        known_answer::test(&self.token.open(Access::ReadOnly)?, route, KeyLength::Aes128)
    }

    /// Epoch 0 knows no key: whatever fails from here on, the next request loads again.
    fn forget(&mut self) {
        self.versions.clear();
        self.epoch = Epoch::new(0);
    }

    /// Finds a version's object and proves by its check value that it is the registered key.
    fn hold(&self, record: &Record) -> Result<Option<Held>, Error> {
        let (door, home) = (&self.door, record.home());
        let found = || keys::find(door, &home, &record.version)?.required(&record.version, &home);
        match record.version.name.kind() {
            KeyKind::Derivation => {
                let copies = self.login.provider().profile.kdk_session_copy && record.scheme != Scheme::Fixed;
                let handle = if copies { session_copy(door, found()?) } else { found()? };
                let master = Master::new(door, handle, (record.scheme, record.length), self.routes)?;
                compare(record, master.check_value(door, Method::Gp)?)?;
                Ok(Some(Held::Derivation { master, scheme: record.scheme }))
            }
            KeyKind::Signature => {
                let (private, public) = (found()?, public_half(door, record)?);
                compare(record, point_check_value(&public))?;
                Ok(Some(Held::Signature { private, public }))
            }
            KeyKind::CardKek => self.prove(record, found()?).map(|handle| Some(Held::CardKek(handle))),
            KeyKind::Mac => self.prove(record, found()?).map(|handle| Some(Held::Mac(handle))),
            KeyKind::Vault => self.prove(record, found()?).map(|handle| Some(Held::Vault(handle))),
            KeyKind::Kek | KeyKind::VaultKek => Ok(None),
        }
    }

    fn prove(&self, record: &Record, handle: ObjectHandle) -> Result<ObjectHandle, Error> {
        compare(record, check_value(&self.door, self.routes, record, handle)?)?;
        Ok(handle)
    }

    fn load(&mut self) -> Result<(), Error> {
        let snapshot = self.registry.snapshot()?;
        self.read = snapshot.epoch;
        let mut versions = BTreeMap::new();
        for record in snapshot.versions.iter().filter(|record| record.token == *self.token.label()) {
            let held = if record.state.allows(Use::Open) { self.hold(record)? } else { None };
            versions.insert(record.version.clone(), (record.state, held));
        }
        self.versions = versions;
        self.epoch = snapshot.epoch;
        self.newest.seen(snapshot.epoch);
        Ok(())
    }

    /// Re-reads the registry when the request was made by a newer state of it. A worker that is ahead of a caller stays there.
    fn follow(&mut self, wanted: Epoch) -> Result<(), Error> {
        if wanted > self.epoch {
            self.forget();
            // Session copies of the keys go with the session.
            self.door = self.token.open(Access::ReadOnly)?;
            self.load()?;
        }
        if wanted > self.epoch {
            return Err(Error::EpochAhead { wanted, found: self.epoch });
        }
        Ok(())
    }

    /// Computes a card's request.
    pub(crate) fn card(&mut self, request: &CardRequest) -> Result<CardAnswer, Error> {
        self.follow(request.epoch)?;
        for step in &request.steps {
            match step {
                CardStep::OpenSession { key, .. } => self.allow(key, Use::Open, "open a channel")?,
                CardStep::WrapKeySet { new, under } => {
                    self.allow(new, Use::Issue, "issue")?;
                    self.allow_on_card(new)?;
                    self.allow(under, Use::Open, "wrap keys")?;
                }
                CardStep::WrapSealedSet { set, under } => {
                    self.allow(&set.kek, Use::Open, "open sealed sets")?;
                    self.allow(under, Use::Open, "wrap keys")?;
                }
            }
        }
        card::answer(
            self.token.open(Access::ReadOnly)?,
            request,
            |version| self.master(version),
            |kek| self.card_kek(kek),
        )
    }

    /// Signs a SHA-256 digest.
    pub(crate) fn sign(&mut self, epoch: Epoch, version: &KeyVersion, digest: &[u8; 32]) -> Result<[u8; 64], Error> {
        self.follow(epoch)?;
        self.allow(version, Use::Issue, "sign")?;
        self.door.ecdsa(self.pair(version)?.0, digest)
    }

    /// The public half of a signature key.
    pub(crate) fn public_key(&mut self, epoch: Epoch, version: &KeyVersion) -> Result<p256::PublicKey, Error> {
        self.follow(epoch)?;
        self.pair(version).map(|(_, public)| *public)
    }

    /// An AES-CMAC.
    pub(crate) fn mac(&mut self, epoch: Epoch, version: &KeyVersion, data: &[u8]) -> Result<[u8; 16], Error> {
        self.follow(epoch)?;
        self.allow(version, Use::Open, "make MACs")?;
        self.door.cmac(self.mac_key(version)?, data).map(|mac| *mac)
    }

    /// Makes a data key, seals or opens. What is let into the token for it goes with the session.
    pub(crate) fn vault(&mut self, epoch: Epoch, version: &KeyVersion, deed: &VaultDeed) -> Result<VaultReply, Error> {
        self.follow(epoch)?;
        let (wanted, word) = deed.needs();
        self.allow(version, wanted, word)?;
        let vault = Vault { version, handle: self.vault_key(version)? };
        deed.on(vault, &self.token.open(Access::ReadOnly)?)
    }

    /// Asks the token for its state (C_GetSessionInfo would say that all is well when it is gone), derives, and makes the check value of
    /// every usable key again.
    pub(crate) fn health(&mut self, epoch: Epoch) -> Result<Vec<KeyHealth>, Error> {
        self.follow(epoch)?;
        self.token.info()?;
        self.test()?;
        let snapshot = self.registry.snapshot()?;
        let records = snapshot.versions.iter().filter(|record| record.token == *self.token.label());
        let usable = records.filter(|record| record.state.allows(Use::Open));
        let door = self.token.open(Access::ReadOnly)?;
        let mut found = Vec::new();
        for record in usable {
            let home = record.home();
            let handle = keys::find(&door, &home, &record.version)?.required(&record.version, &home);
            let proved = handle.and_then(|handle| compare(record, check_value(&door, self.routes, record, handle)?));
            found.push(KeyHealth { key: record.version.clone(), fault: proved.err().map(|error| Fault::of(&error)) });
        }
        Ok(found)
    }

    fn allow(&self, version: &KeyVersion, wanted: Use, word: &'static str) -> Result<(), Error> {
        match self.versions.get(version) {
            None => Err(Error::VersionUnknown { version: version.clone() }),
            Some((state, _)) if state.allows(wanted) => Ok(()),
            Some((state, _)) => Err(Error::StateForbids { version: version.clone(), state: *state, wanted: word }),
        }
    }

    /// Refuses to put a key onto a card that other cards have as well.
    fn allow_on_card(&self, version: &KeyVersion) -> Result<(), Error> {
        match self.versions.get(version) {
            Some((_, Some(Held::Derivation { scheme: scheme @ Scheme::Fixed, .. }))) => {
                Err(Error::SchemeForbids { version: version.clone(), scheme: *scheme, wanted: "be put onto a card" })
            }
            _ => Ok(()),
        }
    }

    fn master(&self, version: &KeyVersion) -> Result<&Master, Error> {
        match self.versions.get(version) {
            Some((_, Some(Held::Derivation { master, .. }))) => Ok(master),
            _ => Err(Error::WrongKind { version: version.clone(), wanted: "card" }),
        }
    }

    fn card_kek(&self, version: &KeyVersion) -> Result<ObjectHandle, Error> {
        match self.versions.get(version) {
            Some((_, Some(Held::CardKek(handle)))) => Ok(*handle),
            _ => Err(Error::WrongKind { version: version.clone(), wanted: "card-kek" }),
        }
    }

    fn mac_key(&self, version: &KeyVersion) -> Result<ObjectHandle, Error> {
        match self.versions.get(version) {
            Some((_, Some(Held::Mac(handle)))) => Ok(*handle),
            _ => Err(Error::WrongKind { version: version.clone(), wanted: "mac" }),
        }
    }

    fn vault_key(&self, version: &KeyVersion) -> Result<ObjectHandle, Error> {
        match self.versions.get(version) {
            Some((_, Some(Held::Vault(handle)))) => Ok(*handle),
            _ => Err(Error::WrongKind { version: version.clone(), wanted: "vault" }),
        }
    }

    fn pair(&self, version: &KeyVersion) -> Result<(ObjectHandle, &p256::PublicKey), Error> {
        match self.versions.get(version) {
            Some((_, Some(Held::Signature { private, public }))) => Ok((*private, public)),
            None => Err(Error::VersionUnknown { version: version.clone() }),
            _ => Err(Error::WrongKind { version: version.clone(), wanted: "signature" }),
        }
    }
}

/// A copy of a key-derivation key that lives as long as the session: where a provider reads token objects from disk at every use, it is
/// four times as fast. A copy that is refused, or less guarded than the key, is done without.
fn session_copy(door: &Door, key: ObjectHandle) -> ObjectHandle {
    let Ok(copy) = door.copy_to_session(key) else { return key };
    let guards = [Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Derive(true)];
    let asked = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Derive];
    match door.attributes(copy, &asked) {
        Ok(found) if guards.iter().all(|guard| found.contains(guard)) => copy,
        _ => {
            let _ = door.destroy(copy);
            key
        }
    }
}

/// Refuses a key whose check value is not the registered one.
pub(crate) fn compare(record: &Record, found: CheckValue) -> Result<(), Error> {
    match &record.check_value {
        Some(expected) if *expected == found => Ok(()),
        Some(expected) => {
            Err(Error::KcvMismatch { version: record.version.clone(), expected: expected.clone(), found })
        }
        None => Err(Error::Registry { text: format!("{} has no check value yet", record.version) }),
    }
}

/// The check value that stands for a version in the registry, made from the key in the token.
pub(crate) fn check_value(
    door: &Door,
    routes: Routes,
    record: &Record,
    handle: ObjectHandle,
) -> Result<CheckValue, Error> {
    match record.version.name.kind() {
        KeyKind::Derivation => {
            Master::new(door, handle, (record.scheme, record.length), routes)?.check_value(door, Method::Gp)
        }
        KeyKind::Mac => door.cmac(handle, &[0; 16]).map(|mac| CheckValue::new(Method::Cmac, mac.as_slice())),
        // Where it lets keys in it may not wrap, and where it wraps it may not encrypt: both give the same value.
        kind if kind.is_kek() && Reported::read(door, handle)?.says(&Attribute::Encrypt(true)) => {
            gp_kcv(door, handle).map(|kcv| CheckValue::new(Method::Gp, &kcv))
        }
        KeyKind::Kek | KeyKind::CardKek | KeyKind::VaultKek | KeyKind::Vault => {
            gp_kcv_by_wrapping(door, handle).map(|kcv| CheckValue::new(Method::Gp, &kcv))
        }
        KeyKind::Signature => public_half(door, record).map(|public| point_check_value(&public)),
    }
}

pub(crate) fn point_check_value(public: &p256::PublicKey) -> CheckValue {
    CheckValue::new(Method::Point, &Sha256::digest(public.to_sec1_point(false).as_bytes()))
}

/// CKA_EC_POINT is a DER OCTET STRING around the point (PKCS #11 3.1 §6.3.3); some tokens give the bare point.
pub(crate) fn public_half(door: &Door, record: &Record) -> Result<p256::PublicKey, Error> {
    let home = record.home();
    let handle = keys::find_public(door, &home, &record.version)?.required(&record.version, &home)?;
    let mut point = Vec::new();
    for attribute in door.attributes(handle, &[AttributeType::EcPoint])? {
        if let Attribute::EcPoint(bytes) = attribute {
            point = bytes;
        }
    }
    let bare = point.strip_prefix(&[0x04, 0x41]).filter(|bare| bare.len() == 65).unwrap_or(&point);
    p256::PublicKey::from_sec1_bytes(bare).map_err(|_| Error::KeyAttribute {
        version: record.version.clone(),
        expected: "CKA_EC_POINT on P-256".to_owned(),
        found: hex::encode(&point),
    })
}
