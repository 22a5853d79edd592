//! `card read`: what a card is that is put into an encoder; `card sample`: a good card drawn for inspection.

use super::run::open;
use crate::cli::{CardCommand, CardRead, CardSample, Period};
use crate::failure;
use crate::site::Site;
use fuda_card::recognise::{house_names, look};
use fuda_card::transport::TransmitError;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::Journal;
use fuda_terminal::Pattern;
use fuda_terminal::report::Report;
use fuda_terminal::{Encoder, EncoderCard, EncoderSpec};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long one wait at one encoder lasts before the next one is looked at.
const TURN: Duration = Duration::from_millis(50);

/// Looks at a card, or draws one.
///
/// # Errors
/// Exit 9 with what the encoder or the card did; `CARD_AWAITED` (exit 3) when none was put in.
pub fn card(globals: &Globals, command: &CardCommand) -> Result<Exit, Failure> {
    match command {
        CardCommand::Read(args) => read(globals, args),
        CardCommand::Sample(args) => sample(globals, args),
    }
}

fn sample(globals: &Globals, args: &CardSample) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let journal = Journal::open(&site.store, &args.job).map_err(failure::of)?;
    let card = journal.draw_sample(&args.card, &args.operator, &args.reason).map_err(failure::of)?;
    output::line(&format!(
        "card {}, chip {}, is a sample now; `fuda-factory run` makes another in its place",
        card.serial, card.kdd
    ));
    if globals.json {
        output::json(&json!({ "job": args.job, "serial": card.serial, "chip_id": card.kdd }));
    }
    Ok(Exit::Done)
}

fn read(globals: &Globals, args: &CardRead) -> Result<Exit, Failure> {
    let any = [EncoderSpec::Pcsc { pattern: Pattern::any() }];
    let encoders = open(if args.encoders.is_empty() { &any } else { &args.encoders })?;
    let Period(wait) = args.wait;
    let (encoder, mut card) = first(&encoders, wait)?;
    let report = report(encoder, &mut card)?;
    card.eject();
    if globals.json {
        output::json(&report.object());
    } else {
        output::line(&report.text(globals.lang));
    }
    Ok(Exit::Done)
}

/// The first card in any of the encoders.
pub(super) fn first(encoders: &[Encoder], wait: Duration) -> Result<(&Encoder, EncoderCard<'_>), Failure> {
    let until = Instant::now() + wait;
    loop {
        for encoder in encoders {
            if let Some(card) = encoder.insert(TURN).map_err(|error| Failure::from(error).at(encoder.name()))? {
                return Ok((encoder, card));
            }
        }
        if Instant::now() >= until {
            let what = format!("no card was put in within {} s", wait.as_secs());
            return Err(Failure::new("CARD_AWAITED", Exit::Stopped, what).remedy("put a card in and try again"));
        }
    }
}

fn report(encoder: &Encoder, card: &mut EncoderCard<'_>) -> Result<Report, Failure> {
    let atr = card.atr().to_vec();
    let said = look(card, &atr, house_names()).map_err(|error: TransmitError<fuda_terminal::Error>| match error {
        TransmitError::Transport(error) => Failure::from(error).at(encoder.name()),
        error => Failure::new("CARD_ANSWER", Exit::Reader, error.to_string()).at(encoder.name()),
    })?;
    Ok(Report { reader: encoder.name().to_owned(), protocol: None, said })
}
