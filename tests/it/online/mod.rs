//! A card, a terminal and a centre with a network between them.

mod broken;
mod carried;
mod refused;

use fuda_tests::centre::{ScriptedCentre, certificate};
use fuda_tests::program::binary;
use fuda_tests::skip::skipped;
use fuda_tests::{Ended, Running, Site};
use serde_json::{Value, json};
use std::path::PathBuf;

/// SELECT of nothing in particular: the card answers what it is.
const SELECT: &str = "00A4040000";
/// GET DATA of the chip's life cycle data; the answer begins with its tag.
const GET_CPLC: &str = "80CA9F7F00";

/// A site with one chip, and a certificate for its centre.
#[derive(Debug)]
struct Desk {
    site: Site,
    certificate: (PathBuf, PathBuf),
}

impl Desk {
    /// `None` on a machine without openssl.
    fn new(test: &str) -> Option<Self> {
        let site = Site::bare();
        let Some(certificate) = certificate(&site, "centre", "IP:127.0.0.1") else {
            skipped(test, "there is no `openssl`");
            return None;
        };
        site.blank("stack", 1);
        Some(Self { site, certificate })
    }

    /// Somebody holds the chip to the reader.
    fn card(&self, more: &[&str]) -> Running {
        self.site.feeder_at("stack", 0, more)
    }

    /// Starts `fuda-terminal activate … --json`.
    fn start(&self, centre: &ScriptedCentre, more: &[&str]) -> Running {
        let reader = format!("vpcd:127.0.0.1:{}", self.site.first_port());
        let ca = centre.ca.to_str().unwrap();
        let arguments = [
            "activate",
            "--centre",
            &centre.url,
            "--ca",
            ca,
            "--reader",
            &reader,
            "--order",
            "TOKEN",
            "--json",
            "--no-input",
        ];
        self.site.start(&binary("fuda-terminal"), &[&arguments, more].concat())
    }

    /// The same with the card in the reader, until it ends.
    fn activate(&self, centre: &ScriptedCentre, more: &[&str]) -> Ended {
        let _card = self.card(&[]);
        self.start(centre, more).wait()
    }
}

/// Two commands; after the second the work is done.
fn steps() -> Value {
    json!([
        { "c": SELECT, "ms": 2000, "p": "meeting", "percent": 40 },
        { "c": GET_CPLC, "ms": 2000, "match": [{ "offset": 0, "mask": "FFFF", "value": "9F7F" }], "percent": 100 },
    ])
}
