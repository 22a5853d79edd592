//! What a card holds, as data: for `show`, for tests and for checkers that are not the host.

use crate::crypto::AesKey;
use crate::fcp::Structure;
use crate::keys::{KeySet, Role};
use crate::make::Make;
use crate::state::{Protocol, State};
use crate::tree::{Body, File, FileId, LifeCycle};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether a report carries the static keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Key check values only.
    Hidden,
    /// The keys too: this is a simulator, and a checker that is independent of the host needs them.
    Shown,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Chip identity, hex.
    pub kdd: String,
    /// `t0` or `t1`.
    pub protocol: &'static str,
    /// SCP03 parameter `i`, hex.
    pub scp03_i: String,
    /// `blank`, the life cycle of the MF, or `domain` and `other` for a card without files.
    pub state: &'static str,
    /// Wrong authentications since the last right one.
    pub failures: u8,
    /// Key sets of the MF.
    pub key_sets: Vec<KeySetReport>,
    /// Data objects that were stored, tag and value, hex.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub objects: BTreeMap<String, String>,
    /// The MF and all below it; none on a blank chip.
    pub mf: Option<FileReport>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// File identifier, hex.
    pub fid: String,
    /// `df`, `transparent`, `linear-fixed` or `internal`.
    pub kind: &'static str,
    /// DF name, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Life cycle status.
    pub life_cycle: &'static str,
    /// Template 62 as CREATE FILE gave it, without the tag, hex.
    pub fcp: String,
    /// Contents in hex: one string for a transparent EF, one per record for a linear one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<String>,
    /// Key sets of a DF below the MF.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_sets: Vec<KeySetReport>,
    /// Tries that the DF's PIN has left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_tries: Option<u8>,
    /// Files in a DF, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileReport>,
}

/// A key set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeySetReport {
    /// Key version number, hex.
    pub kvn: String,
    /// What the set is for.
    pub role: &'static str,
    /// Sequence counter, hex.
    pub counter: String,
    /// AES key length.
    pub bits: usize,
    /// GlobalPlatform key check values of ENC, MAC, DEK, hex.
    pub gp_kcv: [String; 3],
    /// ENC, MAC, DEK, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<[String; 3]>,
}

impl Report {
    pub(crate) fn new(state: &State, secrets: Secrets) -> Self {
        let mf = state.tree.file(FileId::ROOT);
        Self {
            kdd: state.kdd.to_string(),
            protocol: if state.protocol == Protocol::T0 { "t0" } else { "t1" },
            scp03_i: format!("{:02X}", state.scp03_parameter()),
            state: match state.make {
                Make::Files => mf.map_or("blank", |file| file.life.name()),
                Make::Domain(_) => "domain",
                Make::Other => "other",
            },
            failures: state.failures,
            key_sets: key_sets(state, FileId::ROOT, secrets),
            objects: state
                .objects
                .iter()
                .map(|(tag, value)| (format!("{tag:04X}"), hex::encode_upper(value)))
                .collect(),
            mf: mf.map(|file| file_report(state, FileId::ROOT, file, secrets)),
        }
    }

    /// The file at a path of FIDs from the MF, such as `DF01/0002`; the empty path is the MF.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&FileReport> {
        let steps = path.split('/').filter(|step| !step.is_empty());
        steps.fold(self.mf.as_ref(), |folder, fid| {
            folder.and_then(|folder| folder.files.iter().find(|file| file.fid.eq_ignore_ascii_case(fid)))
        })
    }
}

fn file_report(state: &State, id: FileId, file: &File, secrets: Secrets) -> FileReport {
    FileReport {
        fid: file.fid().to_string(),
        kind: match file.fcp.structure {
            Structure::Folder => "df",
            Structure::Transparent { .. } => "transparent",
            Structure::LinearFixed { .. } => "linear-fixed",
            Structure::Internal { .. } => "internal",
        },
        name: state.tree.name(id).filter(|_| file.is_folder()).map(|name| name.to_string()),
        life_cycle: file.life.name(),
        fcp: hex::encode_upper(&file.template),
        contents: contents(file),
        key_sets: if id.is_root() { Vec::new() } else { key_sets(state, id, secrets) },
        pin_tries: state.tree.folder(id).and_then(|folder| folder.pin.as_ref()).map(|pin| pin.tries_left),
        files: state.tree.children(id).map(|(child, file)| file_report(state, child, file, secrets)).collect(),
    }
}

fn contents(file: &File) -> Vec<String> {
    match (&file.body, file.fcp.structure) {
        (Body::Working(data), Structure::LinearFixed { record, .. }) => {
            data.chunks(record.max(1)).map(hex::encode_upper).collect()
        }
        (Body::Working(data), _) => vec![hex::encode_upper(data)],
        _ => Vec::new(),
    }
}

fn key_sets(state: &State, folder: FileId, secrets: Secrets) -> Vec<KeySetReport> {
    let role = |kvn| match state.make {
        // What a number is for there is the owner's affair.
        Make::Domain(_) | Make::Other => "domain",
        Make::Files => Role::of(folder, kvn).map_or("unknown", Role::name),
    };
    state.keys(folder).iter().map(|set| key_set(role(set.kvn), set, secrets)).collect()
}

fn key_set(role: &'static str, set: &KeySet, secrets: Secrets) -> KeySetReport {
    let each = |show: fn(&AesKey) -> String| [&set.keys.enc, &set.keys.mac, &set.keys.dek].map(show);
    KeySetReport {
        kvn: set.kvn.to_string(),
        role,
        counter: hex::encode_upper(set.counter_bytes()),
        bits: set.keys.enc.size_bytes() * 8,
        gp_kcv: each(|key| hex::encode_upper(key.gp_kcv())),
        keys: (secrets == Secrets::Shown).then(|| each(|key| hex::encode_upper(key.expose()))),
    }
}

impl LifeCycle {
    /// The name that reports use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Initialisation => "initialisation",
            Self::Deactivated => "deactivated",
            Self::Activated => "activated",
            Self::Terminated => "terminated",
        }
    }
}
