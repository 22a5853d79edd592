//! `deliver`: hands the good cards of a job over as a signed folder.

use super::run::require_approval;
use crate::cli::{Deliver, Label};
use crate::delivery;
use crate::delivery::{
    CardRow, CardStage, Counts, DeliveryWriter, Disposition, Extent, Facts, JournalFacts, Kcv, KcvMethod, KeyFacts,
    Manifest, OrderFacts, ProfileFacts, ReceiptKey, RejectClass, RejectRow, file,
};
use crate::failure;
use crate::mark::require_current;
use crate::site::Site;
use fuda_card::personalisation::Stage;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::delivery::Sha256Sum;
use fuda_issuance::journal::{IssuedCard, Part, RejectedChip, Selection};
use fuda_issuance::{Accounts, Journal};
use fuda_kms::check_value::Method;
use fuda_kms::{KeyName, KeyVersion};
use fuda_store::clock;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// First position before all cards of a part.
const BEFORE_FIRST: i64 = -1;

/// Writes a delivery.
///
/// # Errors
/// Nothing to deliver (exit 4), a folder that exists (exit 4), accounts that do not balance (exit 6), HSM, store, disk.
pub fn deliver(globals: &Globals, args: &Deliver) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let journal = Journal::open(&site.store, &args.job).map_err(failure::of)?;
    journal.check_chain().map_err(failure::of)?;
    let folder = folder(&site, args, &journal)?;
    require_current(&site)?;
    require_approval(journal.job(), &journal.accounts().map_err(failure::of)?)?;
    let selection = selection(args);
    let (undelivered, begun) = journal.deliverable(&selection).map_err(failure::of)?;
    if undelivered == 0 && begun.is_none() {
        let of = if args.carton.is_empty() { "" } else { " in these cartons" };
        return Err(Failure::new(
            "DELIVERY_EMPTY",
            Exit::Refused,
            format!("every good card of job {}{of} is delivered already", args.job),
        )
        .remedy("`fuda-factory job show` tells the accounts; `run` makes more cards"));
    }
    if let Some(part) = begun {
        if let Some(manifest_sha256) = written_before(&journal, &part) {
            journal.publish_part(part.number, &part.folder, &manifest_sha256.to_string()).map_err(failure::of)?;
            let accounts = journal.accounts().map_err(failure::of)?;
            tell(globals, &part, &accounts, Path::new(&part.folder), manifest_sha256);
            return Ok(exit(&accounts));
        }
        delivery::forget_unfinished(Path::new(&part.folder));
    }
    let hsm = site.start_hsm(Some(1))?;
    let receipt_version = site.registry.active(&KeyName::Receipt)?.version;
    let receipt = ReceiptKey::new(hsm.public_key(&receipt_version)?);

    // A folder that cannot be made is refused before cards are set aside for it.
    let mut writer = DeliveryWriter::create(&folder, args.csv_encoding)?;
    let named = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let part = journal.begin_part(&selection, &named.display().to_string()).map_err(failure::of)?;
    // The journal now has an entry more; the manifest names its end as it stands when the folder is written.
    let journal = Journal::open(&site.store, &args.job).map_err(failure::of)?;
    let accounts = journal.accounts().map_err(failure::of)?;
    write_cards(&site, &journal, &part, &mut writer)?;
    let rejects = journal.rejects().map_err(failure::of)?;
    for reject in &rejects {
        writer.reject(&reject_row(reject)?)?;
    }
    let extent = if part.cards == accounts.good { Extent::Whole } else { Extent::Part };
    let facts = facts(&site, &journal, &accounts)?;
    let unsigned = writer.close(facts, (part.number, extent), (receipt_version.clone(), receipt))?;
    let signature = hsm.sign(&receipt_version, unsigned.digest().as_bytes())?;
    let published = unsigned.publish(&signature)?;
    let manifest_sha256 = published.manifest_sha256.to_string();
    journal
        .publish_part(part.number, &published.folder.display().to_string(), &manifest_sha256)
        .map_err(failure::of)?;
    tell(globals, &part, &accounts, &published.folder, published.manifest_sha256);
    Ok(exit(&accounts))
}

