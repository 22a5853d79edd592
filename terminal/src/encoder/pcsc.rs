//! A reader of this machine as a place where one card after the other is put in.

use crate::card::PcscCard;
use crate::error::Error;
use crate::reader::{ReaderView, Readers, Slot};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Between two attempts to get a card that another program has.
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// One reader. A card that was ejected is not taken again before it has been out.
#[derive(Debug)]
pub struct PcscEncoder {
    name: String,
    readers: Readers,
    seen: Mutex<Seen>,
}

/// What the last look at the reader told.
#[derive(Debug)]
struct Seen {
    view: ReaderView,
    /// The service's count when a card was ejected: the same count is the same card.
    done_at: Option<u32>,
}

impl PcscEncoder {
    /// A reader by its name.
    ///
    /// # Errors
    /// [`Error::Service`].
    pub fn open(name: &str) -> Result<Self, Error> {
        let view = ReaderView { name: name.to_owned(), slot: Slot::Empty, events: 0 };
        Ok(Self { name: name.to_owned(), readers: Readers::open()?, seen: Mutex::new(Seen { view, done_at: None }) })
    }

    /// Name of the reader.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits up to `limit` for a card that is not done with, and connects to it; `None` when none was put in.
    ///
    /// # Errors
    /// As [`PcscCard::connect`]. A card that does not start is not tried again before it has been out.
    pub fn insert(&self, limit: Duration) -> Result<Option<PcscCard>, Error> {
        let until = Instant::now() + limit;
        let mut seen = self.seen();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if let Some(now) =
                self.readers.wait(std::slice::from_ref(&seen.view), left)?.and_then(|now| now.into_iter().next())
            {
                seen.view = now;
            }
            let is_new = seen.done_at != Some(seen.view.events);
            match seen.view.slot {
                Slot::Card { .. } if is_new => {
                    return match PcscCard::connect(&self.name) {
                        Ok(card) => Ok(Some(card)),
                        // Pulled out again between the two calls.
                        Err(Error::CardAbsent { .. }) => Ok(None),
                        Err(error @ (Error::CardMute { .. } | Error::CardSilent { .. })) => {
                            seen.done_at = Some(seen.view.events);
                            Err(error)
                        }
                        // Desktop programs look at every card that is put in, for a moment.
                        Err(Error::ReaderBusy { .. }) => {
                            thread::sleep(BUSY_WAIT.min(left));
                            if Instant::now() < until {
                                continue;
                            }
                            Ok(None)
                        }
                        Err(error) => Err(error),
                    };
                }
                Slot::Mute if is_new => {
                    seen.done_at = Some(seen.view.events);
                    return Err(Error::CardMute { reader: self.name.clone() });
                }
                Slot::Unavailable => return Err(Error::ReaderGone { reader: self.name.clone() }),
                _ if Instant::now() >= until => return Ok(None),
                _ => {}
            }
        }
    }

    /// Takes the power from a card; the next card is the one that is put in after it was taken out.
    ///
    /// # Errors
    /// As [`PcscCard::eject`].
    pub fn eject(&self, card: PcscCard) -> Result<(), Error> {
        let mut seen = self.seen();
        seen.done_at = Some(seen.view.events);
        card.eject()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A panic elsewhere leaves a plain observation, which the next look replaces.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
