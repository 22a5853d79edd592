//! `activate` and `read`: a session with the service centre about one card.

use crate::cli;
use crate::encoder::Encoder;
use crate::relay::{Choice, Consent, Cover, Job, Money, Report, Trouble, Trust, Way, relay as have_session};
use fuda_card::cardscript::limits::WORD_CHARS_MAX;
use fuda_card::cardscript::{Done, Outcome, Purpose};
use fuda_cli::globals::Lang;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, StopSignal, output};
use serde_json::{Value, json};
use std::io::{self, BufRead, IsTerminal, Read};
use std::time::Duration;

/// Has the session and tells what came of it.
///
/// # Errors
/// What `docs/TERMINAL.md` lists, the codes of readers, and the centre's own.
pub fn relay(globals: &Globals, purpose: Purpose, args: &cli::Relay) -> Result<Exit, Failure> {
    let signal = StopSignal::install()
        .map_err(|error| Failure::new("SIGNALS", Exit::Bug, format!("cannot take over SIGINT and SIGTERM: {error}")))?;
    let lang = globals.lang;
    let untouched = |trouble: Trouble| trouble.failure(lang, Money::Untouched);
    let order = token(args.order.as_deref()).ok_or_else(|| untouched(Trouble::Token))?;
    let trust = match (args.centre.cover(), &args.ca) {
        (Cover::Nothing, _) if !args.dev => return Err(untouched(Trouble::Plain).at(args.centre.to_string())),
        (Cover::Nothing, _) => Trust::nobody(),
        (Cover::Tls, Some(file)) => Trust::file(file),
        (Cover::Tls, None) => Trust::of_this_machine(),
    };
    let trust = trust.map_err(|error| {
        let failure = untouched(Trouble::Trust(error));
        args.ca.as_ref().map_or(failure.clone(), |file| failure.at(file.display().to_string()))
    })?;
    let encoders = Encoder::open(args.reader.encoder()).map_err(|error| untouched(error.into()))?;
    let way = Way {
        centre: args.centre.clone(),
        trust,
        choice: args.transport,
        patience: Duration::from_secs(args.patience.into()),
    };
    let card_wait = Duration::from_secs(args.wait.into());
    let job = Job { purpose, order, locale: locale(lang), card_wait };
    match have_session(globals, &way, &encoders, &job, consent(globals, args), signal) {
        Ok(report) => {
            tell(globals, &report);
            Ok(if report.done.outcome == Outcome::Cancelled { Exit::Stopped } else { Exit::Done })
        }
        Err((trouble, money)) => {
            let failure = trouble.failure(lang, money);
            let place = if failure.place.is_empty() { args.centre.to_string() } else { failure.place.clone() };
            Err(failure.at(place))
        }
    }
}

/// The order's token, from the command line or the first line of standard input.
fn token(given: Option<&str>) -> Option<String> {
    let text = match given? {
        "-" => {
            let mut line = String::new();
            let limit = u64::try_from(WORD_CHARS_MAX * 4).unwrap_or(u64::MAX);
            io::stdin().lock().take(limit).read_line(&mut line).ok()?;
            line
        }
        text => text.to_owned(),
    };
    let text = text.trim();
    (!text.is_empty() && text.chars().count() <= WORD_CHARS_MAX).then(|| text.to_owned())
}

fn consent(globals: &Globals, args: &cli::Relay) -> Consent {
    if args.yes {
        Consent::Given
    } else if globals.no_input || !io::stdin().is_terminal() {
        Consent::Withheld
    } else {
        Consent::Asked
    }
}

const fn locale(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Ja => "ja",
    }
}

fn tell(globals: &Globals, report: &Report) {
    if globals.json {
        output::json(&object(report));
        return;
    }
    let Report { done, held, round_trips_card_held: trips, commands, .. } = report;
    output::line(&done.text);
    let mut table = Table::new([""; 2]);
    for (name, value) in &done.shown {
        table.row([name, value]);
    }
    if !done.shown.is_empty() {
        output::line(table.to_string().trim_start_matches('\n'));
    }
    let held_ms = held.as_millis();
    let (key, receipt) = (done.receipt.as_ref().map(|receipt| receipt.key.as_str()), &done.receipt);
    match globals.lang {
        Lang::En => {
            if let (Some(key), Some(receipt)) = (key, receipt) {
                output::line(&format!("receipt, signed with {key}: {}", receipt.body));
            }
            output::line(&format!(
                "{commands} commands in {held_ms} ms; the card waited {trips} times for the network"
            ));
        }
        Lang::Ja => {
            if let (Some(key), Some(receipt)) = (key, receipt) {
                output::line(&format!("受領書(署名鍵 {key}): {}", receipt.body));
            }
            output::line(&format!("コマンド{commands}件、{held_ms}ミリ秒。通信待ちは{trips}回"));
        }
    }
}

fn object(report: &Report) -> Value {
    let Report { done, round_trips_card_held, held, commands, resent, transport } = report;
    let Done { outcome, receipt, shown, .. } = done;
    let shown: Vec<Value> = shown.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({
        "outcome": outcome,
        "round_trips_card_held": round_trips_card_held,
        "held_ms": u64::try_from(held.as_millis()).unwrap_or(u64::MAX),
        "commands": commands,
        "resent": resent,
        "transport": match transport {
            Choice::Post => "post",
            Choice::Auto | Choice::Ws => "ws",
        },
        "receipt": receipt,
        "shown": shown,
    })
}
