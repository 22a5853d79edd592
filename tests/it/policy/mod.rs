//! The rules of a line: who may say what, which chips come back, what becomes of a serial, and several lines on one order.

mod bin;
mod close;
mod control;
mod guests;
mod lines;
mod restore;
mod samples;
mod serials;

use fuda_tests::{Order, Running, Site};

/// A line that goes on however many chips fail.
const PATIENT: &str = "audit_every = 1000\nstop_after = 1000\nquarantine_after = 1000";

/// An order of small cards whose line is patient.
fn patient(quantity: u32) -> Order {
    Order { line: PATIENT.to_owned(), ..Order::small(quantity) }
}

/// Another line for `order.toml`, at encoders of its own (counted from 0) and with an operator of its own.
fn second_line(site: &Site, first: u16, encoders: u16) -> Running {
    site.line_at(first, encoders, ["second", "20s"], &[])
}

/// A line that gives up soon when no card comes.
fn hasty_line(site: &Site) -> Running {
    site.line_at(0, 1, ["tester", "1s"], &[])
}

/// Commands that the chips have met so far, by the feeder's own record.
fn commands(site: &Site) -> usize {
    std::fs::read_to_string(site.path("trace")).map_or(0, |text| text.lines().count())
}

/// Moves every chip of a stack onto another.
fn restack(site: &Site, from: &str, to: &str) {
    for chip in site.chips(from) {
        std::fs::rename(&chip, site.path(to).join(chip.file_name().unwrap())).unwrap();
    }
}
