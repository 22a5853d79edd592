//! What pool and worker say to each other, as JSON in frames (`frame.rs`), both of one build.
//!
//! ```text
//! pool                                   worker
//! hello (contract, commit, token, …)  →
//!                                     ←  hello (contract, commit)      another build is refused here, before it sees a PIN
//! the PIN, a frame of bare bytes      →                                C_Initialize … C_Login, keys proved
//!                                     ←  ready (epoch) | refused (fault)
//! request (id, …)                     →
//!                                     ←  answer (id, …)                one at a time
//! drain                               →                                it ends; the end of the socket says the same
//! ```

use crate::error::Error;
use crate::fault::Fault;
use crate::health::KeyHealth;
use crate::hex_text::{AnyHex, Hex};
use crate::label::TokenLabel;
use crate::message::{CardRequest, Epoch};
use crate::metrics::Tally;
use crate::pool::error::PoolError;
use crate::vault_wire::{DeedWire, VaultWire};
use crate::wire::{self, CONTRACT, Named};
use crate::worker::{After, Done, Reply, Task};
use fuda_cli::config::Mode;
use p256::elliptic_curve::sec1::ToSec1Point;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// More bytes than the names and numbers of a task have, or one step of a card.
const PART_BYTES_MAX: usize = 1024;

/// Who speaks: both sides must say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    pub(crate) contract: u32,
    pub(crate) commit: String,
}

impl Build {
    /// This build.
    pub(crate) fn ours() -> Self {
        Self { contract: CONTRACT, commit: fuda_cli::version::COMMIT.to_owned() }
    }

    /// Refuses any other build.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let ours = Self::ours();
        if *self == ours {
            return Ok(());
        }
        Err(PoolError::Version { found: self.to_string(), ours: ours.to_string() }.into())
    }
}

impl fmt::Display for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "contract {}, commit {:.40}", self.contract, self.commit)
    }
}

/// How a worker is to start; everything but the PIN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hello {
    pub(crate) build: Build,
    pub(crate) module: PathBuf,
    pub(crate) label: String,
    /// Folder of the start-up lock and the PIN latch.
    pub(crate) state_dir: PathBuf,
    pub(crate) mode: ModeWord,
    /// Name of the provider profile.
    pub(crate) provider: String,
    /// Where the registry is.
    pub(crate) store: String,
    pub(crate) on: On,
}

/// What the worker works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// The token itself.
    Token,
    /// A private copy, older than the registry may become.
    Copy,
}

/// The site's mode as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeWord {
    Test,
    Production,
}

impl From<Mode> for ModeWord {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Test => Self::Test,
            Mode::Production => Self::Production,
        }
    }
}

impl From<ModeWord> for Mode {
    fn from(word: ModeWord) -> Self {
        match word {
            ModeWord::Test => Self::Test,
            ModeWord::Production => Self::Production,
        }
    }
}

impl Hello {
    /// The token's label, checked.
    pub(crate) fn label(&self) -> Result<TokenLabel, Error> {
        TokenLabel::new(&self.label)
    }
}

/// From pool to worker.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ToWorker {
    Hello(Box<Hello>),
    Request { id: u64, task: Task },
    Drain,
}

