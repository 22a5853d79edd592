//! `receive`: another company's 0th issuance becomes chips that a job of 1st issuance may take.

use crate::cli::{Label, Receive};
use crate::delivery::{self, CardStage, Manifest, Received, Report, SiteMode};
use crate::failure;
use crate::peers;
use crate::site::Site;
use fuda_card::personalisation::{Action, ChannelId, Plan, Stage};
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::journal::{ReceivedChip, ReceivedLot};
use fuda_issuance::{Journal, NewJob, profiles};
use fuda_kms::check_value::Method;
use fuda_kms::state::Use;
use fuda_kms::{KeyName, KeyVersion};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Takes a delivery in.
///
/// # Errors
/// `PEER_UNKNOWN`, `RECEIVE_MODE`, `RECEIVE_STAGE`, `RECEIVE_KEY`, `RECEIVED_BEFORE`, `CHIP_KNOWN` (exit 4); `DELIVERY_UNSOUND` (exit 6); a
/// profile that is not here or not the same (exit 5); the store.
pub fn receive(globals: &Globals, args: &Receive) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let key = peers::receipt_key(&site, &args.from)?;
    let received = match delivery::receive(&args.dir, &[key]) {
        Ok(Ok(received)) => received,
        Ok(Err(report)) => return Err(unsound(&report)),
        Err(error) => return Err(not_received(error, &args.from)),
    };
    let Received { manifest, .. } = &received;
    belongs_here(&site, manifest)?;
    let set = transport_set(&site, manifest)?;
    let version = transport_version(&site, manifest)?;
    let lot = lot(&args.from, received, set, &version)?;
    let cards = lot.chips.len();
    let journal = Journal::receive(&site.store, lot).map_err(failure::of)?;
    let job = &journal.job().order;
    output::line(&format!(
        "{cards} chips of {} are known under {version}, as job {}; an order with stages = [1] takes them",
        job.profile, job.id
    ));
    if globals.json {
        output::json(&json!({
            "job": job.id, "chips": cards, "profile": job.profile, "lot": job.lot, "transport": version.to_string(),
            "from": args.from.0,
        }));
    }
    Ok(Exit::Done)
}

/// Every finding for a person, the first one for a program.
fn unsound(report: &Report) -> Failure {
    for finding in &report.findings {
        output::note(&finding.to_string());
    }
    let unsigned = || Failure::new("DELIVERY_UNSOUND", Exit::Integrity, "the delivery is not sound");
    report.failure().unwrap_or_else(unsigned)
}

fn not_received(error: delivery::Error, Label(peer): &Label) -> Failure {
    let is_foreign = matches!(error, delivery::Error::UnknownReceiptKey { .. });
    let failure = Failure::from(error);
    if is_foreign {
        failure.remedy(format!(
            "compare the number with {peer} by telephone; then put its receipt.pem into peers/{peer}.pem"
        ))
    } else {
        failure
    }
}

/// Cards for real and cards for tests never meet, and chips that somebody finished are not ours to finish.
fn belongs_here(site: &Site, manifest: &Manifest) -> Result<(), Failure> {
    let (ours, theirs) = (SiteMode::from(site.config.site.mode), manifest.facts.mode);
    if ours != theirs {
        let what = format!("the delivery is of mode {}, this site of mode {}", theirs.as_str(), ours.as_str());
        return Err(Failure::new("RECEIVE_MODE", Exit::Refused, what)
            .remedy("test and production never mix: take it in at a site of its mode"));
    }
    if manifest.facts.stages != [0] {
        let what = format!("the delivery is of stages {:?}, not of 0th issuance", manifest.facts.stages);
        return Err(Failure::new("RECEIVE_STAGE", Exit::Refused, what)
            .remedy("finished cards go to the service centre: `fuda-issuer stock import`"));
    }
    Ok(())
}