/// The cards that were asked for.
fn selection(args: &Deliver) -> Selection {
    if args.carton.is_empty() {
        return args.quantity.map_or(Selection::All, Selection::Lowest);
    }
    let labels: BTreeSet<&str> = args.carton.iter().map(|Label(label)| label.as_str()).collect();
    Selection::Cartons(labels.into_iter().map(str::to_owned).collect())
}

/// The manifest's sum when a run that was killed had already given the part's folder its name: then only the journal is behind.
fn written_before(journal: &Journal, part: &Part) -> Option<Sha256Sum> {
    let folder = Path::new(&part.folder);
    let bytes = std::fs::read(folder.join(file::MANIFEST)).ok()?;
    let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
    let same = manifest.delivery.number == part.number && manifest.facts.order.id == journal.job().order.id;
    let sound = same && delivery::verify(folder, None).is_ok_and(|report| report.is_sound());
    sound.then(|| Sha256Sum::of(&bytes))
}

const fn exit(accounts: &Accounts) -> Exit {
    if accounts.unfilled == 0 { Exit::Done } else { Exit::Incomplete }
}

fn tell(globals: &Globals, part: &Part, accounts: &Accounts, folder: &Path, manifest_sha256: Sha256Sum) {
    let folder = folder.display().to_string();
    output::line(&format!("delivery {} with {} cards: {folder}", part.number, part.cards));
    output::line(
        "anyone checks it: sha256sum -c SHA256SUMS && openssl dgst -sha256 -verify receipt.pem -signature manifest.sig manifest.json",
    );
    if accounts.unfilled > 0 {
        output::line(&format!("{} of {} ordered cards are still to come", accounts.unfilled, accounts.ordered));
    }
    if globals.json {
        output::json(&json!({
            "delivery": part.number,
            "cards": part.cards,
            "folder": folder,
            "manifest_sha256": manifest_sha256.to_string(),
            "unfilled": accounts.unfilled,
        }));
    }
}

/// `--out`, or JOB-N in the folder that `fuda.toml` names.
fn folder(site: &Site, args: &Deliver, journal: &Journal) -> Result<PathBuf, Failure> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let out = site.config.factory.as_ref().and_then(|factory| factory.out.as_ref());
    let out = out.ok_or_else(|| {
        Failure::new("DELIVERY_FOLDER", Exit::Usage, "no folder is named")
            .remedy("give --out DIR, or factory.out in fuda.toml")
    })?;
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::new("DELIVERY_FOLDER", Exit::Store, format!("cannot make the folder: {error}"))
            .at(out.display().to_string())
    })?;
    let id = &journal.job().order.id;
    let free = (1_u32..).map(|number| out.join(format!("{id}-{number}"))).find(|path: &PathBuf| !Path::exists(path));
    free.ok_or_else(|| Failure::new("DELIVERY_FOLDER", Exit::Store, "no free folder name is left"))
}

fn write_cards(site: &Site, journal: &Journal, part: &Part, writer: &mut DeliveryWriter) -> Result<(), Failure> {
    let job = &journal.job().order;
    let keys = keys_on_card(journal);
    let (stage, zone) = (card_stage(job.last_stage), site.store.clock().zone());
    let mut counters = journal.counters_of_part(part.number).map_err(failure::of)?;
    let mut after = BEFORE_FIRST;
    loop {
        let page = journal.cards_of_part(part.number, after).map_err(failure::of)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position;
        for card in page {
            let IssuedCard { kdd, serial, printed, encoder, operator, issued_at, carton, .. } = card;
            let sealed = issued_at.parse().map_err(|_| unreadable("issued_at", &issued_at))?;
            let chip_id = kdd.parse().map_err(|_| unreadable("kdd", &kdd))?;
            writer.card(&CardRow {
                counters: counters.remove(&chip_id).unwrap_or_default(),
                serial,
                printed,
                chip_id,
                lot: job.lot.clone(),
                carton,
                profile: job.profile.clone(),
                stage,
                keys: keys.clone(),
                encoder,
                operator,
                issued_at: clock::written(sealed, &zone),
            })?;
        }
    }
}

