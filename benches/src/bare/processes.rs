//! The same calls in several processes at once, as HSM workers run: what so many workers could do.
//!
//! A process is this program again with a hidden argument; it prints how many cards it computed.

use super::Bare;
use super::calls::Lengths;
use crate::doing::{Doing, failed};
use crate::product;
use crate::request::{Pins, whole_card};
use crate::rounds::number;
use crate::site::Site;
use fuda_cli::{Failure, output};
use fuda_kms::CardRequest;
use serde_json::{Value, json};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Cards a second of `count` processes together.
///
/// # Errors
/// When one of them fails.
pub fn rate(site: &Site, count: u16, length: Duration) -> Result<f64, Failure> {
    // All are started before one is waited for.
    let children = (0..count).map(|number| start(site, number, length)).collect::<Result<Vec<Child>, _>>()?;
    children.into_iter().map(finished).sum()
}

/// Cards a second of one process on a certain copy of the token.
///
/// # Errors
/// When it fails.
pub fn rate_on(site: &Site, number: u16, length: Duration) -> Result<f64, Failure> {
    finished(start(site, number, length)?)
}

fn start(site: &Site, number: u16, length: Duration) -> Result<Child, Failure> {
    let mut command = site.another_process(number)?;
    command.args(["--bare-for", &length.as_millis().to_string()]).stdout(Stdio::piped());
    command.spawn().doing("start a bare process")
}

/// What one process printed.
fn finished(child: Child) -> Result<f64, Failure> {
    let output = child.wait_with_output().doing("wait for a bare process")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let object: Value = serde_json::from_str(text.trim_end()).doing("read what a bare process printed")?;
    let rate = object.get("cards_per_second").and_then(Value::as_f64);
    rate.filter(|_| output.status.success()).ok_or_else(|| failed(format!("a bare process said: {text}")))
}

/// The body of such a process.
///
/// # Errors
/// When the token refuses a call.
pub fn run(site: &Site, length: Duration) -> Result<(), Failure> {
    let registry = site.registry()?;
    let request = whole_card(&registry, &Pins::read(&registry, &product::plan()?)?)?;
    let bare = Bare::start(site, &request)?;
    let (since, mut cards) = (Instant::now(), 0);
    while since.elapsed() < length {
        bare.card(&CardRequest { kdd: *product::chip(cards).as_bytes(), ..request.clone() }, Lengths::Known)?;
        cards += 1;
    }
    output::json(&json!({ "cards_per_second": number(cards) / since.elapsed().as_secs_f64() }));
    Ok(())
}
