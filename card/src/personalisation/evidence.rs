//! Where a card stands, from what it says to anybody, and where a plan goes on from there.

use super::{Action, FoundSet, Plan, Root, Stage, StageRecord, Step};
use crate::fcp::LifeCycle;
use crate::id::Kvn;
use crate::profile::MF_WEF_PS;

/// What a card tells before any key is used. None of it is authenticated: it only chooses which step is tried next.
///
/// The key sets are evidence on every card. A card with files has more: its MF's life cycle, and the stage records in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Key sets of the MF, of a chip without one, or of the security domain, in rising order.
    pub key_sets: Vec<Kvn>,
    /// What the file system says.
    pub files: Files,
}

/// What a card's file system says about its issuing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// There is none: a blank chip, or a card that never has files.
    None,
    /// There is an MF.
    Mf {
        /// Where the MF stands in its life.
        life_cycle: LifeCycle,
        /// The whole stage records.
        records: Vec<StageRecord>,
    },
}

impl Evidence {
    /// A chip as it is delivered: no file, and this key set alone.
    #[must_use]
    pub fn is_blank(&self, set: Kvn) -> bool {
        self.files == Files::None && self.key_sets == [set]
    }

    /// Whether a stage record says that a stage is complete.
    #[must_use]
    pub fn has_done(&self, stage: Stage) -> bool {
        matches!(&self.files, Files::Mf { records, .. } if records.iter().any(|record| record.stage == stage))
    }

    /// Whether the MF is activated.
    #[must_use]
    pub fn is_activated(&self) -> bool {
        matches!(self.files, Files::Mf { life_cycle: LifeCycle::Activated, .. })
    }

    /// Whether a step has left its mark where anybody sees it. Steps without such a mark are never shown done.
    fn shows_done(&self, step: &Step, root: &Root) -> bool {
        let at_root = step.channel.df == root.df;
        match &step.action {
            Action::PutKey(load) => {
                load.found == FoundSet::Stays && load.set.df == root.df && self.key_sets.contains(&load.set.kvn)
            }
            Action::DeleteKey(kvn) => {
                at_root && self.key_sets.contains(&step.channel.kvn) && !self.key_sets.contains(kvn)
            }
            Action::Activate => at_root && self.is_activated(),
            Action::UpdateRecord { fid: MF_WEF_PS, .. } => {
                at_root && step.stage.is_some_and(|stage| self.has_done(stage))
            }
            _ => false,
        }
    }
}

impl Plan {
    /// Number of the step that a card goes on with: the one after the last that the card shows done. As many as there are
    /// steps when the plan is done.
    ///
    /// Steps between two marks are done again, which changes nothing. A key set that a script has loaded and not yet used is
    /// proved by the channel of the very next step, before the set that it replaces goes; where the card itself has let that
    /// one go, before the set counts.
    #[must_use]
    pub fn resume_at(&self, evidence: &Evidence) -> usize {
        self.steps().iter().rposition(|step| evidence.shows_done(step, &self.root)).map_or(0, |last| last + 1)
    }
}
