//! `pack`: printed numbers from a scanner become the cards of a carton.

use super::card::first;
use super::run::{open, require_operator};
use crate::audit::auditor;
use crate::cli::{Label, Pack, Period};
use crate::failure;
use crate::site::Site;
use fuda_card::id::Kdd;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::journal::{Carton, Match, Misfit, Packed, Packing};
use fuda_issuance::{CardAuditor, Journal};
use fuda_terminal::Encoder;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

/// Longest line that is read, in bytes: a printed number has 64 characters, and a scanner may put a few before and behind it.
const LINE_BYTES_MAX: u64 = 512;

/// Packages that are named in the report; a stack with more is the wrong stack, and the rest is only counted.
const REFUSED_MAX: usize = 100;

/// Fills a carton.
///
/// # Errors
/// No operator at a production site (exit 2); a carton of another job, of another size or delivered (exit 4); a package with another card in it (`PACK_OTHER_CARD`, exit 6); no card to
/// match with (`CARD_AWAITED`, exit 3); an encoder or a card (exit 9); the store.
pub fn pack(globals: &Globals, args: &Pack) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    require_operator(&site, &args.operator)?;
    let journal = Journal::open(&site.store, &args.job).map_err(failure::of)?;
    let numbers = Numbers::open(&args.from)?;
    let bench = args.match_every.map(|every| Bench::open(&site, &journal, args, every)).transpose()?;
    let Label(label) = &args.carton;
    let carton = journal.open_carton(label, args.size).map_err(failure::of)?;
    let operator = args.operator.clone();
    let mut table = Table { journal, operator, bench, carton, refused: Vec::new(), refused_count: 0 };
    let outcome = table.fill(numbers);
    table.tell(globals, &outcome);
    let left = outcome?;
    let whole = table.carton.is_full() && table.refused_count == 0 && left == Left::Nothing;
    Ok(if whole { Exit::Done } else { Exit::Incomplete })
}

/// Whether numbers were left when the carton was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Numbers,
}

/// A carton on the table.
struct Table {
    journal: Journal,
    operator: String,
    bench: Option<Bench>,
    carton: Carton,
    refused: Vec<(String, Misfit)>,
    refused_count: u64,
}

impl Table {
    fn fill(&mut self, mut numbers: Numbers) -> Result<Left, Failure> {
        while !self.carton.is_full() {
            match numbers.next() {
                Some(number) => self.take(&number?)?,
                None => return Ok(Left::Nothing),
            }
        }
        // A scanner goes on with the next carton; a file that is too long was made for another size.
        Ok(if numbers.is_file && numbers.next().is_some() { Left::Numbers } else { Left::Nothing })
    }

    fn take(&mut self, number: &str) -> Result<(), Failure> {
        let matched = match self.journal.packable(number).map_err(failure::of)? {
            Err(misfit) => return self.refuse(number, misfit),
            Ok(card) => match self.bench.as_ref().filter(|bench| bench.is_due(&self.carton)) {
                Some(bench) => Match::Chip(bench.read(&card.serial)?),
                None => Match::Number,
            },
        };
        let packing = Packing { label: &self.carton.label, operator: &self.operator };
        match self.journal.pack(&packing, number, &matched).map_err(failure::of)? {
            Err(misfit) => self.refuse(number, misfit),
            Ok(Packed { serial, carton }) => {
                self.carton = carton;
                let chip = if matches!(matched, Match::Chip(_)) { ", its chip is the right one" } else { "" };
                output::line(&format!("{}/{}  {number}  serial {serial}{chip}", self.carton.cards, self.carton.size));
                Ok(())
            }
        }
    }

