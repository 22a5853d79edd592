//! Where a job and a script stand, and what may happen to them next, as tables.
//!
//! The engine writes a state only through `after`, so a transition that is not in a table cannot be stored. `unknown` is a normal state: it
//! says that only the card knows, and the next contact asks it.

use fuda_issuance::state_table;

state_table! {
    /// State of a job.
    states JobState {
        /// It exists; something that must be true before a script leaves is not.
        Created = "created",
        /// Everything is there for a script.
        Ready = "ready",
        /// A script is at a terminal.
        Offered = "offered",
        /// A script was at a terminal, and only the card knows whether it ran.
        Unknown = "unknown",
        /// The card proved that it holds the job's content. The receipt is stored.
        Confirmed = "confirmed",
        /// Given up by the member before anything was sent.
        Cancelled = "cancelled",
        /// Its time is over; nothing was sent.
        Expired = "expired",
        /// Another job took its place; nothing of this one was sent, or the card proved that it holds nothing of it.
        Superseded = "superseded",
        /// Given up by two of the staff, or the card proved that it cannot take it.
        Failed = "failed",
    }
    /// Something that happened to a job.
    events JobEvent {
        /// Fee, claim, card and holds are right.
        PassGates = "pass-gates" (Created => Ready, Ready => Ready),
        /// A script that writes is stored and leaves now.
        Offer = "offer" (Ready => Offered),
        /// The card's count had passed the script before it began; another one takes its place, and the progress records that it expects guard it.
        Replace = "replace" (Offered => Offered),
        /// The script ended otherwise than planned, or nobody says how.
        Lose = "lose" (Offered => Unknown, Unknown => Unknown),
        /// The card proved that it has it all.
        Prove = "prove" (Created => Confirmed, Ready => Confirmed, Offered => Confirmed, Unknown => Confirmed),
        /// The card proved that it does not, and no script can run any more.
        FindUndone = "find-undone" (Created => Ready, Ready => Ready, Offered => Ready, Unknown => Ready),
        /// The member gives it up.
        Cancel = "cancel" (Created => Cancelled, Ready => Cancelled),
        /// Time is over.
        Expire = "expire" (Created => Expired, Ready => Expired),
        /// Another one takes its place.
        Supersede = "supersede" (Created => Superseded, Ready => Superseded),
        /// It cannot be done.
        Fail = "fail" (Created => Failed, Ready => Failed),
        /// Two of the staff take the loss upon themselves.
        WriteOff = "write-off" (Created => Failed, Ready => Failed, Offered => Failed, Unknown => Failed),
    }
}

state_table! {
    /// State of a script.
    states ScriptState {
        /// At a terminal.
        Offered = "offered",
        /// Only the card knows whether it ran, and it may run yet.
        Unknown = "unknown",
        /// It ran to its end, proved.
        Confirmed = "confirmed",
        /// It cannot change the card any more. Whether it did before is said by the card's progress records.
        Dead = "dead",
    }
    /// Something that happened to a script.
    events ScriptEvent {
        /// It ended otherwise than planned, or nobody says how.
        Lose = "lose" (Offered => Unknown, Unknown => Unknown),
        /// Every answer is proved.
        Prove = "prove" (Offered => Confirmed, Unknown => Confirmed),
        /// The card proved a later count of the key set.
        Outlive = "outlive" (Offered => Dead, Unknown => Dead),
        /// It only reads, and nobody waits for it any more.
        Abandon = "abandon" (Offered => Dead, Unknown => Dead),
    }
}

impl JobState {
    /// The state after several events, one after the other; `None` where the table forbids one.
    #[must_use]
    pub fn after_all(self, events: &[JobEvent]) -> Option<Self> {
        events.iter().try_fold(self, |state, event| state.after(*event))
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub const fn is_resolved(self) -> bool {
        matches!(self, Self::Confirmed | Self::Cancelled | Self::Expired | Self::Superseded | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_matrix_of_a_job() {
        insta::assert_snapshot!(JobState::matrix());
    }

    #[test]
    fn the_whole_matrix_of_a_script() {
        insta::assert_snapshot!(ScriptState::matrix());
    }

    #[test]
    fn what_is_resolved_stays_so() {
        let resolved =
            [JobState::Confirmed, JobState::Cancelled, JobState::Expired, JobState::Superseded, JobState::Failed];
        for state in resolved {
            assert!(JobEvent::ALL.iter().all(|event| state.after(*event).is_none()), "{state}");
        }
        for state in [ScriptState::Confirmed, ScriptState::Dead] {
            assert!(ScriptEvent::ALL.iter().all(|event| state.after(*event).is_none()), "{state}");
        }
    }

    #[test]
    fn words_come_back_as_states() {
        for state in JobState::ALL {
            assert_eq!(state.as_str().parse::<JobState>().unwrap(), *state);
        }
        for state in ScriptState::ALL {
            assert_eq!(state.as_str().parse::<ScriptState>().unwrap(), *state);
        }
        assert!("gone".parse::<JobState>().is_err());
    }
}
