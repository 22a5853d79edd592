//! The personalisation plan: what is done to a card, in order, as data.
//!
//! [`Plan::issue`] lists the steps of 0th and 1st issuance, [`Plan::audit`] those that read back what they leave.
//! [`Plan::resume_at`] finds where a card that was begun goes on, from what the card says itself. A script walks a plan
//! over a card; nothing here sends anything.

mod audit;
mod evidence;
mod issue;
mod stage_record;

pub use evidence::Evidence;
pub use stage_record::{JobTag, STAGE_RECORD_BYTES, StageRecord, StageRecordError};

use crate::fcp::Fcp;
use crate::id::{DfName, Fid, Kvn};
use crate::key_name::KeyName;

/// A part of issuing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// 0th issuance, by the card maker: MF, key file with the transport key, ATR file.
    Zeroth,
    /// 1st issuance, by the service provider: issuer key, applications with their files and keys.
    First,
}

impl Stage {
    /// Its number, as orders write it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Zeroth => 0,
            Self::First => 1,
        }
    }

    /// The stage of a number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Zeroth),
            1 => Some(Self::First),
            _ => None,
        }
    }
}

/// A key set on a card, and the channel that it opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelId {
    /// Name of the DF that holds the set.
    pub df: DfName,
    /// Key version number of the set.
    pub kvn: Kvn,
    /// Name of the key, `issuer` or `ap/ticket`.
    pub key: String,
}

impl ChannelId {
    /// A set of the MF.
    fn of_mf(kvn: Kvn, key: &KeyName) -> Self {
        Self { df: DfName::mf(), kvn, key: key.to_string() }
    }

    /// The chip maker's initial set.
    fn initial() -> Self {
        Self::of_mf(Kvn::INITIAL, &KeyName::Initial)
    }

    /// The transport set.
    fn transport() -> Self {
        Self::of_mf(Kvn::TRANSPORT, &KeyName::Transport)
    }

    /// The first issuer set.
    fn issuer() -> Self {
        Self::of_mf(Kvn::ISSUER_FIRST, &KeyName::Issuer)
    }
}

/// One step: done in its channel, and doing it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is, for reports: `ticket: create WEF member`.
    pub name: String,
    /// The stage that it belongs to.
    pub stage: Stage,
    /// The channel that it is done in; a step with another channel than the one before opens that channel first.
    pub channel: ChannelId,
    /// What is done.
    pub action: Action,
}

/// What a step does, or what it expects to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Makes the MF the current DF.
    SelectMf,
    /// Makes a DF under the MF the current one.
    SelectDf(Fid),
    /// Creates a file in the current DF; a file that is there already must have these very control parameters.
    CreateFile(Fcp),
    /// Writes the content of a transparent file of the current DF from its first byte on.
    UpdateBinary {
        /// The file.
        fid: Fid,
        /// The content.
        data: Vec<u8>,
    },
    /// Writes a whole record of a file of the current DF.
    UpdateRecord {
        /// The file.
        fid: Fid,
        /// Number of the record, from 1.
        record: u8,
        /// Its content.
        data: Vec<u8>,
    },
    /// Loads a key set into the current DF, beside those it has.
    PutKey(ChannelId),
    /// Deletes a key set of the current DF.
    DeleteKey(Kvn),
    /// Activates the current file.
    Activate,
    /// A file in reach of the current DF has these control parameters.
    ExpectFile(Fcp),
    /// A transparent file of the current DF begins with these bytes.
    ExpectBinary {
        /// The file.
        fid: Fid,
        /// The bytes.
        data: Vec<u8>,
    },
    /// A record of a file of the current DF holds these bytes.
    ExpectRecord {
        /// The file.
        fid: Fid,
        /// Number of the record, from 1.
        record: u8,
        /// The bytes.
        data: Vec<u8>,
    },
    /// The current DF has these key sets, in rising order, and no other.
    ExpectKeySets(Vec<Kvn>),
}

/// Steps in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<Step>,
}

impl Plan {
    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Names of the keys that the plan opens channels with or loads, each once, in the order of their first use.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        let used = self.steps.iter().flat_map(|step| {
            let loaded = if let Action::PutKey(set) = &step.action { Some(set) } else { None };
            std::iter::once(&step.channel).chain(loaded).map(|set| set.key.as_str())
        });
        let mut names: Vec<&str> = Vec::new();
        for name in used {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter()
    }
}

/// Collects steps that share a stage and a channel.
struct Builder {
    steps: Vec<Step>,
    stage: Stage,
    channel: ChannelId,
}

impl Builder {
    fn new(stage: Stage, channel: ChannelId) -> Self {
        Self { steps: Vec::new(), stage, channel }
    }

    fn channel(&mut self, channel: ChannelId) {
        self.channel = channel;
    }

    fn step(&mut self, name: impl Into<String>, action: Action) {
        let step = Step { name: name.into(), stage: self.stage, channel: self.channel.clone(), action };
        self.steps.push(step);
    }
}
