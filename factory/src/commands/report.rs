//! `job report`: a job told to a person who was not there.

use crate::failure;
use crate::report::{Document, JobFacts, html, markdown};
use crate::site::Site;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::Journal;
use serde_json::json;
use std::fs;
use std::io;
use std::path::Path;

/// Names of the two forms.
const MARKDOWN: &str = "report.md";
const HTML: &str = "report.html";

/// Writes the report of a job into a folder.
///
/// # Errors
/// `JOB_NOT_FOUND` (exit 5); a journal that was changed (exit 6); the store; `REPORT_IO` (exit 8).
pub(super) fn report(globals: &Globals, site: &Site, job: &str, out: &Path) -> Result<Exit, Failure> {
    let journal = Journal::open(&site.store, job).map_err(failure::of)?;
    let facts = JobFacts::read(&journal).map_err(failure::of)?;
    let clock = site.store.clock();
    let document = Document::new(&facts, globals.lang, &clock.zone(), clock.now());
    let (text, charts) = markdown(&document);
    fs::create_dir_all(out).map_err(|error| io_failure(out, &error))?;
    let mut files = vec![(MARKDOWN, text), (HTML, html(&document))];
    files.extend(charts);
    for (name, content) in &files {
        replace(&out.join(name), content)?;
    }
    output::line(&format!(
        "the report of job {job}: {} and {}",
        out.join(HTML).display(),
        out.join(MARKDOWN).display()
    ));
    if globals.json {
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        output::json(&json!({ "job": job, "folder": out.display().to_string(), "files": names }));
    }
    Ok(Exit::Done)
}

/// Writes a file beside its name and puts it there: nobody reads half a report.
fn replace(path: &Path, content: &str) -> Result<(), Failure> {
    let new = path.with_extension(format!("new.{}", std::process::id()));
    let written = fs::write(&new, content).and_then(|()| fs::rename(&new, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&new);
        io_failure(path, &error)
    })
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new("REPORT_IO", Exit::Store, error.to_string())
        .at(path.display().to_string())
        .remedy("name a folder that can be written to")
}