/// The versions that a finished card of the job carries: the chip maker's key is gone after stage 0, the transport key after stage 1.
fn keys_on_card(journal: &Journal) -> Vec<KeyVersion> {
    let job = &journal.job().order;
    let stays = |name: &KeyName| match (name, job.last_stage) {
        (KeyName::Initial, _) | (KeyName::Transport, Stage::First) => false,
        (KeyName::Transport, Stage::Zeroth) => true,
        (_, stage) => stage == Stage::First,
    };
    job.keys.iter().filter(|(name, _)| stays(name)).map(|(_, version)| version.clone()).collect()
}

const fn card_stage(stage: Stage) -> CardStage {
    match stage {
        Stage::Zeroth => CardStage::Zeroth,
        Stage::First => CardStage::First,
    }
}

fn reject_row(reject: &RejectedChip) -> Result<RejectRow, Failure> {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    Ok(RejectRow {
        seq: reject.seq.unsigned_abs(),
        chip_id: some(&reject.kdd).map(|kdd| kdd.parse()).transpose().map_err(|_| unreadable("kdd", &reject.kdd))?,
        serial: some(&reject.serial),
        class: RejectClass::from_word(&reject.class).ok_or_else(|| unreadable("class", &reject.class))?,
        step: if reject.step.is_empty() { reject.code.clone() } else { reject.step.clone() },
        sw: some(&reject.sw),
        encoder: reject.encoder.clone(),
        attempt: u32::try_from(reject.attempt).unwrap_or(u32::MAX),
        live_keys: u32::try_from(reject.live_keys).unwrap_or(u32::MAX),
        disposition: Disposition::from_word(&reject.disposition)
            .ok_or_else(|| unreadable("disposition", &reject.disposition))?,
    })
}

fn facts(site: &Site, journal: &Journal, accounts: &Accounts) -> Result<Facts, Failure> {
    let job = journal.job();
    let Accounts { ordered, fed, good, rejected, samples, unknown, unfilled } = *accounts;
    let keys = keys_on_card(journal).into_iter().map(|version| key_facts(site, version)).collect::<Result<_, _>>()?;
    let copies = journal.print_copies().map_err(failure::of)?;
    let activation = copies.into_iter().next().map(|copy| key_facts(site, copy.activation)).transpose()?;
    Ok(Facts {
        site: site.config.site.name.clone(),
        mode: site.config.site.mode.into(),
        order: OrderFacts { id: job.order.id.clone(), sha256: Sha256Sum::of(job.order.order_text.as_bytes()) },
        lot: job.order.lot.clone(),
        profile: ProfileFacts { name: job.order.profile.clone(), sha256: sum(&job.order.profile_sha256)? },
        stages: (job.order.first_stage.number()..=job.order.last_stage.number()).collect(),
        counts: Counts { ordered, fed, good, rejected, samples, unknown, unfilled },
        keys,
        activation,
        journal: JournalFacts { entries: job.entries, sha256: sum(&job.chain_sha256)? },
        created_at: clock::written(site.store.clock().now(), &site.store.clock().zone()),
    })
}

/// A version with the check value that the registry has.
fn key_facts(site: &Site, key: KeyVersion) -> Result<KeyFacts, Failure> {
    let value = site.registry.version(&key)?.check_value;
    let labelled = value.and_then(|value| match value.method() {
        Method::Gp => Some(Kcv { method: KcvMethod::Gp, value: value.hex() }),
        Method::Cmac => Some(Kcv { method: KcvMethod::Cmac, value: value.hex() }),
        Method::P11 | Method::Point => None,
    });
    let kcv = labelled.ok_or_else(|| unreadable("check value", &key.to_string()))?;
    Ok(KeyFacts { key, kcv })
}

fn sum(text: &str) -> Result<Sha256Sum, Failure> {
    text.to_lowercase().parse().map_err(|_| unreadable("SHA-256", text))
}

fn unreadable(what: &str, text: &str) -> Failure {
    failure::of(fuda_issuance::Error::StoreContent { what: format!("{what} `{text}`") })
}
