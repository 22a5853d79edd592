//! From an order file to a job: order, profile, plan and key versions held against each other, before anything is started.

use crate::failure;
use crate::order::{Order, SerialSource};
use crate::profiles;
use crate::site::Site;
use fuda_card::personalisation::{Action, Plan, Stage};
use fuda_card::profile::Profile;
use fuda_cli::{Exit, Failure};
use fuda_issuance::{Journal, NewJob, Recipe, Serial};
use fuda_kms::name::KeyRef;
use fuda_kms::state::Use;
use fuda_kms::{KeyName, KeyVersion, Record};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// An order with all that belongs to it, checked.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) order: Order,
    pub(crate) profile: Profile,
    pub(crate) plan: Plan,
    serials: SerialSource,
}

impl Prepared {
    /// Reads an order, its profile and its serials.
    ///
    /// # Errors
    /// Exit 5 with file:line:column for whatever is wrong in a file.
    pub(crate) fn read(site: &Site, path: &Path) -> Result<Self, Failure> {
        let order = Order::read(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let profile = profiles::find(&order, folder, &site.config.folder)?;
        let stages = stage(order.stages.first())..=stage(order.stages.last());
        let plan = Plan::issue(&profile, stages, order.lot.as_str());
        order.keys.only(order.source(), &needed_keys(&plan)?)?;
        let serials = order.serials(folder)?;
        // Serials that only a scanner knows cannot be given to chips by position.
        serials.nth(0).map_err(Failure::from)?;
        if order.line.rework {
            return Err(Failure::new(
                "REWORK",
                Exit::Refused,
                "the order allows rework, which this version does not do",
            )
            .remedy("set line.rework = false: chips in the reject bin stay there"));
        }
        Ok(Self { order, profile, plan, serials })
    }

    /// The key versions of the order: as pinned, or the ACTIVE ones of this moment.
    ///
    /// # Errors
    /// A key that is not registered (exit 7); one that has no ACTIVE version, or whose pinned version may not do what the order needs (exit 4).
    pub(crate) fn pin_keys(&self, site: &Site) -> Result<BTreeMap<KeyName, KeyVersion>, Failure> {
        let mut pins = BTreeMap::new();
        for key in needed_keys(&self.plan)? {
            let version = match self.order.keys.choice(&key).map(|choice| &choice.wanted) {
                Some(KeyRef::Version(version)) => self.usable(&site.registry.version(version)?)?,
                _ => site.registry.active(&key)?.version,
            };
            pins.insert(key, version);
        }
        Ok(pins)
    }

    /// A pinned version, when its state allows what the plan does with it.
    fn usable(&self, record: &Record) -> Result<KeyVersion, Failure> {
        let version = record.version.clone();
        let (wanted, word) =
            if self.writes(&version.name) { (Use::Issue, "issue") } else { (Use::Open, "open a channel") };
        if record.state.allows(wanted) {
            Ok(version)
        } else {
            Err(fuda_kms::Error::StateForbids { version, state: record.state, wanted: word }.into())
        }
    }

    /// Whether the plan puts this key onto cards.
    fn writes(&self, key: &KeyName) -> bool {
        let name = key.to_string();
        self.plan.steps().iter().any(|step| matches!(&step.action, Action::PutKey(set) if set.key == name))
    }

    /// The job of the order: the existing one, or a new one with its keys pinned now.
    ///
    /// # Errors
    /// As [`Prepared::pin_keys`]; another order under this number; the store.
    pub(crate) fn open_job(&self, site: &Site) -> Result<Journal, Failure> {
        let keys = match Journal::open(&site.store, self.order.id.as_str()) {
            Ok(journal) => journal.job().order.keys.clone(),
            Err(fuda_issuance::Error::JobNotFound { .. }) => self.pin_keys(site)?,
            Err(error) => return Err(failure::of(error)),
        };
        let order = NewJob {
            id: self.order.id.to_string(),
            order_text: self.order.source().text().to_owned(),
            order_sha256: self.content_sha256(),
            profile: self.profile.name().to_owned(),
            profile_sha256: hex::encode_upper(self.profile.hash()),
            first_stage: stage(self.order.stages.first()),
            last_stage: stage(self.order.stages.last()),
            quantity: self.order.quantity.into(),
            spares: self.order.spares.into(),
            lot: self.order.lot.to_string(),
            keys,
        };
        Journal::open_or_create(&site.store, order).map_err(failure::of)
    }

    /// What an issuer of this order works by.
    pub(crate) fn recipe(self) -> Recipe {
        let audit = Plan::audit(&self.profile, stage(self.order.stages.last()), self.order.lot.as_str());
        Recipe {
            plan: self.plan,
            audit,
            audit_every: self.order.line.audit_every.into(),
            serials: Arc::new(Serials(self.serials)),
        }
    }

    /// SHA-256 of the order file, and of the serial list that goes with it.
    fn content_sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.order.sha256().as_bytes());
        if let Some(list) = self.serials.list_sha256() {
            hash.update(list.as_bytes());
        }
        hex::encode_upper(hash.finalize())
    }
}

/// The serials of an order as the journal asks for them.
#[derive(Debug)]
struct Serials(SerialSource);

impl fuda_issuance::SerialSource for Serials {
    fn at(&self, position: u64) -> Option<Serial> {
        let serial = self.0.nth(u32::try_from(position).ok()?).ok()?;
        Some(Serial { serial: serial.number, printed: serial.printed })
    }
}

pub(crate) const fn stage(number: u8) -> Stage {
    if number == 0 { Stage::Zeroth } else { Stage::First }
}

/// The keys that a plan opens channels with or writes.
fn needed_keys(plan: &Plan) -> Result<Vec<KeyName>, Failure> {
    let name = |key: &str| {
        key.parse().map_err(|_| {
            Failure::new("PROFILE_KEY", Exit::Input, format!("the profile names a key `{key}`, which cannot exist"))
                .remedy("give issuer, transport, or ap/NAME")
        })
    };
    plan.key_names().map(name).collect()
}
