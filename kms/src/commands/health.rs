//! `fuda-kms health`.

use super::Site;
use clap::Args;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, output};
use fuda_kms::health::{Check, Health};
use fuda_kms::{Hsm, HsmConfig, Registry};
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{IsTerminal, Write};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two looks. A look proves every usable key.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a wait looks for Ctrl-C.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
#[command(after_help = "\
Asks the token for its state, derives, and proves every usable key by its check value, through an
HSM worker as a line would. Where workers have copies of the token (SoftHSM), the master is compared
with what was copied.

Example:
  fuda-kms health --watch     until Ctrl-C; one line per change when the output is no terminal

Exit codes: 0 well, 6 integrity, 7 HSM or PIN, 8 store; with --watch those of the last look.")]
pub(crate) struct HealthArgs {
    /// Look again every second until Ctrl-C
    #[arg(long)]
    watch: bool,
}

pub(crate) fn run(site: &Site, args: &HealthArgs) -> Result<Exit, Failure> {
    let config =
        HsmConfig { token: site.token.clone(), workers: NonZeroU16::MIN, ..HsmConfig::from_file(&site.config)? };
    let registry = site.registry()?;
    if args.watch {
        return watch(site, &config, &registry);
    }
    let hsm = Hsm::start(&config, &registry)?;
    let health = hsm.health();
    let mut object = object(&health);
    if let Value::Object(fields) = &mut object {
        fields.insert("metrics".to_owned(), json!(hsm.metrics()));
    }
    site.print(&table(&health), &object);
    Ok(health.exit())
}

fn watch(site: &Site, config: &HsmConfig, registry: &Registry) -> Result<Exit, Failure> {
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&ended))
            .map_err(|error| Failure::new("SIGNALS", Exit::Bug, format!("cannot take over signals: {error}")))?;
    }
    let (mut hsm, mut shown) = (None, None);
    loop {
        let health = look(&mut hsm, config, registry);
        if shown.as_ref() != Some(&health) {
            show(site, &health);
        }
        let exit = health.exit();
        shown = Some(health);
        let mut waited = Duration::ZERO;
        while waited < PAUSE {
            if ended.load(Ordering::Relaxed) {
                return Ok(exit);
            }
            std::thread::sleep(TICK);
            waited += TICK;
        }
    }
}

/// One look; without workers this tries to start them, so that it turns green by itself when the token is back.
fn look(hsm: &mut Option<Hsm>, config: &HsmConfig, registry: &Registry) -> Health {
    if let Some(hsm) = hsm {
        return hsm.health();
    }
    match Hsm::start(config, registry) {
        Ok(started) => hsm.insert(started).health(),
        Err(error) => Health::without_hsm(&error),
    }
}

fn show(site: &Site, health: &Health) {
    if site.globals.json {
        output::json(&object(health));
    } else if std::io::stdout().is_terminal() {
        let colour = if health.exit() == Exit::Done { "\x1b[32m" } else { "\x1b[31m" };
        let colour = if std::env::var_os("NO_COLOR").is_none() { colour } else { "" };
        // Home, clear to the end of the screen, and the colour of the verdict.
        output::line(&format!("\x1b[H\x1b[J{}\n{colour}{}\x1b[0m", table(health), verdict(health)));
    } else {
        output::line(&verdict(health));
    }
    let _ = std::io::stdout().flush();
}

fn verdict(health: &Health) -> String {
    let faults: Vec<String> = health.checks.iter().filter_map(fault).collect();
    if faults.is_empty() {
        format!("well: {} checks", health.checks.len())
    } else {
        format!("FAULT: {}", faults.join("; "))
    }
}

fn fault(check: &Check) -> Option<String> {
    check.fault.as_ref().map(|fault| format!("{}: {} ({fault})", check.subject, fault.code()))
}

fn table(health: &Health) -> String {
    let mut table = Table::new(["WHAT", "RESULT"]);
    for check in &health.checks {
        let result = check.fault.as_ref().map_or_else(|| "ok".to_owned(), |fault| format!("{}: {fault}", fault.code()));
        table.row([check.subject.clone(), result]);
    }
    table.to_string()
}

fn object(health: &Health) -> Value {
    let checks = health.checks.iter().map(|check| {
        json!({
            "what": check.subject,
            "ok": check.fault.is_none(),
            "code": check.fault.as_ref().map(fuda_kms::Fault::code),
            "says": check.fault.as_ref().map(ToString::to_string),
        })
    });
    json!({ "ok": health.exit() == Exit::Done, "exit": health.exit().number(), "checks": checks.collect::<Vec<_>>() })
}
