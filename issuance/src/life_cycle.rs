//! Where a chip stands in a job, and what may happen to it next, as one table.
//!
//! The journal writes a state only through [`CardState::after`], so a transition that is not in the table cannot be stored.

use crate::state_table;

state_table! {
    /// State of one chip in one job.
    states CardState {
        /// The chip's identity is bound to a serial; nothing has been written to it.
        Bound = "bound",
        /// A command that changes the card may have been sent.
        Intended = "intended",
        /// 0th issuance is on the card: files, transport key, stage record ZERO.
        Zeroth = "zeroth",
        /// 1st issuance is on the card: issuer key, applications, stage record FIRST.
        First = "first",
        /// Re-opened with its new keys and read back.
        Verified = "verified",
        /// Good: counted, and ready for a delivery.
        Sealed = "sealed",
        /// In the reject bin, with a reason.
        Rejected = "rejected",
        /// Out of reach in the middle of work: only the card can say where it stands.
        Unknown = "unknown",
    }
    /// Something that happened to a chip, as the journal records it.
    events CardEvent {
        /// The intent is durable; commands may follow.
        Intend = "intend" (Bound => Intended),
        /// The card left the encoder or stopped answering in the middle of work.
        LoseContact = "lose-contact" (Bound => Bound, Intended => Unknown, Zeroth => Unknown, First => Unknown, Verified => Unknown, Unknown => Unknown),
        /// The card is back, or the line is: it goes on from what the card says.
        Resume = "resume" (Bound => Intended, Intended => Intended, Zeroth => Intended, First => Intended, Verified => Intended, Unknown => Intended),
        /// The card confirmed the end of 0th issuance.
        FinishZeroth = "finish-zeroth" (Intended => Zeroth),
        /// The card confirmed the end of 1st issuance.
        FinishFirst = "finish-first" (Intended => First, Zeroth => First),
        /// Every check of the last stage of the job passed.
        Verify = "verify" (Zeroth => Verified, First => Verified),
        /// The card is counted as good.
        Seal = "seal" (Verified => Sealed),
        /// The card goes to the reject bin.
        Reject = "reject" (Bound => Rejected, Intended => Rejected, Zeroth => Rejected, First => Rejected, Verified => Rejected, Unknown => Rejected),
        /// The chip comes back from the reject bin, because the order allows it.
        Rework = "rework" (Rejected => Unknown),
        /// A good card is drawn as a sample: it is no card of the order any more.
        Draw = "draw" (Sealed => Rejected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_matrix_of_state_and_event() {
        insta::assert_snapshot!(CardState::matrix());
    }

    #[test]
    fn words_come_back_as_states() {
        for state in CardState::ALL {
            assert_eq!(state.as_str().parse::<CardState>().unwrap(), *state);
        }
        assert!("gone".parse::<CardState>().is_err());
    }
}
