//! The long order: a hundred thousand cards to the end. What the memory of its processes comes to, how soon the first card is good after a
//! crash at the ninety-nine thousandth, and what it takes to deliver twenty thousand of them and to check that.

use crate::doing::{Doing, failed};
use crate::line::{Feeder, Line, Peaks, free_row, watched};
use crate::memory::LIMIT_MB;
use crate::report::Entry;
use crate::site::Site;
use fuda_cli::Failure;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Cards of the order, cards that are made before the crash, cards of the delivery.
const CARDS: u32 = 100_000;
const BEFORE: u32 = 98_700;
const DELIVERED: u32 = 20_000;
/// Number of the order; those before belong to other measurements.
const ORDER: u32 = 902;
/// The crash comes when the line is at work again for so long: about card 99,000, and a fast line must not have come to the end by then.
const CRASH_AFTER: Duration = Duration::from_secs(2);
/// What an operator is told after a crash, and what he is told is too long.
const FIRST_CARD_MAX_S: f64 = 5.0;
/// No restart takes longer.
const FIRST_CARD_LIMIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(5);
/// Exit code of a line that has come to its limit.
const STOPPED: i32 = 3;

/// Measures all of it. It takes as long as a hundred thousand cards take.
///
/// # Errors
/// When the line does not make every card, or the delivery is not what it should be.
pub fn measure(site: &Site) -> Result<[Entry; 3], Failure> {
    let order = Line { cards: CARDS, order: ORDER, workers: 2 };
    order.lay_out(site)?;
    let row = free_row()?;
    let (peaks, rate) = to_the_crash(site, order, &row)?;
    let (first_card_s, good) = after_the_crash(site, order, &row)?;
    if good != u64::from(CARDS) {
        return Err(failed(format!("{good} of {CARDS} cards are good")));
    }
    std::fs::remove_dir_all(site.path(&order.stack())).doing("remove a folder")?;
    Ok([
        Entry {
            name: "rss.cards_100000",
            value: peaks.line_mb.max(peaks.worker_mb),
            unit: "MB",
            bound: Some(LIMIT_MB),
            note: format!(
                "{BEFORE} cards in one run at {rate:.0} cards/s; line {:.1} MB, largest worker {:.1} MB (the simulator {:.1} MB); bound: what is allowed",
                peaks.line_mb, peaks.worker_mb, peaks.cards_mb
            ),
        },
        Entry {
            name: "restart.first_card",
            value: first_card_s,
            unit: "s",
            bound: Some(FIRST_CARD_MAX_S),
            note: "from the start of the line to the first card out of it, after SIGKILL about card 99,000; bound: what is allowed".to_owned(),
        },
        delivery(site, order)?,
    ])
}

/// The first 98,700, then more of them until line and cards die at once.
fn to_the_crash(site: &Site, order: Line, row: &str) -> Result<(Peaks, f64), Failure> {
    let feeder = Feeder::start(site, &order.stack(), row, &["--eject-to", "out-1"])?;
    let mut command = order.command(site, row)?;
    command.args(["--limit", &BEFORE.to_string()]);
    let (output, peaks) = watched(command, &feeder)?;
    let report = report(&output.stdout)?;
    if output.status.code() != Some(STOPPED) {
        return Err(failed(format!("the line ended with {}: {report}", output.status)));
    }
    let mut line = order.command(site, row)?.stdout(Stdio::null()).spawn().doing("start the line")?;
    sleep(CRASH_AFTER);
    line.kill().doing("kill the line")?;
    drop(feeder);
    line.wait().doing("wait for the line")?;
    let rate = report.pointer("/run/cards_per_second").and_then(Value::as_f64).unwrap_or_default();
    Ok((peaks, rate))
}

/// The rest: seconds until the first card is out, and good cards in the end.
fn after_the_crash(site: &Site, order: Line, row: &str) -> Result<(f64, u64), Failure> {
    let feeder = Feeder::start(site, &order.stack(), row, &["--eject-to", "out-2"])?;
    let began = Instant::now();
    let line = order.command(site, row)?.stdout(Stdio::piped()).spawn().doing("start the line")?;
    while is_empty(&site.path("out-2")) {
        if began.elapsed() > FIRST_CARD_LIMIT {
            return Err(failed("no card came out after the crash".to_owned()));
        }
        sleep(LOOK);
    }
    let first_card_s = began.elapsed().as_secs_f64();
    let output = line.wait_with_output().doing("wait for the line")?;
    drop(feeder);
    let good = report(&output.stdout)?.get("good").and_then(Value::as_u64).unwrap_or_default();
    Ok((first_card_s, good))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

fn report(printed: &[u8]) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(printed);
    serde_json::from_str(text.lines().last().unwrap_or_default()).doing("read the line's report")
}

/// Twenty thousand cards delivered, and checked as anybody would.
fn delivery(site: &Site, order: Line) -> Result<Entry, Failure> {
    let began = Instant::now();
    let arguments = ["deliver", &order.job(), "--quantity", &DELIVERED.to_string(), "--out", "delivery", "--quiet"];
    let mut deliver = site.program("fuda-factory")?;
    // More cards are to come: done but not complete would be exit 1, were the order not filled.
    run(deliver.args(arguments))?;
    let value = began.elapsed().as_secs_f64();
    let rows = std::fs::read_to_string(site.path("delivery/cards.csv")).doing("read cards.csv")?.lines().count();
    if rows != usize::try_from(DELIVERED).unwrap_or_default() + 1 {
        return Err(failed(format!("cards.csv has {rows} lines")));
    }
    let folder = site.path("delivery");
    let sums = timed(Command::new("sha256sum").args(["--quiet", "-c", "SHA256SUMS"]).current_dir(&folder))?;
    let openssl = timed(
        Command::new("openssl")
            .args(["dgst", "-sha256", "-verify", "receipt.pem", "-signature", "manifest.sig", "manifest.json"])
            .current_dir(&folder),
    )?;
    let verify = timed(site.program("fuda-factory")?.args(["verify", "delivery", "--quiet"]))?;
    Ok(Entry {
        name: "deliver.cards_20000",
        value,
        unit: "s",
        bound: None,
        note: format!("checked: sha256sum {sums:.2} s, openssl {openssl:.2} s, fuda-factory verify {verify:.2} s"),
    })
}

fn timed(command: &mut Command) -> Result<f64, Failure> {
    let began = Instant::now();
    run(command)?;
    Ok(began.elapsed().as_secs_f64())
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.output().doing("start a program")?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))))
}