/// From worker to pool.
#[derive(Debug)]
pub(crate) enum FromWorker {
    Hello(Build),
    Ready { epoch: Epoch },
    Refused(Fault),
    Answer { id: u64, epoch: Epoch, done: Done },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Down {
    Hello(Box<Hello>),
    Request { id: u64, task: TaskWire },
    Drain,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum TaskWire {
    Card(wire::Request),
    Sign { epoch: Epoch, key: Named, digest: Hex<32> },
    PublicKey { epoch: Epoch, key: Named },
    Mac { epoch: Epoch, key: Named, data: AnyHex },
    Vault { epoch: Epoch, key: Named, deed: DeedWire },
    Health { epoch: Epoch },
    Several(Vec<TaskWire>),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum UpWritten<'a> {
    Hello(&'a Build),
    Ready { epoch: Epoch },
    Refused(&'a Fault),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Up {
    Hello(Build),
    Ready { epoch: Epoch },
    Refused(Fault),
    Answer(Answer),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    id: u64,
    epoch: Epoch,
    after: After,
    tally: Tally,
    outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Outcome {
    Card(wire::Answer),
    Signature(Hex<64>),
    PublicKey(AnyHex),
    Mac(Hex<16>),
    Vault(VaultWire),
    Health(Vec<KeyWire>),
    Several(Vec<Outcome>),
    Fault(Fault),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyWire {
    key: Named,
    fault: Option<Fault>,
}

impl ToWorker {
    /// In a buffer that wipes itself: a request may hold personal data.
    pub(crate) fn to_wire(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let down = match self {
            Self::Hello(hello) => Down::Hello(hello.clone()),
            Self::Request { id, task } => Down::Request { id: *id, task: task.into() },
            Self::Drain => Down::Drain,
        };
        // Room for all of it at once, so that the buffer never moves and leaves a copy behind.
        let room = if let Self::Request { task, .. } = self { task.wire_bytes_max() } else { 0 };
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *out, &down).map_err(|error| Error::Message { text: error.to_string() })?;
        Ok(out)
    }

    pub(crate) fn from_wire(bytes: &[u8]) -> Result<Self, Error> {
        Ok(match wire::read(bytes)? {
            Down::Hello(hello) => Self::Hello(hello),
            Down::Request { id, task } => Self::Request { id, task: task.try_into()? },
            Down::Drain => Self::Drain,
        })
    }
}

impl Task {
    /// More bytes than it needs on the wire.
    pub(crate) fn wire_bytes_max(&self) -> usize {
        match self {
            Self::Card(request) => (1 + request.steps.len()) * PART_BYTES_MAX,
            Self::Vault { deed, .. } => deed.wire_bytes_max(),
            Self::Mac { data, .. } => PART_BYTES_MAX + 2 * data.len(),
            Self::Several(tasks) => PART_BYTES_MAX + tasks.iter().map(Self::wire_bytes_max).sum::<usize>(),
            Self::Sign { .. } | Self::PublicKey { .. } | Self::Health { .. } => PART_BYTES_MAX,
        }
    }
}

impl From<&Task> for TaskWire {
    fn from(task: &Task) -> Self {
        match task {
            Task::Card(request) => Self::Card(request.into()),
            Task::Sign { epoch, key, digest } => {
                Self::Sign { epoch: *epoch, key: Named(key.clone()), digest: Hex(*digest) }
            }
            Task::PublicKey { epoch, key } => Self::PublicKey { epoch: *epoch, key: Named(key.clone()) },
            Task::Mac { epoch, key, data } => {
                Self::Mac { epoch: *epoch, key: Named(key.clone()), data: AnyHex(data.clone()) }
            }
            Task::Vault { epoch, key, deed } => {
                Self::Vault { epoch: *epoch, key: Named(key.clone()), deed: deed.into() }
            }
            Task::Health { epoch } => Self::Health { epoch: *epoch },
            Task::Several(tasks) => Self::Several(tasks.iter().map(Self::from).collect()),
        }
    }
}

impl TryFrom<TaskWire> for Task {
    type Error = Error;

    fn try_from(read: TaskWire) -> Result<Self, Error> {
        Ok(match read {
            TaskWire::Card(request) => Self::Card(CardRequest::try_from(request)?),
            TaskWire::Sign { epoch, key, digest } => Self::Sign { epoch, key: key.0, digest: digest.0 },
            TaskWire::PublicKey { epoch, key } => Self::PublicKey { epoch, key: key.0 },
            TaskWire::Mac { epoch, key, data } => Self::Mac { epoch, key: key.0, data: data.0 },
            TaskWire::Vault { epoch, key, deed } => Self::Vault { epoch, key: key.0, deed: deed.into() },
            TaskWire::Health { epoch } => Self::Health { epoch },
            TaskWire::Several(tasks) => Self::Several(tasks.into_iter().map(Self::try_from).collect::<Result<_, _>>()?),
        })
    }
}

impl FromWorker {
    /// In a buffer that wipes itself: an answer holds session keys.
    pub(crate) fn to_wire(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self {
            Self::Hello(build) => json(&UpWritten::Hello(build)).map(Zeroizing::new),
            Self::Ready { epoch } => json(&UpWritten::Ready { epoch: *epoch }).map(Zeroizing::new),
            Self::Refused(fault) => json(&UpWritten::Refused(fault)).map(Zeroizing::new),
            Self::Answer { id, epoch, done } => answer(*id, *epoch, done),
        }
    }

    /// Reads a message; the report of a bad one never repeats its content.
    pub(crate) fn from_wire(bytes: &[u8]) -> Result<Self, Error> {
        Ok(match wire::read(bytes)? {
            Up::Hello(build) => Self::Hello(build),
            Up::Ready { epoch } => Self::Ready { epoch },
            Up::Refused(fault) => Self::Refused(fault),
            Up::Answer(Answer { id, epoch, after, tally, outcome }) => {
                let outcome = outcome.into_reply();
                Self::Answer { id, epoch, done: Done { outcome, tally, after } }
            }
        })
    }
}

impl Outcome {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(match self {
            Self::Card(answer) => Reply::Card(answer.into()),
            Self::Signature(signature) => Reply::Signature(signature.0),
            Self::PublicKey(point) => {
                let point = p256::PublicKey::from_sec1_bytes(&point.0);
                Reply::PublicKey(point.map_err(|_| Error::Message { text: "no point of P-256".to_owned() })?)
            }
            Self::Mac(mac) => Reply::Mac(mac.0),
            Self::Vault(reply) => Reply::Vault(reply.into()),
            Self::Health(keys) => {
                let keys = keys.into_iter().map(|KeyWire { key, fault }| KeyHealth { key: key.0, fault });
                Reply::Health(keys.collect())
            }
            Self::Several(outcomes) => {
                Reply::Several(outcomes.into_iter().map(Self::into_reply).collect::<Result<_, _>>()?)
            }
            Self::Fault(fault) => return Err(Error::Worker(Box::new(fault))),
        })
    }
}

/// Written by hand around the outcome, because that of a card has no `Serialize`.
fn answer(id: u64, epoch: Epoch, done: &Done) -> Result<Zeroizing<Vec<u8>>, Error> {
    let outcome = match &done.outcome {
        Ok(reply) => written(reply)?,
        Err(error) => member("fault", &json(&Fault::of(error))?),
    };
    let (after, tally) = (json(&done.after)?, json(&done.tally)?);
    let head = format!("{{\"answer\":{{\"id\":{id},\"epoch\":{epoch},\"after\":");
    let parts = [head.as_bytes(), &after, b",\"tally\":", &tally, b",\"outcome\":", &outcome, b"}}"];
    Ok(joined(&parts))
}

/// An object with the one member that says what a reply is to.
fn written(reply: &Reply) -> Result<Zeroizing<Vec<u8>>, Error> {
    Ok(match reply {
        Reply::Card(card) => member("card", &card.to_wire()),
        Reply::Signature(signature) => member("signature", &json(&Hex(*signature))?),
        Reply::PublicKey(key) => member("public_key", &json(&AnyHex(key.to_sec1_point(false).as_bytes().to_vec()))?),
        Reply::Mac(mac) => member("mac", &json(&Hex(*mac))?),
        Reply::Vault(reply) => member("vault", &reply.to_wire()),
        Reply::Health(keys) => {
            let keys =
                keys.iter().map(|health| KeyWire { key: Named(health.key.clone()), fault: health.fault.clone() });
            member("health", &json(&keys.collect::<Vec<_>>())?)
        }
        Reply::Several(replies) => {
            let replies = replies.iter().map(written).collect::<Result<Vec<_>, _>>()?;
            let commas = replies.iter().skip(1).flat_map(|reply| [b",".as_slice(), reply]);
            let list: Vec<&[u8]> = replies.first().map(|first| first.as_slice()).into_iter().chain(commas).collect();
            member("several", &joined(&[b"[".as_slice(), &joined(&list), b"]"]))
        }
    })
}

fn member(name: &str, value: &[u8]) -> Zeroizing<Vec<u8>> {
    joined(&[b"{\"".as_slice(), name.as_bytes(), b"\":", value, b"}"])
}

/// In a buffer that never moves, and wipes itself.
fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Message { text: error.to_string() })
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
