//! The readers of this machine, and what happens in them.

use crate::error::Error;
use crate::pattern::Pattern;
use pcsc::{Context, ReaderState, Scope, State};
use std::ffi::CString;
use std::time::Duration;

/// The connection to the PC/SC service.
///
/// It holds no card, so a card that hangs never blocks it.
pub struct Readers {
    context: Context,
}

/// A reader at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderView {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub slot: Slot,
    /// Cards put in and taken out so far, as the service counts them.
    pub events: u32,
}

/// What is in a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// Nothing.
    Empty,
    /// A card.
    Card {
        /// Its answer to reset.
        atr: Vec<u8>,
        /// Who uses it.
        usage: Usage,
    },
    /// Something that does not answer to reset.
    Mute,
    /// The reader does not work, or is gone.
    Unavailable,
}

/// Whether a card can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Nobody else keeps it.
    Free,
    /// Another program has it exclusively.
    Exclusive,
}

impl Readers {
    /// Connects to the service.
    ///
    /// # Errors
    /// [`Error::Service`] where none runs.
    pub fn open() -> Result<Self, Error> {
        Context::establish(Scope::System).map(|context| Self { context }).map_err(Error::Service)
    }

    /// The readers whose names fit, in the service's order; possibly none.
    ///
    /// # Errors
    /// [`Error::Service`].
    pub fn list(&self, pattern: &Pattern) -> Result<Vec<ReaderView>, Error> {
        let mut states: Vec<ReaderState> =
            self.names(pattern)?.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)).collect();
        self.look(&mut states, Duration::ZERO)?;
        Ok(states.iter().map(view).collect())
    }

    fn names(&self, pattern: &Pattern) -> Result<Vec<CString>, Error> {
        match self.context.list_readers_owned() {
            Ok(names) => Ok(names.into_iter().filter(|name| pattern.fits(&name.to_string_lossy())).collect()),
            Err(pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
            Err(error) => Err(Error::Service(error)),
        }
    }

    /// The names of the readers that fit.
    ///
    /// # Errors
    /// [`Error::NoReader`] when none does, [`Error::Service`].
    pub fn named(&self, pattern: &Pattern) -> Result<Vec<String>, Error> {
        let names: Vec<String> = self.names(pattern)?.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        if names.is_empty() { Err(Error::NoReader { pattern: pattern.to_string() }) } else { Ok(names) }
    }

    /// Waits up to `limit` until one of `views` is no longer true, and tells what is; `None` when all still are.
    ///
    /// # Errors
    /// [`Error::Service`].
    pub fn wait(&self, views: &[ReaderView], limit: Duration) -> Result<Option<Vec<ReaderView>>, Error> {
        let mut states = Vec::with_capacity(views.len());
        for known in views {
            let name =
                CString::new(known.name.as_str()).map_err(|_| Error::ReaderGone { reader: known.name.clone() })?;
            states.push(ReaderState::new(name, State::UNAWARE));
        }
        // The first call tells the present state at once, in the form that the second one waits for a change of.
        self.look(&mut states, Duration::ZERO)?;
        let now: Vec<ReaderView> = states.iter().map(view).collect();
        if now != views {
            return Ok(Some(now));
        }
        for state in &mut states {
            state.sync_current_state();
        }
        self.look(&mut states, limit)?;
        let now: Vec<ReaderView> = states.iter().map(view).collect();
        Ok((now != views).then_some(now))
    }

    fn look(&self, states: &mut [ReaderState], limit: Duration) -> Result<(), Error> {
        if states.is_empty() {
            return Ok(());
        }
        match self.context.get_status_change(limit, states) {
            Ok(()) | Err(pcsc::Error::Timeout | pcsc::Error::Cancelled) => Ok(()),
            Err(pcsc::Error::UnknownReader) => {
                let reader = states.first().map(|state| state.name().to_string_lossy().into_owned());
                Err(Error::ReaderGone { reader: reader.unwrap_or_default() })
            }
            Err(error) => Err(Error::Service(error)),
        }
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Readers")
    }
}

fn view(state: &ReaderState) -> ReaderView {
    let flags = state.event_state();
    let slot = if flags.intersects(State::UNKNOWN | State::UNAVAILABLE | State::IGNORE) {
        Slot::Unavailable
    } else if flags.contains(State::MUTE) {
        Slot::Mute
    } else if flags.contains(State::PRESENT) {
        let usage = if flags.contains(State::EXCLUSIVE) { Usage::Exclusive } else { Usage::Free };
        Slot::Card { atr: state.atr().to_vec(), usage }
    } else {
        Slot::Empty
    };
    ReaderView { name: state.name().to_string_lossy().into_owned(), slot, events: state.event_count() }
}
