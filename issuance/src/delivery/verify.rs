//! Checks a delivery as a stranger would: nothing is believed because something else in the folder says so.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{Error, FORMAT, FORMAT_WITH_COUNTERS, Manifest, ReceiptKey, Report, Trust, file, sums, tables};
use crate::sha256::{HashingWriter, Sha256Sum};

/// Largest manifest, signature, key or sum file that is read, in bytes; the tables are streamed.
const SMALL_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Checks the folder: sums, signature, canonical manifest, counts and identities, CSV against JSON row by row, unique serials and chips.
///
/// With `trusted` the signature must verify under that key; without it, under the one in the folder, which proves less ([`Trust`]).
///
/// # Errors
/// [`Error::Io`] if there is no such folder. Everything that is wrong *in* it is a finding.
pub fn verify(folder: &Path, trusted: Option<&ReceiptKey>) -> Result<Report, Error> {
    check(folder, trusted).map(|(report, _)| report)
}

/// The check, and the manifest as far as it was understood.
pub(super) fn check(folder: &Path, trusted: Option<&ReceiptKey>) -> Result<(Report, Option<Manifest>), Error> {
    let mut present = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        present.push(entry.map_err(Error::io(folder))?.file_name().to_string_lossy().into_owned());
    }
    present.sort();
    let trust = if trusted.is_some() { Trust::Given } else { Trust::Folder };
    let mut check = Check { folder, report: Report::new(folder.display().to_string(), trust) };
    let computed = check.sums(&present);
    let manifest = check.manifest(&computed);
    check.signature(trusted, manifest.as_ref());
    tables::check(folder, manifest.as_ref(), &mut check.report);
    if let Some(manifest) = &manifest {
        check.counts(manifest);
    }
    Ok((check.report, manifest))
}

struct Check<'a> {
    folder: &'a Path,
    report: Report,
}

/// What was computed from the bytes on disk.
type Computed = HashMap<&'static str, (Sha256Sum, u64)>;

