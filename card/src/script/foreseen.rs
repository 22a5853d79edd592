//! What a conforming card answers to a command of the script, as far as that can be known before the command is sent.

use crate::apdu::Response;
use crate::scp03::Sent;

/// The answer of a conforming card, as it comes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// These very bytes.
    Whole(Response),
    /// 9000, with data that only the card knows. The response in here is one of that kind, for the walk to go on with.
    Like(Response),
    /// The answer to INITIALIZE UPDATE: it follows from the session keys, for which the script asks afterwards.
    Opening,
}

/// The plain data of an answer that a step looks forward to; its status word is 9000.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected<'d> {
    /// These bytes.
    Data(&'d [u8]),
    /// Bytes like these, of which only the card knows the true ones.
    Like(&'d [u8]),
}

impl Expected<'_> {
    /// No data.
    pub(super) const NOTHING: Self = Self::Data(&[]);
    /// Data that nothing is known of.
    pub(super) const ANYTHING: Self = Self::Like(&[]);

    /// As it comes without secure messaging.
    pub(super) fn plain(self) -> Foreseen {
        self.by(Clone::clone)
    }

    /// As the card protects it in answer to a command that was just wrapped.
    pub(super) fn protected(self, sent: &Sent) -> Foreseen {
        self.by(|plain| sent.foreseen(plain))
    }

    fn by(self, protect: impl FnOnce(&Response) -> Response) -> Foreseen {
        match self {
            Self::Data(data) => Foreseen::Whole(protect(&Response::success(data))),
            Self::Like(data) => Foreseen::Like(protect(&Response::success(data))),
        }
    }
}
