//! Where a chip stands in a job, and what may happen to it next, as one table.
//!
//! The journal writes a state only through [`CardState::after`], so a transition that is not in the table cannot be stored.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Declares states and events once: the enums, their words in the store, and the table `event(From => To)`.
macro_rules! life_cycle {
    (
        states { $($(#[$state_doc:meta])* $state:ident = $state_word:literal,)* }
        events { $($(#[$event_doc:meta])* $event:ident = $event_word:literal ($($from:ident => $to:ident),* $(,)?),)* }
    ) => {
        /// State of one chip in one job.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CardState { $($(#[$state_doc])* $state,)* }

        /// Something that happened to a chip, as the journal records it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CardEvent { $($(#[$event_doc])* $event,)* }

        impl CardState {
            /// Every state, in the order of a good card's life.
            pub const ALL: &'static [Self] = &[$(Self::$state,)*];

            /// The word for this state in the store and in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$state => $state_word,)* }
            }

            /// The state after an event; `None` where the table forbids it.
            #[must_use]
            pub const fn after(self, event: CardEvent) -> Option<Self> {
                match (self, event) {
                    $($((Self::$from, CardEvent::$event) => Some(Self::$to),)*)*
                    _ => None,
                }
            }
        }

        impl CardEvent {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            /// The word for this event in the journal.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$event => $event_word,)* }
            }
        }

        impl FromStr for CardState {
            type Err = UnknownState;

            fn from_str(word: &str) -> Result<Self, UnknownState> {
                match word { $($state_word => Ok(Self::$state),)* _ => Err(UnknownState(word.to_owned())) }
            }
        }
    };
}

life_cycle! {
    states {
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
    events {
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
    }
}

/// A word that is no state: the store was changed by other hands or by a newer program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a card state")]
pub struct UnknownState(String);

impl fmt::Display for CardState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for CardEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_whole_matrix_of_state_and_event() {
        let mut matrix = String::from("event         ");
        for state in CardState::ALL {
            write!(matrix, " {state:<9}").unwrap();
        }
        for event in CardEvent::ALL {
            write!(matrix, "\n{:<14}", event.as_str()).unwrap();
            for state in CardState::ALL {
                write!(matrix, " {:<9}", state.after(*event).map_or("-", CardState::as_str)).unwrap();
            }
        }
        let matrix = matrix.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(matrix);
    }

    #[test]
    fn words_come_back_as_states() {
        for state in CardState::ALL {
            assert_eq!(state.as_str().parse::<CardState>().unwrap(), *state);
        }
        assert!("gone".parse::<CardState>().is_err());
    }
}
