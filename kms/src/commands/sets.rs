//! `fuda-kms key sets`.

use super::Site;
use clap::Args;
use fuda_cli::{Exit, Failure, Source, output};
use fuda_kms::KeyVersion;
use fuda_kms::sets::CardList;
use fuda_kms::sets::seal::{self, Order};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
#[command(after_help = "\
The sets are for a line that shall put a recovery set onto its cards and must never have the key they come from. FILE names one chip a line, in hex, or is
CSV with a column chip_id. The three keys of each chip are derived in the token, wrapped there under the KEK and written to SETS; nothing readable comes out.
A run that was stopped goes on with the same command. Whoever has SETS, the KEK and its PIN has the recovery sets of these cards, and of no other.

Example:
  fuda-kms key sets recovery@1 --cards chips.csv --kek card-kek/line-1@1 --out lot-7.sets")]
pub(crate) struct SetsArgs {
    /// The version that the sets come from: recovery@N
    #[arg(value_name = "K@N")]
    key: KeyVersion,
    /// The chips
    #[arg(long, value_name = "FILE")]
    cards: PathBuf,
    /// The KEK that the line has too: card-kek/NAME@N
    #[arg(long, value_name = "K@N")]
    kek: KeyVersion,
    /// The file to be made; it must not be there
    #[arg(long, value_name = "SETS")]
    out: PathBuf,
}

pub(crate) fn run(site: &Site, args: &SetsArgs) -> Result<Exit, Failure> {
    let cards = CardList::parse(&Source::read(&args.cards)?)?;
    let order = Order { key: &args.key, kek: &args.kek, cards: &cards, out: &args.out };
    let bar = bar(site, cards.chips.len());
    let since = Instant::now();
    let report = seal::run(&site.token, &site.registry()?, order, |done| bar.set_position(done));
    bar.finish_and_clear();
    let report = report?;
    let seconds = since.elapsed().as_secs_f64();
    let text = format!(
        "{}: sets of {} for {} cards under {}, {} of them made before ({seconds:.1} s)",
        args.out.display(),
        args.key,
        report.cards,
        args.kek,
        report.found,
    );
    let object = json!({
        "file": args.out,
        "key": args.key.to_string(),
        "kek": args.kek.to_string(),
        "cards": report.cards,
        "found": report.found,
        "cards_sha256": hex::encode_upper(cards.sha256),
        "seconds": seconds,
    });
    site.print(&text, &object);
    Ok(Exit::Done)
}

/// A bar on a terminal, one line elsewhere.
fn bar(site: &Site, cards: usize) -> ProgressBar {
    if site.is_quiet() {
        return ProgressBar::hidden();
    }
    if !std::io::stderr().is_terminal() {
        output::note(&format!("{cards} cards to seal sets for"));
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(cards as u64);
    let style = ProgressStyle::with_template("{bar:32.green/dim} {pos}/{len} cards · {elapsed} · {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
