//! Every command of 0th and 1st issuance × everything that can go wrong at it, as a table: what the first contact says, what the next
//! one makes of the chip, and what its memory holds then. Where two cards were there, both are told of, the one in the reader first.
//!
//! The cards are simulated ones in memory; issuer, HSM workers, journal and database are those of the line. The table is
//! `tests/tables/step_fault.csv`; `INSTA_UPDATE=always` writes it anew.

mod line;
mod reader;

use fuda_card::status::StatusWord;
use fuda_card_sim::Card;
use fuda_card_sim::fault::Kind;
use fuda_card_sim::report::{FileReport, Report, Secrets};
use fuda_tests::site::repository;
use fuda_tests::{Order, Site};
use line::{Line, WORKERS};
use reader::{Fault, Other, Reader, Side};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Names the job to the child that makes the table, in a folder and environment of its own.
const JOB: &str = "FUDA_TEST_MATRIX_JOB";
const TABLE: &str = "step_fault.csv";
const HEAD: &str = "command,ins,step,fault,first contact,next contact,card\n";
/// Where the card was cut that takes another's place: in the midst of each stage.
const BEGUN_AT: [usize; 2] = [12, 34];

const FAULTS: [Fault; 16] = [
    Fault::Of("pulled out", Kind::Pulled),
    Fault::Of("answer lost", Kind::Lost),
    Fault::Of("hangs", Kind::Hung),
    Fault::Of("slow", Kind::Slow(Duration::from_secs(2))),
    Fault::Of("torn at 1", Kind::Tear(1)),
    Fault::Of("torn at 7", Kind::Tear(7)),
    Fault::Of("torn at 31", Kind::Tear(31)),
    Fault::Of("torn at 200", Kind::Tear(200)),
    Fault::Of("lies", Kind::WrongMac),
    Fault::Of("says 6581", Kind::Refused(StatusWord::MEMORY_FAILURE)),
    Fault::Of("says 6A80", Kind::Refused(StatusWord::from_bytes([0x6A, 0x80]))),
    Fault::Dies(Side::Before),
    Fault::Dies(Side::After),
    Fault::Swapped(Other::Blank),
    Fault::Swapped(Other::Begun),
    Fault::Swapped(Other::Good),
];

/// Faults in what a card answers.
const ANSWERS: [&str; 3] = ["lies", "says 6581", "says 6A80"];

#[test]
fn every_command_with_every_fault() {
    if let Ok(job) = std::env::var(JOB) {
        std::fs::write(TABLE, table(&Line::open(&job))).unwrap();
        return;
    }
    let site = Site::new();
    site.order(&Order { line: "audit_every = 1000".to_owned(), ..Order::small(5000) });
    // The line makes the job, with its keys pinned, and ends because nobody puts in a card.
    let encoder = format!("vpcd:{}", site.address(1));
    let arguments =
        ["run", "order.toml", "--encoders", &encoder, "--operator", "tester", "--no-progress", "--idle", "1s"];
    let _ = site.factory(&arguments).exits(3);
    let test = "matrix::every_command_with_every_fault";
    let mut child = site.command(&std::env::current_exe().unwrap(), &[test, "--exact", "--nocapture"]);
    let output = child.env(JOB, "T-1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let found = std::fs::read_to_string(site.path(TABLE)).unwrap();
    let rows = found.lines().count() - 1;
    println!("{rows} rows: every command of 0th and 1st issuance with each of {} faults", FAULTS.len());
    let golden = repository("tests/tables").join(TABLE);
    if std::env::var("INSTA_UPDATE").is_ok_and(|word| word == "always") {
        std::fs::write(&golden, &found).unwrap();
    }
    let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
    let other = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    assert!(found == wanted, "{}: first difference {other:?}", golden.display());
    assert_eq!(rows % FAULTS.len(), 0, "a command lacks a fault");
    sound(&found);
}

/// What no row of the table may say, whoever updates it.
fn sound(table: &str) {
    for row in csv::Reader::from_reader(table.as_bytes()).records().map(Result::unwrap) {
        // A card that answers what it must not may be rejected; every other is made whole, and so is one that takes its place.
        let allowed: &[&str] = if ANSWERS.contains(&&row[3]) { &["whole", "binned"] } else { &["whole"] };
        assert!(row[6].split(" + ").all(|card| allowed.contains(&card)), "{row:?}");
    }
}

/// All rows, made by as many threads as there are workers.
fn table(line: &Line) -> String {
    let (example, met) = line.good();
    let shape = shape(&example);
    let steps: Vec<String> = (1..=met.len()).map(|at| step_at(line, at)).collect();
    let cells: Vec<(usize, Fault)> = (1..=met.len()).flat_map(|at| FAULTS.map(|fault| (at, fault))).collect();
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(vec![String::new(); cells.len()]));
    let keys = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..2 * WORKERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(at, fault)) = cells.get(number) else { return };
                    let told = cell(line, at, fault, &shape, &keys);
                    let row = format!("{at},{:02X},{},{fault},{told}\n", met[at - 1], steps[at - 1]);
                    rows.lock().unwrap()[number] = row;
                }
            });
        }
    });
    HEAD.to_owned() + &rows.into_inner().unwrap().concat()
}

