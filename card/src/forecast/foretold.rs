//! The answers to a session that goes as foreseen, as one digest.
//!
//! An answer that equals its forecast byte for byte has the right R-MAC. Whoever keeps the digest sees without a key that a card did
//! everything; what [`super::verify`] finds in any other answers takes the session keys.

use super::{Answer, Forecast, ForeseenCommand};
use crate::apdu::Response;
use sha2::{Digest, Sha256};

const INS_SELECT: u8 = 0xA4;

/// Bytes of a [`Foretold`].
pub const FORETOLD_BYTES: usize = 33;

/// A digest of all answers to a session that does its whole plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foretold {
    /// Answers before the others of which nothing is read but that they are no error: the one to SELECT, unless it was given before.
    unread: u8,
    sha256: [u8; 32],
}

impl Foretold {
    /// Whether these are all of the answers, each as foreseen: then [`super::verify`] finds [`super::End::Complete`] in them.
    #[must_use]
    pub fn came_true(&self, answers: &[Response]) -> bool {
        let Some((unread, read)) = answers.split_at_checked(usize::from(self.unread)) else { return false };
        unread.iter().all(|answer| answer.sw.is_success() || answer.sw.is_warning())
            && read.iter().all(|answer| answer.sw.is_success())
            && digest(read.iter().map(|answer| answer.data.as_slice())) == self.sha256
    }

    /// As it is stored: the number of unread answers, and SHA-256.
    #[must_use]
    pub fn to_bytes(self) -> [u8; FORETOLD_BYTES] {
        let mut bytes = [self.unread; FORETOLD_BYTES];
        let (_, sha256) = bytes.split_at_mut(1);
        sha256.copy_from_slice(&self.sha256);
        bytes
    }

    /// One that was stored.
    #[must_use]
    pub fn from_bytes([unread, sha256 @ ..]: [u8; FORETOLD_BYTES]) -> Self {
        Self { unread, sha256 }
    }
}

impl Forecast {
    /// The digest of its answers; `None` when the plan reads something that only the card knows, opens a second session, or has no step.
    #[must_use]
    pub fn foretold(&self) -> Option<Foretold> {
        let unread = self.commands.iter().take_while(|foreseen| is_select(foreseen)).count();
        let read = self.commands.get(unread..)?.iter().map(|foreseen| match &foreseen.answer {
            Answer::Whole(data) => Some(data.as_slice()),
            Answer::Begins(_) => None,
        });
        let read = read.collect::<Option<Vec<_>>>().filter(|read| !read.is_empty())?;
        Some(Foretold { unread: u8::try_from(unread).ok()?, sha256: digest(read.into_iter()) })
    }
}

/// Whether it is the plain SELECT before a session.
fn is_select(foreseen: &ForeseenCommand) -> bool {
    !foreseen.command.is_secured() && foreseen.command.ins == INS_SELECT
}

/// Over the data of each answer, its length before it.
fn digest<'d>(answers: impl Iterator<Item = &'d [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for data in answers {
        hash.update(u64::try_from(data.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(data);
    }
    hash.finalize().into()
}
