//! Tables of states and events: where something stands, and what may happen to it next.

use thiserror::Error;

/// A word that is no state of its table: the store was changed by other hands or by a newer program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{word}` is no {table}")]
pub struct UnknownState {
    /// The word.
    pub word: String,
    /// Name of the table's states.
    pub table: &'static str,
}

/// Declares states and events once: the enums, their words in the store, and the table `event(From => To)`.
///
/// A state is written only after `State::after` has given it, so a transition that is not in the table cannot be stored. Tests of the crate
/// that declares a table get `State::matrix()`, the whole of it as text, for a snapshot.
#[macro_export]
macro_rules! state_table {
    (
        $(#[$states_doc:meta])* states $State:ident { $($(#[$state_doc:meta])* $state:ident = $state_word:literal,)* }
        $(#[$events_doc:meta])* events $Event:ident {
            $($(#[$event_doc:meta])* $event:ident = $event_word:literal ($($from:ident => $to:ident),* $(,)?),)*
        }
    ) => {
        $(#[$states_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $State { $($(#[$state_doc])* $state,)* }

        $(#[$events_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $Event { $($(#[$event_doc])* $event,)* }

        impl $State {
            /// Every state, in the order of a good life.
            pub const ALL: &'static [Self] = &[$(Self::$state,)*];

            /// The word for this state in the store and in reports.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$state => $state_word,)* }
            }

            /// The state after an event; `None` where the table forbids it.
            #[must_use]
            pub const fn after(self, event: $Event) -> Option<Self> {
                match (self, event) {
                    $($((Self::$from, $Event::$event) => Some(Self::$to),)*)*
                    _ => None,
                }
            }

            /// The whole table: a line for each event, a column for each state.
            #[cfg(test)]
            fn matrix() -> String {
                let line = |head: &str, cells: &dyn Fn(&Self) -> &'static str| {
                    let cells: String = Self::ALL.iter().map(|state| format!(" {:<10}", cells(state))).collect();
                    format!("{head:<14}{cells}").trim_end().to_owned()
                };
                let mut lines = vec![line("event", &|state| state.as_str())];
                lines.extend($Event::ALL.iter().map(|event| {
                    line(event.as_str(), &|state| state.after(*event).map_or("-", Self::as_str))
                }));
                lines.join("\n")
            }
        }

        impl $Event {
            /// Every event.
            pub const ALL: &'static [Self] = &[$(Self::$event,)*];

            /// The word for this event.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$event => $event_word,)* }
            }
        }

        impl ::std::str::FromStr for $State {
            type Err = $crate::UnknownState;

            fn from_str(word: &str) -> ::std::result::Result<Self, $crate::UnknownState> {
                match word {
                    $($state_word => Ok(Self::$state),)*
                    _ => Err($crate::UnknownState { word: word.to_owned(), table: stringify!($State) }),
                }
            }
        }

        impl ::std::fmt::Display for $State {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::fmt::Display for $Event {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
