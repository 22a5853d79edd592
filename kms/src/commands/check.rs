//! `fuda-kms check`.

use super::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure};
use fuda_kms::inspect::{self, Finding};
use serde_json::json;

pub(crate) fn run(site: &Site) -> Result<Exit, Failure> {
    let findings = inspect::check(&site.token, &site.registry()?)?;
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
    let summary = format!("known-answer test passed; {} checked, {faults} at fault", findings.len());
    site.print(&format!("{table}\n{summary}"), &json!({ "known_answer": "passed", "keys": objects, "faults": faults }));
    // The graver exit code of the first fault, so that a script sees what `init` or a worker would end with.
    Ok(findings.iter().find_map(|finding| finding.fault.as_ref()).map_or(Exit::Done, fuda_kms::Error::exit))
}
