//! Every step of an activation with everything that can go wrong at it, as a table: how the contact ended, what a reader saw of the card then,
//! how the next contact ended, at which one the card was done, and what card, job and entitlement are in the end.
//!
//! A card is foreseen, when the whole session is sent beforehand, or asked, when the centre needs its challenge first. What goes wrong with the
//! card goes wrong at each of its commands, the rest at each message. The table is `tests/tables/activation_fault.csv`; the long form with
//! `INSTA_UPDATE=always` writes it anew.

use super::fault::{Fault, Moment, Side, Victim};
use super::hand::Seen;
use super::run::{Account, Run};
use super::shop::{Bought, Shop};
use super::verdict::{Said, Verdict, judge, said};
use super::{Form, in_turns};
use crate::activation::player::{Cut, Mode};
use fuda_tests::random::Random;
use fuda_tests::site::repository;
use fuda_tests_cluster::Engine;
use std::fmt;

const TABLE: &str = "activation_fault.csv";
const HEAD: &str = "session,at,ins,fault,this contact,card then,next contact,contacts,card,job,entitlement";
/// What goes wrong at a command.
const AT_COMMANDS: [(&str, Mode); 6] = [
    ("card out before", Mode::Before),
    ("card out after", Mode::After),
    ("torn at 0 %", Mode::Torn(0)),
    ("torn at 50 %", Mode::Torn(50)),
    ("torn at 97 %", Mode::Torn(97)),
    ("reader gone", Mode::Reader),
];
/// A fault at the message of a number.
type AtMessage = fn(usize) -> Fault;
/// Into the answering of a message.
const WITHIN: Moment = Moment::Within(5_000);
/// What goes wrong at a message.
const AT_MESSAGES: [(&str, AtMessage); 9] = [
    ("line cut before", |at| Fault::Line(at, Side::Before)),
    ("line cut after", |at| Fault::Line(at, Side::After)),
    ("message twice", Fault::Twice),
    ("node killed before", |at| Fault::Killed(Victim::Node, at, Moment::Before)),
    ("node killed within", |at| Fault::Killed(Victim::Node, at, WITHIN)),
    ("worker killed before", |at| Fault::Killed(Victim::Worker, at, Moment::Before)),
    ("worker killed within", |at| Fault::Killed(Victim::Worker, at, WITHIN)),
    ("database gone before", |at| Fault::Killed(Victim::Database, at, Moment::Before)),
    ("database gone within", |at| Fault::Killed(Victim::Database, at, WITHIN)),
];
/// Kills in the short form: each takes a second.
const KILLS_IN_SHORT: usize = 4;
/// Kills in sessions of one kind: six at each of three messages.
const KILLS_MAX: usize = 18;

/// Whether the centre knows beforehand what the card will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    Foreseen,
    Asked,
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreseen => "foreseen",
            Self::Asked => "asked",
        })
    }
}

/// One row before it is filled.
#[derive(Debug, Clone)]
struct Cell {
    session: Session,
    /// `session,at,ins,fault`.
    key: String,
    fault: Fault,
}

/// Goes through the table, or the part of it that the short form has, and compares; the rows that were made, and what they are worth.
pub(super) fn through(form: Form, random: &mut Random) -> (usize, Verdict) {
    // Room for two cards that nothing happens to.
    let cards = 2 * (1 + if form == Form::Short { KILLS_IN_SHORT } else { KILLS_MAX });
    let own = if super::postgres_here() { Shop::on_own_server(cards) } else { Shop::open(Engine::Sqlite, cards) };
    let (undisturbed, rest) = own.1.split_at(2);
    let (cells, kills) = cells(form, random, (&own.0, undisturbed));
    let mut verdict = Verdict::default();
    let others = Shop::open(Engine::Sqlite, 2 * most(&cells));
    let mut rows = fill((&others.0, &others.1), &cells, &mut verdict);
    rows.extend(fill((&own.0, rest), &kills, &mut verdict));
    compare(form, &rows);
    (rows.len(), verdict)
}