impl Check<'_> {
    /// The files that must be there, and their sums against `SHA256SUMS`.
    fn sums(&mut self, present: &[String]) -> Computed {
        let known = |name: &str| name == file::SUMS || file::SUMMED.contains(&name);
        for name in present.iter().filter(|name| !known(name)) {
            self.report.find("FILE_EXTRA", name, None, "does not belong to a delivery");
        }
        let mut computed = Computed::new();
        for name in file::SUMMED {
            match sum_of(&self.folder.join(name)) {
                Ok(sum) => {
                    computed.insert(name, sum);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.report.find("FILE_MISSING", name, None, "is missing");
                }
                Err(error) => self.report.find("FILE_UNREADABLE", name, None, error.to_string()),
            }
        }
        let Some(text) = self.small(file::SUMS).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) else {
            return computed;
        };
        let mut listed: HashMap<String, u64> = HashMap::new();
        for (line, entry) in sums::parse(&text) {
            let Some((name, sum)) = entry else {
                self.report.find("SUMS_MALFORMED", file::SUMS, Some(line), "is no line of sha256sum");
                continue;
            };
            if let Some(first) = listed.insert(name.clone(), line) {
                self.report.find("SUMS_MALFORMED", file::SUMS, Some(line), format!("{name} is on line {first} too"));
            }
            match computed.get(name.as_str()) {
                Some((found, _)) if *found == sum => {}
                Some((found, _)) => {
                    self.report.find(
                        "SUM_MISMATCH",
                        &name,
                        None,
                        format!("has SHA-256 {found}, SHA256SUMS says {sum}"),
                    );
                }
                None if file::SUMMED.contains(&name.as_str()) => {}
                None => self.report.find(
                    "SUMS_MALFORMED",
                    file::SUMS,
                    Some(line),
                    format!("{name} does not belong to a delivery"),
                ),
            }
        }
        for name in file::SUMMED.iter().filter(|name| !listed.contains_key(**name)) {
            self.report.find("SUM_MISSING", file::SUMS, None, format!("does not list {name}"));
        }
        computed
    }

    fn manifest(&mut self, computed: &Computed) -> Option<Manifest> {
        let bytes = self.small(file::MANIFEST)?;
        let manifest: Manifest = match serde_json::from_slice(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                let line = u64::try_from(error.line()).ok();
                self.report.find("MANIFEST_MALFORMED", file::MANIFEST, line, format!("is not understood: {error}"));
                return None;
            }
        };
        self.report.order = Some(manifest.facts.order.id.clone());
        self.report.number = Some(manifest.delivery.number);
        self.report.counts = Some(manifest.facts.counts);
        if ![FORMAT, FORMAT_WITH_COUNTERS].contains(&manifest.format.as_str()) {
            self.report.find(
                "MANIFEST_FORMAT",
                file::MANIFEST,
                None,
                format!("is of format {:?}, not {FORMAT:?} or {FORMAT_WITH_COUNTERS:?}", manifest.format),
            );
        }
        if serde_json_canonicalizer::to_vec(&manifest).ok().as_deref() != Some(&bytes) {
            self.report.find(
                "MANIFEST_NOT_CANONICAL",
                file::MANIFEST,
                None,
                "is not in RFC 8785 form, or has members that do not belong",
            );
        }
        if super::row::time("created_at", &manifest.facts.created_at).is_err() {
            self.report.find("MANIFEST_MALFORMED", file::MANIFEST, None, "created_at is no RFC 3339 time with offset");
        }
        let names: Vec<&str> = manifest.files.iter().map(|table| table.name.as_str()).collect();
        if names != file::TABLES {
            self.report.find(
                "MANIFEST_FILES",
                file::MANIFEST,
                None,
                format!("lists {names:?}, not {:?}", file::TABLES),
            );
        }
        for table in &manifest.files {
            let Some((sum, bytes)) = computed.get(table.name.as_str()) else { continue };
            if (*sum, *bytes) != (table.sha256, table.bytes) {
                self.report.find(
                    "MANIFEST_SUM",
                    &table.name,
                    None,
                    format!("has SHA-256 {sum}, the manifest says {}", table.sha256),
                );
            }
        }
        Some(manifest)
    }

    fn signature(&mut self, trusted: Option<&ReceiptKey>, manifest: Option<&Manifest>) {
        let (Some(pem), Some(signature), Some(signed)) =
            (self.small(file::RECEIPT), self.small(file::SIGNATURE), self.small(file::MANIFEST))
        else {
            return;
        };
        let Some(enclosed) = std::str::from_utf8(&pem).ok().and_then(|pem| ReceiptKey::from_pem(pem).ok()) else {
            self.report.find("RECEIPT_MALFORMED", file::RECEIPT, None, "is no P-256 public key in PEM");
            return;
        };
        let key = trusted.unwrap_or(&enclosed);
        if *key != enclosed {
            self.report.find("RECEIPT_FOREIGN", file::RECEIPT, None, "is not the key that was given");
        }
        if !key.verifies(&signed, &signature) {
            self.report.find(
                "SIGNATURE_WRONG",
                file::SIGNATURE,
                None,
                "does not verify: the manifest was not signed by this key",
            );
            return;
        }
        let Ok(fingerprint) = key.spki_sha256() else { return };
        self.report.signed_by = Some(fingerprint);
        if let Some(manifest) = manifest.filter(|manifest| manifest.receipt_key.spki_sha256 != fingerprint) {
            let what = format!("names the receipt key {}, signed by {fingerprint}", manifest.receipt_key.spki_sha256);
            self.report.find("RECEIPT_FOREIGN", file::MANIFEST, None, what);
        }
    }

    fn counts(&mut self, manifest: &Manifest) {
        let counts = manifest.facts.counts;
        for rule in counts.complaints(&manifest.delivery) {
            self.report.find("IDENTITY", file::MANIFEST, None, format!("{rule} does not hold: {counts}"));
        }
        let (cards, rejects) = (self.report.cards, self.report.rejects);
        if cards != manifest.delivery.cards {
            let what = format!("has {cards} rows, the manifest says {}", manifest.delivery.cards);
            self.report.find("COUNT", file::CARDS_CSV, None, what);
        }
        if rejects != manifest.delivery.rejects {
            let what = format!("has {rejects} rows, the manifest says {}", manifest.delivery.rejects);
            self.report.find("COUNT", file::REJECTS, None, what);
        }
    }

    /// The bytes of a small file. Its absence is reported once, by [`Check::sums`], except for the sums themselves.
    fn small(&mut self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        match fs::metadata(&path) {
            Ok(meta) if meta.len() > SMALL_FILE_BYTES_MAX => {
                self.report.find(
                    "FILE_TOO_LARGE",
                    name,
                    None,
                    format!("has {} bytes, at most {SMALL_FILE_BYTES_MAX} are read", meta.len()),
                );
                None
            }
            Ok(_) => fs::read(&path).ok(),
            Err(_) => {
                if name == file::SUMS {
                    self.report.find("FILE_MISSING", name, None, "is missing");
                }
                None
            }
        }
    }
}

fn sum_of(path: &Path) -> io::Result<(Sha256Sum, u64)> {
    let mut hasher = HashingWriter::new(io::sink());
    io::copy(&mut File::open(path)?, &mut hasher)?;
    let (_, sum, bytes) = hasher.finish();
    Ok((sum, bytes))
}