/// The step that a command belongs to, as the line calls it.
fn step_at(line: &Line, at: usize) -> String {
    let mut reader = Reader::with(line.blank(), Some((at, Fault::Dies(Side::Before))), None);
    line.contact(&mut reader).1
}

/// One fault at one command, and what comes of it.
fn cell(line: &Line, at: usize, fault: Fault, shape: &str, keys: &Mutex<BTreeSet<String>>) -> String {
    let other = match fault {
        Fault::Swapped(Other::Blank) => Some(line.blank()),
        Fault::Swapped(Other::Begun) => Some(line.begun(BEGUN_AT[at % 2], Fault::Dies(Side::After))),
        Fault::Swapped(Other::Good) => Some(line.good().0),
        _ => None,
    };
    let mut reader = Reader::with(line.blank(), Some((at, fault)), other);
    let (first, _) = line.contact(&mut reader);
    let mut later: Vec<String> = Vec::new();
    let mut ends = Vec::new();
    for card in reader.out() {
        let mut reader = Reader::with(card, None, None);
        let (word, _) = line.contact(&mut reader);
        ends.push(end(&reader.out()[0], &word, shape, keys));
        later.push(word);
    }
    format!("{first},{},{}", later.join(" + "), ends.join(" + "))
}

/// What a card is in the end.
fn end(card: &Card, word: &str, shape_of_good: &str, keys: &Mutex<BTreeSet<String>>) -> &'static str {
    let report = card.report(Secrets::Shown);
    if report.failures > 0 {
        return "locked";
    }
    if word.starts_with("rejected") || word == "refused CARD_REJECTED_BEFORE" {
        return "binned";
    }
    let mut known = keys.lock().unwrap();
    let own = own_keys(&report);
    let is_own = own.iter().all(|key| known.insert(key.clone())) && !own.is_empty();
    if is_own && shape(card) == shape_of_good { "whole" } else { "mixed" }
}

/// All that good cards have in common.
fn shape(card: &Card) -> String {
    let report = card.report(Secrets::Hidden);
    let mut out = format!("{} {}", report.state, report.protocol);
    for set in &report.key_sets {
        write!(out, " {}/{}", set.kvn, set.bits).unwrap();
    }
    if let Some(mf) = &report.mf {
        file_shape(&mut out, mf);
    }
    out
}

fn file_shape(out: &mut String, file: &FileReport) {
    write!(out, "[{} {} {} {:?}", file.fid, file.life_cycle, file.fcp, file.contents).unwrap();
    for set in &file.key_sets {
        write!(out, " {}/{}", set.kvn, set.bits).unwrap();
    }
    file.files.iter().for_each(|file| file_shape(out, file));
    out.push(']');
}

fn own_keys(report: &Report) -> Vec<String> {
    let folders = report.mf.iter().flat_map(|mf| &mf.files).flat_map(|file| &file.key_sets);
    report.key_sets.iter().chain(folders).filter_map(|set| set.keys.clone()).flatten().collect()
}