/// Cells of the kind of session that has more of them.
fn most(cells: &[Cell]) -> usize {
    let of = |session| cells.iter().filter(|cell| cell.session == session).count();
    of(Session::Foreseen).max(of(Session::Asked))
}

/// What goes wrong with card and line, and what is killed.
fn cells(form: Form, random: &mut Random, (shop, cards): (&Shop, &[Bought])) -> (Vec<Cell>, Vec<Cell>) {
    let (mut cells, mut kills) = (Vec::new(), Vec::new());
    for (session, bought) in [Session::Foreseen, Session::Asked].into_iter().zip(cards) {
        let undisturbed = Run::new(shop, bought).through(&[]);
        for (at, ins) in undisturbed.commands.iter().enumerate() {
            let cell = |(name, mode): (&str, Mode)| Cell {
                session,
                key: format!("{session},command {},{ins},{name}", at + 1),
                fault: Fault::Card(Cut { command: at, mode }),
            };
            cells.extend(AT_COMMANDS.map(cell));
        }
        for message in 0..=undisturbed.scripts {
            for (name, fault) in AT_MESSAGES {
                let word = if message == 0 { "open".to_owned() } else { format!("result {message}") };
                let cell = Cell { session, key: format!("{session},{word},,{name}"), fault: fault(message) };
                if matches!(cell.fault, Fault::Killed(..)) { kills.push(cell) } else { cells.push(cell) }
            }
        }
    }
    if form == Form::Short {
        while kills.len() > KILLS_IN_SHORT {
            let _ = kills.swap_remove(usize::try_from(random.within(0..kills.len() as u64)).unwrap());
        }
    }
    (cells, kills)
}

/// Fills rows, each with a card of its own: of the cards that were sold every second one is asked first.
fn fill((shop, bought): (&Shop, &[Bought]), cells: &[Cell], verdict: &mut Verdict) -> Vec<(String, String)> {
    let mut next = [0, 1];
    let cards: Vec<&Bought> = cells
        .iter()
        .map(|cell| {
            let place = &mut next[usize::from(cell.session == Session::Asked)];
            *place += 2;
            &bought[*place - 2]
        })
        .collect();
    let accounts = in_turns("row", cells.len(), |number| Run::new(shop, cards[number]).through(&[cells[number].fault]));
    let said = said(shop);
    let mut rows = Vec::new();
    for ((cell, card), account) in cells.iter().zip(cards).zip(&accounts) {
        let said = &said[&card.sale.order];
        verdict.add(judge(shop, card, &[cell.fault], account, said));
        rows.push((cell.key.clone(), row(account, said)));
    }
    rows
}

fn row(account: &Account, said: &Said) -> String {
    let Account { first, between, last, contacts, seen, .. } = account;
    let (between, seen) = (word(*between), word(*seen));
    format!("{first},{between},{last},{contacts},{seen},{},{}", said.jobs.join("+"), said.entitlement)
}

const fn word(seen: Option<Seen>) -> &'static str {
    match seen {
        Some(Seen::Whole) => "whole",
        Some(Seen::Blank) => "blank",
        Some(Seen::Mixed) | None => "mixed",
    }
}

/// Holds rows against the table; the long form has all of it.
fn compare(form: Form, rows: &[(String, String)]) {
    let golden = repository("tests/tables").join(TABLE);
    let lines: Vec<String> = rows.iter().map(|(key, rest)| format!("{key},{rest}")).collect();
    if form == Form::Long && std::env::var("INSTA_UPDATE").is_ok_and(|word| word == "always") {
        std::fs::write(&golden, format!("{HEAD}\n{}\n", lines.join("\n"))).unwrap();
    }
    let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
    let wanted: Vec<&str> = wanted.lines().skip(1).collect();
    let other: Vec<&String> = lines.iter().filter(|line| !wanted.contains(&line.as_str())).collect();
    assert!(other.is_empty(), "{}: no such rows: {other:#?}", golden.display());
    assert!(form == Form::Short || lines.len() == wanted.len(), "{}: rows that are not made", golden.display());
}
