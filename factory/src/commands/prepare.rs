//! `prepare`: printed numbers and activation codes, fixed and encrypted to the printer before any chip is encoded.

use crate::cli::Prepare;
use crate::failure;
use crate::job::Prepared;
use crate::order::Serial;
use crate::print::{PrintFile, Recipients};
use crate::site::Site;
use fuda_cli::{Exit, Failure, Globals, output};
use fuda_issuance::journal::{PrintCopy, SERIALS_PER_PAGE};
use fuda_issuance::{ActivationCode, Journal};
use fuda_kms::{Hsm, KeyName, KeyVersion};
use serde_json::json;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Makes a print file.
///
/// # Errors
/// `PRINT_FILE_MADE` (exit 4) when there is one and no other is asked for; `SERIAL_PRINTED` (exit 4) when another order has a serial;
/// a wrong order or recipient; the HSM, the store, the disk.
pub fn prepare(globals: &Globals, args: &Prepare) -> Result<Exit, Failure> {
    let recipients = Recipients::parse(&args.print_to)?;
    let site = Site::open(globals)?;
    let prepared = Prepared::read(&site, &args.order)?;
    // A site without the key is told so before a job exists.
    let newest = site.registry.active(&KeyName::Activation)?.version;
    let journal = prepared.open_job(&site)?;
    let copies = journal.print_copies().map_err(failure::of)?;
    if let Some(made) = copies.last().filter(|_| !args.again) {
        return Err(made_before(&journal, made));
    }
    // Other codes on a second copy would make the first one worthless.
    let activation = copies.first().map_or(newest, |first| first.activation.clone());
    let number = copies.last().map_or(1, |last| last.copy.saturating_add(1));
    let target = target(&site, args, &journal, number)?;
    let hsm = site.start_hsm(Some(1))?;
    let mut file = PrintFile::create(&target, &recipients)?;
    let serials: Vec<Serial> = prepared.serials.iter().collect();
    for page in serials.chunks(SERIALS_PER_PAGE) {
        let numbers = page.iter().map(|serial| serial.number.clone()).collect();
        journal.reserve_packages(numbers).map_err(failure::of)?;
    }
    for serial in &serials {
        file.package(serial, &code(&hsm, &activation, &serial.number)?)?;
    }
    let finished = file.finish()?;
    let copy = PrintCopy {
        copy: number,
        activation,
        packages: u64::try_from(serials.len()).unwrap_or(u64::MAX),
        recipients: recipients.text(),
        file: finished.target().display().to_string(),
        file_sha256: finished.sha256.to_string(),
        made_at: String::new(),
    };
    journal.record_print(copy.clone()).map_err(failure::of)?;
    let path = finished.publish()?;
    tell(globals, &journal, &copy, (serials.first(), serials.last()), &path);
    Ok(Exit::Done)
}

/// The activation code of a serial.
fn code(hsm: &Hsm, activation: &KeyVersion, serial: &str) -> Result<ActivationCode, Failure> {
    let mac = Zeroizing::new(hsm.mac(activation, &ActivationCode::mac_input(serial))?);
    Ok(ActivationCode::from_mac(&mac))
}

fn made_before(journal: &Journal, made: &PrintCopy) -> Failure {
    let PrintCopy { copy, packages, recipients, file, file_sha256, made_at, .. } = made;
    let job = &journal.job().order.id;
    let what = format!(
        "copy {copy} of the print file of {job} was made at {made_at} for {recipients}: {packages} packages, SHA-256 {file_sha256}"
    );
    Failure::new("PRINT_FILE_MADE", Exit::Refused, what)
        .at(file.as_str())
        .remedy("send that file again; --again makes another copy with the same codes, and the journal says so")
}

/// `--out`, or JOB-print-N.age in the folder that `fuda.toml` names.
fn target(site: &Site, args: &Prepare, journal: &Journal, number: u32) -> Result<PathBuf, Failure> {
    if let Some(out) = &args.out {
        return Ok(out.clone());
    }
    let out = site.config.factory.as_ref().and_then(|factory| factory.out.as_ref());
    let out = out.ok_or_else(|| {
        Failure::new("PRINT_FOLDER", Exit::Usage, "no file is named")
            .remedy("give --out FILE, or factory.out in fuda.toml")
    })?;
    std::fs::create_dir_all(out).map_err(|error| {
        Failure::new("PRINT_FILE_IO", Exit::Store, format!("cannot make the folder: {error}"))
            .at(out.display().to_string())
    })?;
    Ok(out.join(format!("{}-print-{number}.age", journal.job().order.id)))
}

fn tell(
    globals: &Globals,
    journal: &Journal,
    copy: &PrintCopy,
    (first, last): (Option<&Serial>, Option<&Serial>),
    path: &std::path::Path,
) {
    let number = |serial: Option<&Serial>| serial.map(|serial| serial.number.clone()).unwrap_or_default();
    let order = &journal.job().order;
    let PrintCopy { copy: number_of_copy, packages, recipients, file_sha256, activation, .. } = copy;
    output::line(&format!(
        "copy {number_of_copy}: {packages} packages ({} cards and {} spares), serials {} to {}, codes by {activation}",
        order.quantity,
        order.spares,
        number(first),
        number(last)
    ));
    output::line(&format!(
        "{}\nSHA-256 {file_sha256}\nonly {recipients} can open it: age -d -i KEY FILE",
        path.display()
    ));
    if globals.json {
        output::json(&json!({
            "job": order.id, "copy": number_of_copy, "packages": packages, "quantity": order.quantity, "spares": order.spares,
            "first_serial": number(first), "last_serial": number(last), "activation": activation.to_string(),
            "recipients": recipients.split(' ').collect::<Vec<_>>(), "file": path.display().to_string(), "file_sha256": file_sha256,
        }));
    }
}
