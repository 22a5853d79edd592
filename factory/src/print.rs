//! Print files: serial, printed number and activation code of every package, encrypted to the printer's age keys as they are made.
//!
//! The format is age-encryption.org/v1, binary, and inside it CSV (UTF-8, LF, header). No code is written to this disk in clear, and none is
//! kept in memory longer than its row.

use crate::order::Serial;
use age::stream::StreamWriter;
use age::x25519::Recipient;
use fuda_cli::{Exit, Failure};
use fuda_issuance::ActivationCode;
use fuda_issuance::delivery::{HashingWriter, Sha256Sum};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Header of the table.
const HEADER: &[u8] = b"serial,printed,activation_code\n";

/// Printers that can open one file: more keys are a sign that nobody knows who prints.
const RECIPIENTS_MAX: usize = 8;

/// Largest file of recipients, in bytes: a few lines.
const RECIPIENTS_BYTES_MAX: u64 = 16 * 1024;

/// The keys of the printer.
pub(crate) struct Recipients(Vec<Recipient>);

impl Recipients {
    /// From arguments, each a recipient or a file with one on each line; empty lines and lines that begin with # are passed over.
    ///
    /// # Errors
    /// `PRINT_RECIPIENT` (exit 2); `INPUT_UNREADABLE` (exit 5).
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut recipients = Vec::new();
        for argument in arguments {
            if argument.starts_with("age1") {
                recipients.push(recipient(argument, argument)?);
                continue;
            }
            for line in text(Path::new(argument))?.lines().map(str::trim) {
                if !line.is_empty() && !line.starts_with('#') {
                    recipients.push(recipient(line, argument)?);
                }
            }
        }
        match recipients.len() {
            1..=RECIPIENTS_MAX => Ok(Self(recipients)),
            found => Err(wrong(format!("{found} recipients are named")).remedy(format!("name 1 to {RECIPIENTS_MAX}"))),
        }
    }

    /// As the journal keeps them.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

fn recipient(text: &str, place: &str) -> Result<Recipient, Failure> {
    text.parse().map_err(|error: &str| {
        // A secret key in the wrong place is not repeated.
        let shown = if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY") { "a secret key" } else { text };
        wrong(format!("{shown} is no age recipient: {error}"))
            .at(if shown == text { place } else { "" })
            .remedy("give the printer's public key, age1…, as `age-keygen -y` shows it")
    })
}

fn wrong(what: String) -> Failure {
    Failure::new("PRINT_RECIPIENT", Exit::Usage, what)
}

fn text(path: &Path) -> Result<String, Failure> {
    let unreadable = |what: String| {
        Failure::new("INPUT_UNREADABLE", Exit::Input, what)
            .at(path.display().to_string())
            .remedy("give an age recipient (age1…), or a readable file of them")
    };
    let size = fs::metadata(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))?.len();
    if size > RECIPIENTS_BYTES_MAX {
        return Err(unreadable(format!("the file has {size} bytes, which no list of recipients has")));
    }
    fs::read_to_string(path).map_err(|error| unreadable(format!("cannot read the file: {error}")))
}

/// A print file that takes rows. Dropped before it is published, it leaves nothing behind.
pub(crate) struct PrintFile {
    hidden: Hidden,
    target: PathBuf,
    stream: StreamWriter<HashingWriter<BufWriter<File>>>,
}

/// A print file with all its rows, on disk, without its name.
pub(crate) struct FinishedPrint {
    hidden: Hidden,
    target: PathBuf,
    pub(crate) sha256: Sha256Sum,
}

impl PrintFile {
    /// Begins a file that will be called `target`; its folder must exist.
    ///
    /// # Errors
    /// `PRINT_FILE_EXISTS` (exit 4); `PRINT_FILE_IO` (exit 8).
    pub(crate) fn create(target: &Path, recipients: &Recipients) -> Result<Self, Failure> {
        let failed = |error| io_failure(target, &error);
        let target = std::path::absolute(target).map_err(failed)?;
        refuse_existing(&target)?;
        let mut name = std::ffi::OsString::from(".");
        name.push(target.file_name().unwrap_or_default());
        name.push(format!(".{}", std::process::id()));
        let hidden = Hidden { path: target.with_file_name(name), published: false };
        let file = File::create_new(&hidden.path).map_err(failed)?;
        let keys = recipients.0.iter().map(|recipient| recipient as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(keys).map_err(|error| wrong(error.to_string()))?;
        let output = HashingWriter::new(BufWriter::new(file));
        let mut stream = encryptor.wrap_output(output).map_err(failed)?;
        stream.write_all(HEADER).map_err(failed)?;
        Ok(Self { hidden, target, stream })
    }

    /// Adds a package.
    ///
    /// # Errors
    /// `PRINT_FILE_IO` (exit 8).
    pub(crate) fn package(&mut self, serial: &Serial, code: &ActivationCode) -> Result<(), Failure> {
        let open = format!("{},{},", field(&serial.number), field(&serial.printed));
        let printed = code.printed();
        let mut row = Zeroizing::new(String::with_capacity(open.len() + printed.len() + 1));
        for part in [open.as_str(), printed.as_str(), "\n"] {
            row.push_str(part);
        }
        self.stream.write_all(row.as_bytes()).map_err(|error| io_failure(&self.target, &error))
    }

    /// Ends the file and has it on disk.
    ///
    /// # Errors
    /// `PRINT_FILE_IO` (exit 8).
    pub(crate) fn finish(self) -> Result<FinishedPrint, Failure> {
        let failed = |error| io_failure(&self.target, &error);
        let mut output = self.stream.finish().map_err(failed)?;
        output.flush().map_err(failed)?;
        let (buffer, sha256, _) = output.finish();
        buffer.get_ref().sync_all().map_err(failed)?;
        Ok(FinishedPrint { hidden: self.hidden, target: self.target, sha256 })
    }
}

impl FinishedPrint {
    /// Gives the file its name.
    ///
    /// # Errors
    /// `PRINT_FILE_EXISTS` (exit 4); `PRINT_FILE_IO` (exit 8).
    pub(crate) fn publish(mut self) -> Result<PathBuf, Failure> {
        refuse_existing(&self.target)?;
        let failed = |error| io_failure(&self.target, &error);
        fs::rename(&self.hidden.path, &self.target).map_err(failed)?;
        self.hidden.published = true;
        if let Some(folder) = self.target.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(self.target.clone())
    }

    /// The name that it will have.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }
}

/// The file under its hidden name, removed unless it is published.
struct Hidden {
    path: PathBuf,
    published: bool,
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A field of CSV, quoted where RFC 4180 wants it.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn refuse_existing(target: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_failure(target, &error)),
        Ok(_) => Err(Failure::new("PRINT_FILE_EXISTS", Exit::Refused, format!("{} exists", target.display()))
            .at(target.display().to_string())
            .remedy("name a file that does not exist; print files are never overwritten")),
    }
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new("PRINT_FILE_IO", Exit::Store, error.to_string())
        .at(path.display().to_string())
        .remedy("make the folder writable and the disk roomy, then prepare again")
}
