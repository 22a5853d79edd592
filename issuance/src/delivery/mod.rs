//! The delivery (納品): the signed folder that leaves the line.
//!
//! | file | what it is |
//! |---|---|
//! | `cards.csv` | one row per good card, columns [`CARD_COLUMNS`] |
//! | `cards.jsonl` | the same rows as JSON objects, `keys` as a list; `counters` where a card was met more often than issuing takes |
//! | `rejects.csv` | one row per chip in the reject bin, columns [`REJECT_COLUMNS`] |
//! | `manifest.json` | [`Manifest`] in the canonical form of RFC 8785: counts, profile, keys with check values, sums of the tables, journal chain |
//! | `manifest.sig` | ECDSA P-256 with SHA-256 over the bytes of `manifest.json`, DER |
//! | `receipt.pem` | the public key, SubjectPublicKeyInfo in PEM |
//! | `SHA256SUMS` | sums of all the others, as coreutils writes them |
//!
//! Anybody checks it with `sha256sum -c SHA256SUMS` and
//! `openssl dgst -sha256 -verify receipt.pem -signature manifest.sig manifest.json`; [`verify`](fn@verify) also checks what is written in it.
//! CSV is UTF-8 (on request CP932, which the manifest then says) with LF and a header (RFC 4180 quoting), times are RFC 3339 with offset, chip identities upper-case hex. The folder appears
//! under its name only when it is complete and on disk.

mod encoding;
mod error;
mod manifest;
mod receipt;
mod receive;
mod report;
mod row;
mod sums;
mod tables;
mod text;
mod verify;
mod writer;

pub use crate::sha256::{HashingWriter, NoSha256, Sha256Sum};
pub use encoding::CsvEncoding;
pub use error::Error;
pub use manifest::{
    Counts, Extent, FORMAT, FORMAT_WITH_COUNTERS, Facts, FileFacts, Identities, JournalFacts, Kcv, KcvMethod, KeyFacts,
    Manifest, OrderFacts, PartFacts, ProfileFacts, ReceiptFacts, SiteMode,
};
pub use receipt::{ReceiptKey, signature_to_der};
pub use receive::{Received, receive};
pub use report::{Finding, Report, Trust};
pub use row::{CARD_COLUMNS, CardRow, CardStage, Disposition, REJECT_COLUMNS, RejectClass, RejectRow, SetCounter};
pub use verify::verify;
pub use writer::{DeliveryWriter, Published, UnsignedDelivery, forget_unfinished};

/// Names of the files, in the order in which `SHA256SUMS` lists them.
pub mod file {
    /// Good cards.
    pub const CARDS_CSV: &str = "cards.csv";
    /// The same as JSON.
    pub const CARDS_JSONL: &str = "cards.jsonl";
    /// What the delivery says of itself.
    pub const MANIFEST: &str = "manifest.json";
    /// The signature of that.
    pub const SIGNATURE: &str = "manifest.sig";
    /// The public key.
    pub const RECEIPT: &str = "receipt.pem";
    /// Chips in the reject bin.
    pub const REJECTS: &str = "rejects.csv";
    /// Sums of all of them.
    pub const SUMS: &str = "SHA256SUMS";

    /// Tables, whose sums the manifest holds.
    pub(super) const TABLES: [&str; 3] = [CARDS_CSV, CARDS_JSONL, REJECTS];
    /// Everything but the sums themselves.
    pub(super) const SUMMED: [&str; 6] = [CARDS_CSV, CARDS_JSONL, MANIFEST, SIGNATURE, RECEIPT, REJECTS];
}
