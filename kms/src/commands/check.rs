//! `fuda-kms check`.

use super::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure};
use fuda_kms::inspect::{self, Checkup, Finding};
use fuda_kms::{KeyLength, Provider, Routes};
use serde_json::json;

pub(crate) fn run(site: &Site) -> Result<Exit, Failure> {
    let Checkup { routes, findings } = inspect::check(&site.token, &site.registry()?)?;
    let mut table = Table::new(["KEY", "SCHEME", "RESULT"]);
    let mut objects = Vec::with_capacity(findings.len());
    for Finding { subject, scheme, fault } in &findings {
        let result = fault.as_ref().map_or_else(|| "ok".to_owned(), |fault| format!("{}: {fault}", fault.code()));
        table.row([subject.clone(), (*scheme).to_owned(), result]);
        objects.push(json!({
            "key": subject,
            "scheme": scheme,
            "ok": fault.is_none(),
            "code": fault.as_ref().map(fuda_kms::Error::code),
            "what": fault.as_ref().map(ToString::to_string),
        }));
    }
    let faults = findings.iter().filter(|finding| finding.fault.is_some()).count();
    let token = token_text(&site.token.provider, routes);
    let summary = format!("known-answer test passed; {} checked, {faults} at fault", findings.len());
    let object = json!({
        "known_answer": "passed",
        "provider": site.token.provider.name,
        "provider_tested": site.token.provider.is_tested(),
        "routes": { "aes_128": route(routes, KeyLength::Aes128), "aes_256": route(routes, KeyLength::Aes256) },
        "keys": objects,
        "faults": faults,
    });
    site.print(&format!("{token}\n\n{table}\n{summary}"), &object);
    // The graver exit code of the first fault, so that a script sees what `init` or a worker would end with.
    Ok(findings.iter().find_map(|finding| finding.fault.as_ref()).map_or(Exit::Done, fuda_kms::Error::exit))
}

fn route(routes: Routes, length: KeyLength) -> Option<&'static str> {
    routes.get(length).map(fuda_kms::Route::as_str)
}

/// Whose token it is, whether that is known from tests, and what it may be used for.
fn token_text(provider: &Provider, routes: Routes) -> String {
    let tested = if provider.is_tested() { "tested" } else { "UNTESTED, written from documentation" };
    let text = |length| route(routes, length).unwrap_or("none: such keys are refused");
    format!(
        "provider   {} ({}): {tested}\nAES-128    {}\nAES-256    {}",
        provider.name,
        provider.profile.title,
        text(KeyLength::Aes128),
        text(KeyLength::Aes256),
    )
}
