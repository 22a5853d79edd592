//! `store fence`: what a restored store has forgotten is fenced, and an officer signs.

use crate::cli::Fence as Args;
use crate::failure;
use crate::mark::{Found, Mark, Remembered, unknown_deliveries};
use crate::site::Site;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::delivery::{ReceiptKey, Received, Sha256Sum, receive};
use fuda_issuance::journal::{Age, Fence};
use fuda_kms::{Hsm, KeyName};
use fuda_store::clock;
use serde_json::json;

/// Fences.
pub(super) fn fence(globals: &Globals, args: &Args) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let mark = Mark::of(&site);
    let remembered = mark.read().map_err(failure::of)?.unwrap_or_default();
    let found = unknown_deliveries(&site, &args.deliveries)?;
    let hsm = site.start_hsm(Some(1))?;
    let key = site.registry.active(&KeyName::Receipt)?.version;
    let known = receipt_keys(&site, &hsm)?;
    let deliveries = found.iter().map(|found| sound(found, &known)).collect::<Result<Vec<_>, _>>()?;

    let cards: u64 = deliveries.iter().map(|delivery| delivery.manifest.delivery.cards).sum();
    let facts = json!({
        "format": "fuda-fence/1",
        "site": site.config.site.name,
        "store": site.store.place(),
        "officer": args.officer,
        "at": clock::written(site.store.clock().now(), &site.store.clock().zone()),
        "generation": remembered.generation,
        "positions": remembered.positions,
        "deliveries": deliveries.iter().map(|delivery| delivery.manifest_sha256.to_string()).collect::<Vec<_>>(),
        "cards": cards,
    });
    let text = facts.to_string();
    let signature = hsm.sign(&key, Sha256Sum::of(text.as_bytes()).as_bytes())?;
    let fence = Fence {
        officer: args.officer.clone(),
        facts: text,
        key: key.to_string(),
        signature: hex::encode_upper(signature),
        deliveries,
        positions: remembered.positions.clone(),
        generation: remembered.generation,
    };
    let (parts, jobs) = (fence.deliveries.len(), fence.positions.len());
    let serials = fence.raise(&site.store).map_err(failure::of)?;
    let age = Age::of(&site.store).map_err(failure::of)?;
    let now = Remembered { store: age.store, generation: age.generation, positions: remembered.positions };
    mark.put(&now).map_err(failure::of)?;
    output::line(&format!(
        "fenced by {}: {serials} serials of {parts} deliveries that the store did not know, counters of {jobs} jobs raised",
        args.officer
    ));
    if cards > 0 {
        output::line(
            "their cards are good and the jobs do not count them: `fuda-factory job show` tells what a job still wants; cancel what was delivered",
        );
    }
    if globals.json {
        output::json(&json!({ "officer": args.officer, "serials": serials, "deliveries": parts, "jobs": jobs }));
    }
    Ok(Exit::Done)
}

/// The public halves of every receipt key of the site's token.
fn receipt_keys(site: &Site, hsm: &Hsm) -> Result<Vec<ReceiptKey>, Failure> {
    let records = site.registry.list()?;
    let receipts = records.into_iter().filter(|record| record.version.name == KeyName::Receipt);
    receipts.map(|record| Ok(ReceiptKey::new(hsm.public_key(&record.version)?))).collect()
}

/// A delivery that this site signed, checked.
fn sound(found: &Found, known: &[ReceiptKey]) -> Result<Received, Failure> {
    match receive(&found.folder, known)? {
        Ok(received) => Ok(received),
        Err(report) => Err(report.failure().unwrap_or_else(|| {
            Failure::new("DELIVERY_UNSOUND", Exit::Integrity, "the delivery is not as it was signed")
        })),
    }
}
