//! The life of a key version: five states, forward only, with the words of NIST SP 800-57 Part 1 Rev. 5 §7 beside them.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// State of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Exists, not yet used.
    PreActive,
    /// Issues new cards and opens issued ones; one version of a key at a time.
    Active,
    /// Opens issued cards, issues none.
    Grace,
    /// Opens cards for recovery only.
    Retired,
    /// Gone.
    Destroyed,
    /// Was ACTIVE; derives nothing until resumed.
    SuspendedActive,
    /// Was in GRACE; derives nothing until resumed.
    SuspendedGrace,
}

/// What somebody wants a version for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Put keys of this version onto a card.
    Issue,
    /// Open a channel with, or wrap under, keys that the card already has.
    Open,
}

/// A word that is no state.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no state of a key version")]
pub struct StateError(String);

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::PreActive,
        Self::Active,
        Self::Grace,
        Self::Retired,
        Self::Destroyed,
        Self::SuspendedActive,
        Self::SuspendedGrace,
    ];

    /// The word in tables, JSON and the registry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreActive => "PRE-ACTIVE",
            Self::Active => "ACTIVE",
            Self::Grace => "GRACE",
            Self::Retired => "RETIRED",
            Self::Destroyed => "DESTROYED",
            Self::SuspendedActive => "SUSPENDED(ACTIVE)",
            Self::SuspendedGrace => "SUSPENDED(GRACE)",
        }
    }

    /// The state that NIST SP 800-57 Part 1 Rev. 5 §7 has for it.
    #[must_use]
    pub const fn nist(self) -> &'static str {
        match self {
            Self::PreActive => "pre-activation",
            Self::Active => "active (protect and process)",
            Self::Grace => "active (process only)",
            Self::Retired => "deactivated",
            Self::Destroyed => "destroyed",
            Self::SuspendedActive | Self::SuspendedGrace => "suspended",
        }
    }

    /// Whether a version in this state may move to `next`. SUSPENDED goes back to where it came from, nothing else goes back.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::PreActive, Self::Active | Self::Destroyed)
                | (Self::Active, Self::Grace | Self::SuspendedActive)
                | (Self::Grace, Self::Retired | Self::SuspendedGrace)
                | (Self::Retired, Self::Destroyed)
                | (Self::SuspendedActive, Self::Active | Self::SuspendedGrace)
                | (Self::SuspendedGrace, Self::Grace | Self::Retired)
        )
    }

    /// Whether keys may be derived for `wanted`. RETIRED versions open cards on the road of recovery only, which is not this one.
    #[must_use]
    pub const fn allows(self, wanted: Use) -> bool {
        match wanted {
            Use::Issue => matches!(self, Self::Active),
            Use::Open => matches!(self, Self::Active | Self::Grace),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| StateError(text.to_owned()))
    }
}

/// Whether a version is known or believed to be in wrong hands. The mark forbids moves under the old channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Nothing is known against it.
    Sound,
    /// COMPROMISED.
    Compromised,
}

impl Trust {
    /// The word in tables, JSON and the registry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "SOUND",
            Self::Compromised => "COMPROMISED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row: from; columns in the order of `State::ALL`; `x` = allowed.
    const MOVES: [&str; 7] = [
        ".x..x..", // PRE-ACTIVE
        "..x..x.", // ACTIVE
        "...x..x", // GRACE
        "....x..", // RETIRED
        ".......", // DESTROYED
        ".x....x", // SUSPENDED(ACTIVE)
        "..xx...", // SUSPENDED(GRACE)
    ];

    #[test]
    fn the_whole_matrix_of_moves() {
        for (from, row) in State::ALL.into_iter().zip(MOVES) {
            let seen: String = State::ALL.into_iter().map(|to| if from.may_become(to) { 'x' } else { '.' }).collect();
            assert_eq!(seen, row, "{from}");
        }
    }

    #[test]
    fn suspended_and_destroyed_derive_nothing_and_only_active_issues() {
        let may = |wanted| State::ALL.into_iter().filter(move |state| state.allows(wanted)).collect::<Vec<_>>();
        assert_eq!(may(Use::Issue), [State::Active]);
        assert_eq!(may(Use::Open), [State::Active, State::Grace]);
    }

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("active".parse::<State>().is_err());
    }
}
