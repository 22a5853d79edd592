//! The personalisation plan: what is done to a card, in order, as data.
//!
//! [`Plan::issue`] lists the steps of 0th and 1st issuance, [`Plan::audit`] those that read back what they leave.
//! [`Plan::resume_at`] finds where a card that was begun goes on, from what the card says itself. A script walks a plan
//! over a card; nothing here sends anything.

mod audit;
mod domain;
mod evidence;
mod issue;
mod root;
mod stage_record;
pub mod update;

pub use evidence::{Evidence, Files};
pub use root::{Fit, Root, System};
pub use stage_record::{JobTag, STAGE_RECORD_BYTES, StageRecord, StageRecordError};

use crate::command::{ComponentForm, Placement};
use crate::fcp::Fcp;
use crate::id::{DfName, Fid, Kvn};
use crate::key_name::KeyName;
use crate::profile::Application;

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

    /// The recovery set.
    fn recovery() -> Self {
        Self::of_mf(Kvn::RECOVERY, &KeyName::Recovery)
    }
}

/// One step: done in its channel, and doing it again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is, for reports: `ticket: create WEF member`.
    pub name: String,
    /// The stage of manufacture that it belongs to; `None` for 2nd issuance and updates, which have jobs.
    pub stage: Option<Stage>,
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
    /// Writes a content into a transparent file of the current DF.
    UpdateBinary {
        /// The file.
        fid: Fid,
        /// Its first byte.
        offset: u16,
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
    /// Loads a key set into the current DF.
    PutKey(KeyLoad),
    /// Deletes a key set of the current DF.
    DeleteKey(Kvn),
    /// Activates the current file.
    Activate,
    /// Deactivates the current file.
    Deactivate,
    /// Ends the card as a whole, for ever.
    Terminate,
    /// A file in reach of the current DF has these control parameters.
    ExpectFile(Fcp),
    /// A transparent file of the current DF holds these bytes.
    ExpectBinary {
        /// The file.
        fid: Fid,
        /// The first of them.
        offset: u16,
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
    /// Reads the control parameters of a file in reach of the current DF.
    ReadFile(Fid),
    /// Reads which key sets the current DF has.
    ReadKeySets,
    /// Reads a record of a file of the current DF.
    ReadRecord {
        /// The file.
        fid: Fid,
        /// Number of the record, from 1.
        record: u8,
    },
    /// Reads a part of a transparent file of the current DF.
    ReadBinary {
        /// The file.
        fid: Fid,
        /// The first byte.
        offset: u16,
        /// How many bytes.
        length: u16,
    },
}

/// A key set to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLoad {
    /// The set.
    pub set: ChannelId,
    /// Beside the sets that are there, or in the place of one.
    pub placement: Placement,
    /// How the card wants its keys spelled.
    pub form: ComponentForm,
    /// What becomes of a set that an interrupted script has left.
    pub found: FoundSet,
}

/// What becomes of a set that is there before the step that loads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundSet {
    /// It stays: a later step is done under it, which proves it.
    Stays,
    /// It is loaded once more, in its own place: nothing but the card's answer to PUT KEY proves it, and that may have been lost.
    LoadedAgain,
}

impl KeyLoad {
    /// A set beside those that are there, as the cards of this house take it.
    fn beside(set: ChannelId) -> Self {
        Self { set, placement: Placement::Add, form: ComponentForm::default(), found: FoundSet::Stays }
    }

    /// The same for a set that no step of a plan is done under.
    fn unused(set: ChannelId) -> Self {
        Self { found: FoundSet::LoadedAgain, ..Self::beside(set) }
    }
}

/// Steps in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    root: Root,
    steps: Vec<Step>,
}

impl Plan {
    /// Where every contact begins.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Ends a card with files, under the first of `sets` that its MF lists and that may: the issuer's, else the transport set. `None` when it
    /// has neither.
    #[must_use]
    pub fn end(sets: &[Kvn]) -> Option<Self> {
        let channel = [ChannelId::issuer(), ChannelId::transport()].into_iter().find(|set| sets.contains(&set.kvn))?;
        let step = Step { name: "terminate the card".to_owned(), stage: None, channel, action: Action::Terminate };
        Some(Self { root: Root::of_house(), steps: vec![step] })
    }

    /// Shuts an application under the issuer's set: its life cycle is read, which makes it the current DF, and then it is deactivated. A card that
    /// has done so refuses the second step, and has said so in the first.
    #[must_use]
    pub fn shut(application: &Application, issuer: &ChannelId) -> Self {
        let step = |name: String, action| Step { name, stage: None, channel: issuer.clone(), action };
        let steps = vec![
            step(format!("state of {}", application.name), Action::ReadFile(application.fid)),
            step(format!("deactivate {}", application.name), Action::Deactivate),
        ];
        Self { root: Root::of_house(), steps }
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The channels that a walk opens, in their order: a step with another channel than the one before opens its own.
    pub fn openings(&self) -> impl Iterator<Item = &ChannelId> {
        let mut open = None;
        let channels = self.steps.iter().map(|step| &step.channel);
        channels.filter(move |channel| open.replace(*channel) != Some(*channel))
    }

    /// The key sets that a walk loads, in their order, each with the channel that carries it.
    pub fn loads(&self) -> impl Iterator<Item = (&KeyLoad, &ChannelId)> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::PutKey(load) => Some((load, &step.channel)),
            _ => None,
        })
    }

    /// Names of the keys that the plan opens channels with or loads, each once, in the order of their first use.
    pub fn key_names(&self) -> impl Iterator<Item = &str> {
        let used = self.steps.iter().flat_map(|step| {
            let loaded = if let Action::PutKey(load) = &step.action { Some(&load.set) } else { None };
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
        let step = Step { name: name.into(), stage: Some(self.stage), channel: self.channel.clone(), action };
        self.steps.push(step);
    }
}
