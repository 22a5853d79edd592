//! 2nd issuance and updates: new content for the WEFs of one application, and a new key set, so that a cut at any command
//! leaves a whole old or a whole new card for every reader that follows the progress record.
//!
//! ```text
//! OPEN → each WEF into the slot nobody reads → WRITTEN (readers turn) → new key set, proved in a session of its own → KEYED
//!      → old key set gone, old slots erased → DONE → ACTIVATE, when the application was never active
//! ```
//!
//! A job is the same bytes each time it is sent. Where it goes on is read from the card, under its own keys, at every contact:
//! [`Found`] is what was read, [`UpdateJob::plan`] the steps that remain, none when the card has it all.

mod found;
mod plan;
mod progress_record;

pub use progress_record::{
    ContentDigest, JobId, LiveSlots, PROGRESS_RECORD_BYTES, Progress, ProgressRecord, ProgressRecordError, Sequence,
};

use super::ChannelId;
use crate::fcp::LifeCycle;
use crate::id::Kvn;
use crate::profile::{Application, Structure, Wef};
use thiserror::Error;

/// What an erased byte reads as.
const ERASED: u8 = 0xFF;

/// What a job does to one application of one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateJob {
    application: Application,
    id: JobId,
    digest: ContentDigest,
    contents: Vec<Content>,
    old_set: ChannelId,
    new_set: Option<ChannelId>,
}

/// The bytes of one WEF's slot, erased ones at their end included.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    wef: Wef,
    /// Place among the DF's two-slot WEFs; `None` for a WEF with one slot.
    place: Option<u8>,
    slot: Vec<u8>,
}

/// What a card says of an application under the application's own keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Life cycle of the DF.
    pub life_cycle: LifeCycle,
    /// Key sets of the DF.
    pub key_sets: Vec<Kvn>,
    /// Both records of the WEF-PS, as they are.
    pub records: [Vec<u8>; 2],
}

/// Why a job cannot be made, or cannot go on with a card.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// The application has no such WEF.
    #[error("the application has no WEF `{wef}`")]
    UnknownWef {
        /// Its name.
        wef: String,
    },
    /// A WEF is written twice.
    #[error("WEF `{wef}` is in the job twice")]
    Twice {
        /// Its name.
        wef: String,
    },
    /// A content is longer than the slot.
    #[error("{bytes} bytes for WEF `{wef}`, whose slot has {room}")]
    TooLong {
        /// Name of the WEF.
        wef: String,
        /// Bytes of the content.
        bytes: usize,
        /// Bytes of a slot.
        room: usize,
    },
    /// The new key set has the old one's number, or there is no room beside it.
    #[error("key set {kvn} cannot stand beside the one in use")]
    KeySet {
        /// Its number.
        kvn: Kvn,
    },
    /// An application in use changes only what has a second slot: a torn write of another WEF would be read.
    #[error("WEF `{wef}` has one slot and the application is in use")]
    OneSlot {
        /// Name of the WEF.
        wef: String,
    },
    /// Another job is committed on the card and not done: it goes first.
    #[error("another job is written on the card and not done")]
    OtherJob {
        /// That job.
        job: JobId,
    },
    /// The card carries this job with another content.
    #[error("the card carries this job with another content")]
    OtherContent,
    /// The card has none of the job's key sets.
    #[error("the card has neither the old nor the new key set of the job")]
    NoKeySet,
    /// The application takes no update in this state.
    #[error("the application's life cycle is {0:?}")]
    LifeCycle(LifeCycle),
    /// The progress records are used up.
    #[error("the application has no further progress records")]
    RecordsUsedUp,
}

impl UpdateJob {
    /// A job for an application whose key set is `old_set`. `contents` are names of its WEFs with the bytes of a slot, records one after
    /// the other; what is shorter is filled up with FF. `new_set` takes the place of the old set.
    ///
    /// # Errors
    /// [`UpdateError::UnknownWef`], [`UpdateError::Twice`], [`UpdateError::TooLong`], [`UpdateError::KeySet`].
    pub fn new(
        application: &Application,
        (id, digest): (JobId, ContentDigest),
        contents: impl IntoIterator<Item = (String, Vec<u8>)>,
        old_set: ChannelId,
        new_set: Option<ChannelId>,
    ) -> Result<Self, UpdateError> {
        let mut checked: Vec<Content> = Vec::new();
        for (wef, bytes) in contents {
            if checked.iter().any(|content| content.wef.name == wef) {
                return Err(UpdateError::Twice { wef });
            }
            checked.push(Content::new(application, wef, bytes)?);
        }
        if let Some(set) = new_set.as_ref().filter(|set| set.kvn == old_set.kvn || application.sets < 2) {
            return Err(UpdateError::KeySet { kvn: set.kvn });
        }
        Ok(Self { application: application.clone(), id, digest, contents: checked, old_set, new_set })
    }

    /// The channel to read the progress records in, by the key sets that the DF lists to anybody: the new set proves itself as soon as it
    /// is there.
    ///
    /// # Errors
    /// [`UpdateError::NoKeySet`].
    pub fn channel(&self, key_sets: &[Kvn]) -> Result<&ChannelId, UpdateError> {
        let sets = self.new_set.iter().chain([&self.old_set]);
        sets.into_iter().find(|set| key_sets.contains(&set.kvn)).ok_or(UpdateError::NoKeySet)
    }
}

impl Content {
    fn new(application: &Application, name: String, mut slot: Vec<u8>) -> Result<Self, UpdateError> {
        let mut place = 0;
        for wef in &application.wefs {
            if wef.name == name {
                let room = wef.structure.slot_bytes();
                if slot.len() > room {
                    return Err(UpdateError::TooLong { wef: name, bytes: slot.len(), room });
                }
                slot.resize(room, ERASED);
                return Ok(Self { wef: wef.clone(), place: (wef.slots == 2).then_some(place), slot });
            }
            place += u8::from(wef.slots == 2);
        }
        Err(UpdateError::UnknownWef { wef: name })
    }
}

impl Structure {
    /// Bytes of one slot.
    fn slot_bytes(self) -> usize {
        match self {
            Self::Transparent { size } => usize::from(size),
            Self::LinearFixed { record_size, records } => usize::from(record_size) * usize::from(records),
        }
    }
}
