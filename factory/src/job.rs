//! From an order file to a job: order, profile, plan and key versions held against each other, before anything is started.

use crate::failure;
use crate::line::Pins;
use crate::order::{Order, SerialSource};
use crate::site::Site;
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Action, Plan, Stage};
use fuda_card::profile::Profile;
use fuda_cli::{Exit, Failure};
use fuda_issuance::journal::{SERIALS_PER_PAGE, refuse_printed};
use fuda_issuance::{Journal, NewJob, Recipe, Rework, Serial, profiles};
use fuda_kms::name::KeyRef;
use fuda_kms::sets::SetsFile;
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
    /// The recovery sets of the cards, where the profile wants them.
    pub(crate) sets: Option<Arc<SetsFile>>,
    pub(crate) serials: SerialSource,
}

impl Prepared {
    /// Reads an order, its profile and its serials.
    ///
    /// # Errors
    /// Exit 5 with file:line:column for whatever is wrong in a file.
    pub(crate) fn read(site: &Site, path: &Path) -> Result<Self, Failure> {
        let order = Order::read(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let profile = profiles::named(order.profile.as_str(), folder, &site.config.folder)?;
        let stages = stage(order.stages.first())..=stage(order.stages.last());
        if *stages.start() < profile.first_stage() {
            let what = format!("the cards of `{}` come with a transport set: there is no stage 0", profile.name());
            return Err(Failure::input(order.source(), order.stages_offset(), what, "write stages = [1]"));
        }
        let plan = Plan::issue(&profile, stages, order.lot.as_str());
        let needed = needed_keys(&plan)?;
        order.keys.only(order.source(), &needed)?;
        let sets = recovery_sets(&order, &needed, folder)?;
        let serials = order.serials(folder)?;
        // Serials that only a scanner knows cannot be given to chips by position.
        serials.nth(0).map_err(Failure::from)?;
        Ok(Self { order, profile, plan, sets, serials })
    }

    /// The key versions of the order: as pinned, or the ACTIVE ones of this moment.
    ///
    /// # Errors
    /// A key that is not registered (exit 7); one that has no ACTIVE version, or whose pinned version may not do what the order needs (exit 4).
    pub(crate) fn pin_keys(&self, site: &Site) -> Result<BTreeMap<KeyName, KeyVersion>, Failure> {
        let mut pins = BTreeMap::new();
        if let Some(sets) = &self.sets {
            openable(site, sets)?;
        }
        for key in needed_keys(&self.plan)? {
            if let (KeyName::Recovery, Some(sets)) = (&key, &self.sets) {
                pins.insert(key, sets.of().version.clone());
                continue;
            }
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
        self.plan.steps().iter().any(|step| matches!(&step.action, Action::PutKey(load) if load.set.key == name))
    }

    /// Refuses an order whose serials are on the packages of another one.
    ///
    /// # Errors
    /// `SERIAL_PRINTED` (exit 4); the store.
    pub(crate) fn refuse_printed(&self, site: &Site) -> Result<(), Failure> {
        let numbers: Vec<String> = self.serials.iter().map(|serial| serial.number).collect();
        for page in numbers.chunks(SERIALS_PER_PAGE) {
            refuse_printed(&site.store, self.order.id.as_str(), page.to_vec()).map_err(failure::of)?;
        }
        Ok(())
    }

    /// The job of the order: the existing one, or a new one with its keys pinned now.
    ///
    /// # Errors
    /// As [`Prepared::pin_keys`]; another order under this number; the store.
    pub(crate) fn open_job(&self, site: &Site) -> Result<Journal, Failure> {
        if let Some(sets) = &self.sets {
            openable(site, sets)?;
            site.registry.note_elsewhere(sets.of(), &site.token_label()?)?;
        }
        let keys = match Journal::open(&site.store, self.order.id.as_str()) {
            Ok(journal) => journal.job().order.keys.clone(),
            Err(fuda_issuance::Error::JobNotFound { .. }) => {
                self.refuse_printed(site)?;
                self.pin_keys(site)?
            }
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
            mode: site.mode(),
            first_article: self.order.line.first_article(site.config.site.mode).into(),
        };
        Journal::open_or_create(&site.store, order).map_err(failure::of)
    }

    /// The versions of a job, each with what the plan does with it; recovery sets come from elsewhere.
    pub(crate) fn pins(&self, site: &Site, journal: &Journal) -> Pins {
        let of_here = journal.job().order.keys.iter().filter(|(name, _)| **name != KeyName::Recovery);
        let pins =
            of_here.map(|(name, version)| (version.clone(), if self.writes(name) { Use::Issue } else { Use::Open }));
        Pins::new(site.registry.clone(), pins.collect())
    }

    /// What an issuer of this order works by; `only` is the chip that alone is worked on.
    pub(crate) fn recipe(self, only: Option<Kdd>) -> Recipe {
        let audit = Plan::audit(&self.profile, stage(self.order.stages.last()), self.order.lot.as_str());
        Recipe {
            plan: self.plan,
            audit,
            first_stage: self.profile.first_stage(),
            audit_every: self.order.line.audit_every.into(),
            serials: Arc::new(Serials(self.serials)),
            sets: self.sets,
            rework: if self.order.line.rework { Rework::Allowed } else { Rework::Forbidden },
            only,
        }
    }

    /// SHA-256 of the order file, and of the serial list and the recovery sets that go with it.
    fn content_sha256(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.order.sha256().as_bytes());
        if let Some(list) = self.serials.list_sha256() {
            hash.update(list.as_bytes());
        }
        if let Some(sets) = &self.sets {
            hash.update(sets.sha256());
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

/// The recovery sets that an order names, enough for its cards.
fn recovery_sets(order: &Order, needed: &[KeyName], folder: &Path) -> Result<Option<Arc<SetsFile>>, Failure> {
    let Some(named) = order.keys.recovery_for(order.source(), needed)? else { return Ok(None) };
    let sets = SetsFile::open(&folder.join(&named.path))?;
    if u32::try_from(sets.cards()).is_ok_and(|cards| cards < order.quantity) {
        let what = format!("{} has recovery sets for {} cards only", named.path.display(), sets.cards());
        let remedy = "have them made for every chip of the order: `fuda-kms key sets`";
        return Err(Failure::input(order.source(), named.offset, what, remedy));
    }
    Ok(Some(Arc::new(sets)))
}

/// Refuses sets that the site cannot open, or that name a key of which the registry knows something else.
fn openable(site: &Site, sets: &SetsFile) -> Result<(), Failure> {
    let kek = site.registry.version(sets.kek())?;
    if !kek.state.allows(Use::Open) {
        let wanted = "open sealed sets";
        return Err(fuda_kms::Error::StateForbids { version: kek.version, state: kek.state, wanted }.into());
    }
    if let Some(found) = kek.check_value.filter(|found| found != sets.kek_check_value()) {
        let expected = sets.kek_check_value().clone();
        return Err(fuda_kms::Error::KcvMismatch { version: kek.version, expected, found }.into());
    }
    site.registry.compare_elsewhere(sets.of(), &site.token_label()?)?;
    Ok(())
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
