//! `fuda-kms bench`.

use super::Site;
use clap::Args;
use fuda_cli::{Exit, Failure};
use fuda_kms::bench::{bare, pooled, whole_card};
use fuda_kms::{CardStep, Hsm, HsmConfig};
use serde_json::json;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_help = "\
A card is both stages of a new card with the keys that issue now: initial, transport, issuer and up to four applications.
`bare` is one session without queue and threads: what the workers are compared with.

Example:
  fuda-kms bench --seconds 10")]
pub(crate) struct BenchArgs {
    /// Length of each of the two measurements
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

pub(crate) fn run(site: &Site, args: &BenchArgs) -> Result<Exit, Failure> {
    let (registry, length) = (site.registry()?, Duration::from_secs(args.seconds));
    let bare = bare(&site.token, &registry, length)?;
    let config = HsmConfig { token: site.token.clone(), ..HsmConfig::from_file(&site.config)? };
    let hsm = Hsm::start(&config, &registry)?;
    let pooled = pooled(&hsm, config.workers.get(), &registry, length)?;
    let steps = whole_card(&registry)?.steps;
    let sessions = steps.iter().filter(|step| matches!(step, CardStep::OpenSession { .. })).count();
    let sets = steps.len() - sessions;
    let ratio = pooled.cards_per_second() / bare.cards_per_second();
    let text = format!(
        "one card: {sessions} sessions, {sets} key sets, {} PKCS#11 calls\n\
         bare:      {:8.1} cards/s\n\
         {} workers: {:8.1} cards/s ({ratio:.2} of bare)",
        bare.calls_per_card,
        bare.cards_per_second(),
        config.workers,
        pooled.cards_per_second(),
    );
    let object = json!({
        "sessions": sessions,
        "key_sets": sets,
        "calls_per_card": bare.calls_per_card,
        "bare_cards_per_second": bare.cards_per_second(),
        "workers": config.workers,
        "cards_per_second": pooled.cards_per_second(),
        "ratio": ratio,
        "metrics": hsm.metrics(),
    });
    site.print(&text, &object);
    Ok(Exit::Done)
}