/// The set that 0th issuance by the manifest's profile leaves on a chip.
fn transport_set(site: &Site, manifest: &Manifest) -> Result<ChannelId, Failure> {
    let named = &manifest.facts.profile;
    let profile = profiles::named(&named.name, Path::new("."), &site.config.folder)?;
    if hex::encode(profile.hash()) != named.sha256.to_string() {
        let what = format!("the delivery was made by another profile {} than the one here", named.name);
        return Err(Failure::new("RECEIVE_PROFILE", Exit::Input, what)
            .remedy("ask the card maker for the profile's file, and put it into `profiles/` beside fuda.toml"));
    }
    let plan = Plan::issue(&profile, Stage::Zeroth..=Stage::Zeroth, &manifest.facts.lot);
    let loaded = plan.steps().iter().find_map(|step| match &step.action {
        Action::PutKey(load) if load.set.key == KeyName::Transport.to_string() => Some(load.set.clone()),
        _ => None,
    });
    loaded.ok_or_else(|| {
        Failure::new("RECEIVE_STAGE", Exit::Refused, format!("0th issuance by {} loads no transport key", named.name))
            .remedy("such chips need no delivery: they come as they are")
    })
}

/// The version here that is the transport key on the chips: the same key may have another number at another site.
fn transport_version(site: &Site, manifest: &Manifest) -> Result<KeyVersion, Failure> {
    let theirs = manifest.facts.keys.iter().find(|key| key.key.name == KeyName::Transport);
    let theirs = theirs.ok_or_else(|| {
        Failure::new("RECEIVE_KEY", Exit::Refused, "the manifest names no transport key").remedy("ask the card maker")
    })?;
    let (name, value) = (theirs.key.to_string(), &theirs.kcv.value);
    let records = site.registry.list()?;
    let same = records.into_iter().find(|record| {
        let is_value =
            |found: &fuda_kms::check_value::CheckValue| found.method() == Method::Gp && found.hex() == *value;
        record.version.name == KeyName::Transport && record.check_value.as_ref().is_some_and(is_value)
    });
    let Some(record) = same else {
        let what = format!("no transport key here has the check value gp:{value} of the card maker's {name}");
        return Err(Failure::new("RECEIVE_KEY", Exit::Refused, what)
            .remedy("import the card maker's transport key first, then receive again"));
    };
    if record.state.allows(Use::Open) {
        Ok(record.version)
    } else {
        let wanted = "open a channel";
        Err(fuda_kms::Error::StateForbids { version: record.version, state: record.state, wanted }.into())
    }
}

fn lot(Label(peer): &Label, received: Received, set: ChannelId, version: &KeyVersion) -> Result<ReceivedLot, Failure> {
    let Received { manifest, manifest_sha256, cards, .. } = received;
    let order_text = serde_json::to_string(&manifest).unwrap_or_default();
    let facts = manifest.facts;
    let job = NewJob {
        id: format!("{peer}/{}-{}", facts.order.id, manifest.delivery.number),
        order_text,
        order_sha256: facts.order.sha256.to_string().to_uppercase(),
        profile: facts.profile.name,
        profile_sha256: facts.profile.sha256.to_string().to_uppercase(),
        first_stage: Stage::Zeroth,
        last_stage: Stage::Zeroth,
        quantity: manifest.delivery.cards,
        spares: 0,
        lot: facts.lot,
        keys: BTreeMap::from([(KeyName::Transport, version.clone())]),
        mode: facts.mode,
        first_article: 0,
    };
    let wrong = |serial: &str, what: &str| {
        let what = format!("serial {serial}: {what}");
        Failure::new("DELIVERY_UNSOUND", Exit::Integrity, what).remedy("ask the card maker for the delivery again")
    };
    let chips = cards.into_iter().map(|card| {
        if card.stage != CardStage::Zeroth {
            return Err(wrong(&card.serial, "the card is not of 0th issuance, the manifest says that all are"));
        }
        Ok(ReceivedChip {
            kdd: card.chip_id,
            issued_at: card.issued_at.parse().map_err(|_| wrong(&card.serial, "issued_at is no time"))?,
            serial: format!("{peer}/{}", card.serial),
            printed: card.printed,
            encoder: card.encoder,
            operator: card.operator,
        })
    });
    let chips = chips.collect::<Result<_, _>>()?;
    let ChannelId { df, kvn, .. } = set;
    Ok(ReceivedLot { job, manifest_sha256: manifest_sha256.to_string(), set: (df, kvn, version.clone()), chips })
}
