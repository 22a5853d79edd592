//! Where a card stands, from what it says to anybody, and where a plan goes on from there.

use super::{Action, Plan, Stage, StageRecord, Step};
use crate::id::{DfName, Kvn};
use crate::profile::MF_WEF_PS;

/// What a card tells before any key is used. None of it is authenticated: it only chooses which step is tried next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Whether the card has an MF.
    pub has_mf: bool,
    /// Whether the MF is activated.
    pub mf_activated: bool,
    /// Key sets of the MF, or of a chip without one, in rising order.
    pub key_sets: Vec<Kvn>,
    /// The whole stage records.
    pub records: Vec<StageRecord>,
}

impl Evidence {
    /// A chip as its maker ships it: no file, the initial set alone.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        !self.has_mf && self.key_sets == [Kvn::INITIAL]
    }

    /// Whether the card says that a stage is complete.
    #[must_use]
    pub fn has_done(&self, stage: Stage) -> bool {
        self.records.iter().any(|record| record.stage == stage)
    }

    /// Whether a step has left its mark where anybody sees it. Steps without such a mark are never shown done.
    fn shows_done(&self, step: &Step) -> bool {
        let in_mf = step.channel.df == DfName::mf();
        match &step.action {
            Action::PutKey(set) => set.df == DfName::mf() && self.key_sets.contains(&set.kvn),
            Action::DeleteKey(kvn) => {
                in_mf && self.key_sets.contains(&step.channel.kvn) && !self.key_sets.contains(kvn)
            }
            Action::Activate => in_mf && self.mf_activated,
            Action::UpdateRecord { fid: MF_WEF_PS, .. } => in_mf && self.has_done(step.stage),
            _ => false,
        }
    }
}

impl Plan {
    /// Number of the step that a card goes on with: the one after the last that the card shows done. As many as there are
    /// steps when the plan is done.
    ///
    /// Steps between two marks are done again, which changes nothing. A key set that a script has loaded and not yet used is
    /// proved by the channel of the very next step, before the set that it replaces goes.
    #[must_use]
    pub fn resume_at(&self, evidence: &Evidence) -> usize {
        self.steps().iter().rposition(|step| evidence.shows_done(step)).map_or(0, |last| last + 1)
    }
}
