//! `online.held_growth_ms`: how much longer a card is held when the centre is far away.
//!
//! The real terminal, a simulated card at its reader and the real centre, without and with 200 ms on the way to the centre and again on the
//! way back. The card's own window is from its first to its last answer, by the trace that the card itself writes.

use super::far;
use super::node::{Node, Way};
use super::shop::{self, Sale};
use super::terminal::{Carrier, Line, Pages, is_written, opening, play_with};
use crate::doing::{Doing, failed};
use crate::line::Feeder;
use crate::ports;
use crate::report::Entry;
use crate::rounds::median;
use crate::site::Site;
use fuda_cli::Failure;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// On the way to the centre, and again on the way back.
const ONE_WAY: Duration = Duration::from_millis(200);
/// What the window may grow by, in milliseconds: the noise of a machine, and no part of a round trip.
const GROWTH_MAX_MS: f64 = 20.0;
/// Activations near, and as many far away.
const ROUNDS: usize = 5;

/// Cards that are needed.
pub const CARDS: usize = 2 * ROUNDS + 1;

/// Measures with [`CARDS`] cards.
///
/// # Errors
/// When one of them is not activated without a round trip.
pub fn measure(site: &Site, node: &Node, sales: Vec<Sale>) -> Result<Entry, Failure> {
    let far = Way { address: far::stand_before(node.way.address, ONE_WAY)?, ..node.way.clone() };
    let (mut nears, mut fars, mut sales) = (Vec::new(), Vec::new(), sales.into_iter());
    for round in 0..ROUNDS {
        for (way, windows) in [(&node.way, &mut nears), (&far, &mut fars)] {
            let sale = sales.next().ok_or("none is left").doing("take a card")?;
            windows.push(window_ms(site, way, &sale, &format!("hand-{round}-{}", way.address.port()))?);
        }
    }
    let (each, commands) = one_by_one_ms(&far, sales.next().ok_or("none is left").doing("take a card")?)?;
    let (near, far) = (median(&nears), median(&fars));
    Ok(Entry {
        name: "online.held_growth_ms",
        value: far - near,
        unit: "ms",
        bound: Some(GROWTH_MAX_MS),
        note: format!(
            "lower is better; the card's window for {commands} commands with {} ms each way to the centre {far:.1} ms, without {near:.1} ms \
             (medians of {ROUNDS}); with a message for each command, which is what a relay of single APDUs does, it would be {each:.0} ms: measured as \
             the same script with a request to the centre over the same way before each command but the first; bound: what is allowed",
            ONE_WAY.as_millis()
        ),
    })
}

/// The window of one activation by the real terminal.
fn window_ms(site: &Site, way: &Way, sale: &Sale, hand: &str) -> Result<f64, Failure> {
    let (folder, trace) = (site.path(hand), site.path(&format!("{hand}.trace")));
    std::fs::create_dir(&folder).doing("create a folder")?;
    let name = sale.file.file_name().ok_or("it has no name").doing("find a card's file")?;
    std::fs::rename(&sale.file, folder.join(name)).doing("take a card's file")?;
    let reader = format!("127.0.0.1:{}", ports::free_row(1)?);
    let (trace_name, ca) = (trace.display().to_string(), shop::certificate(site)?.display().to_string());
    let feeder = Feeder::start(site, hand, &reader, &["--trace", &trace_name])?;
    let mut terminal = site.program("fuda-terminal")?;
    terminal.args(["activate", "--json", "--no-input", "--quiet", "--ca", &ca, "--transport", "ws"]);
    terminal.args(["--centre", &format!("https://{}", way.address), "--reader", &format!("vpcd:{reader}")]);
    let output = terminal.args(["--order", &sale.token]).stdout(Stdio::piped()).output().doing("start the terminal")?;
    drop(feeder);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() || !said.contains("\"round_trips_card_held\":0") {
        return Err(failed(format!("the terminal ended with {}: {said}", output.status)));
    }
    let trace = std::fs::read_to_string(&trace).doing("read the card's trace")?;
    let time = |line: Option<&str>| line.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
    match (time(trace.lines().next()), time(trace.lines().last())) {
        (Some(first), Some(last)) => Ok((last - first) * 1e3),
        _ => Err(failed("the card's trace has no times".to_owned())),
    }
}

/// The window when every command is a message: a round trip before each but the first. Milliseconds, and the number of commands.
fn one_by_one_ms(far: &Way, sale: Sale) -> Result<(f64, usize), Failure> {
    let Sale { token, mut card, .. } = sale;
    let mut line = Line::connect(far, Carrier::WebSocket)?;
    let script = line.ask(&opening(Carrier::WebSocket, token)?)?;
    let mut messages = Pages::connect(far)?;
    // The connection is there before the card is.
    messages.get("/healthz")?;
    let (mut first, mut last, mut commands) = (None, Instant::now(), 0);
    let result = play_with(&script, &mut card, |number| {
        if number > 0 {
            messages.get("/healthz")?;
        }
        last = Instant::now();
        first.get_or_insert(last);
        commands = number + 1;
        Ok(())
    })?;
    is_written(&line.ask(&result)?)?;
    let held = last.duration_since(first.unwrap_or(last));
    Ok((held.as_secs_f64() * 1e3, commands))
}