    /// Names a package that stays out; another card in it means that all packages since the last match are in doubt.
    fn refuse(&mut self, number: &str, misfit: Misfit) -> Result<(), Failure> {
        let what = format!("{number}: {misfit}");
        self.refused_count += 1;
        let stop = matches!(misfit, Misfit::OtherCard { .. });
        let code = misfit.code();
        if !stop {
            output::note(&format!("take it out [{code}] {what}"));
        }
        if self.refused.len() < REFUSED_MAX {
            self.refused.push((number.to_owned(), misfit));
        }
        if stop {
            let remedy =
                "cards and packages are out of step: unpack, and match every card since the last one that was read";
            return Err(Failure::new(code, Exit::Integrity, what)
                .at(format!("carton {}", self.carton.label))
                .remedy(remedy));
        }
        Ok(())
    }

    /// The result; after a failure only for a person, because the last line for a program is the failure.
    fn tell(&self, globals: &Globals, outcome: &Result<Left, Failure>) {
        let Carton { label, job, size, cards, matched } = &self.carton;
        let refused = match self.refused_count {
            0 => String::new(),
            count => format!(", {count} packages refused"),
        };
        output::line(&format!("carton {label}: {cards} of {size} cards, {matched} matched with their chips{refused}"));
        if globals.json && outcome.is_ok() {
            let refused: Vec<Value> = self
                .refused
                .iter()
                .map(|(number, misfit)| json!({ "number": number, "code": misfit.code(), "what": misfit.to_string() }))
                .collect();
            output::json(&json!({
                "job": job, "carton": label, "size": size, "cards": cards, "matched": matched,
                "full": self.carton.is_full(), "refused": refused, "refused_count": self.refused_count,
            }));
        }
    }
}

/// Where the chip of every Nth package is read.
struct Bench {
    encoders: Vec<Encoder>,
    auditor: CardAuditor,
    every: u32,
    wait: Duration,
}

impl Bench {
    fn open(site: &Site, journal: &Journal, args: &Pack, every: u32) -> Result<Self, Failure> {
        let encoders = open(&args.encoders)?;
        let Period(wait) = args.wait;
        Ok(Self { encoders, auditor: auditor(site, journal.clone(), Some(1))?, every, wait })
    }

    /// The first package of a carton and every Nth after it.
    fn is_due(&self, carton: &Carton) -> bool {
        carton.cards % i64::from(self.every) == 0
    }

    /// The chip in the package of a serial, proved by its keys.
    fn read(&self, serial: &str) -> Result<Kdd, Failure> {
        output::note(&format!("put the card of serial {serial} into an encoder"));
        let (encoder, mut card) = first(&self.encoders, self.wait)?;
        let audited = self.auditor.audit(&mut card).map_err(|error| {
            let chip = error.kdd.map_or_else(String::new, |kdd| format!(", chip {kdd}"));
            failure::of(*error.error).at(format!("{}{chip}", encoder.name()))
        })?;
        card.eject();
        let unreadable =
            |_| failure::of(fuda_issuance::Error::StoreContent { what: format!("kdd `{}`", audited.card.kdd) });
        audited.card.kdd.parse().map_err(unreadable)
    }
}

/// Printed numbers, one a line.
struct Numbers {
    reader: Box<dyn BufRead>,
    is_file: bool,
}

impl Numbers {
    fn open(from: &Path) -> Result<Self, Failure> {
        if from == Path::new("-") {
            return Ok(Self { reader: Box::new(io::stdin().lock()), is_file: false });
        }
        let file = File::open(from).map_err(|error| unreadable(&error).at(from.display().to_string()))?;
        Ok(Self { reader: Box::new(BufReader::new(file)), is_file: true })
    }

    fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            let mut line = Vec::new();
            let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
            let text = String::from_utf8_lossy(&line);
            match text.trim() {
                _ if read == 0 => return Ok(None),
                "" => {}
                number => return Ok(Some(number.to_owned())),
            }
        }
    }
}

impl Iterator for Numbers {
    type Item = Result<String, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_line().map_err(|error| unreadable(&error)).transpose()
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new("INPUT_UNREADABLE", Exit::Input, format!("cannot read the printed numbers: {error}"))
        .remedy("name a readable file with one printed number a line, or - for standard input")
}
