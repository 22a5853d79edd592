//! What a card forgets without power: selection, secure channel, PIN status.

use crate::authenticate::Initiated;
use crate::chaining::Chain;
use crate::channel::Channel;
use crate::store_data::Blocks;
use crate::tree::FileId;
use fuda_card::apdu::Response;

/// The volatile state of one card; a reset makes a new one.
#[derive(Debug, Default)]
pub(crate) struct Volatile {
    /// Current DF; the MF after a reset.
    pub(crate) folder: FileId,
    /// Current EF, a child of the current DF.
    pub(crate) ef: Option<FileId>,
    /// The DF whose PIN was verified.
    pub(crate) verified: Option<FileId>,
    pub(crate) session: Session,
    /// The parts of a command that are there.
    pub(crate) chain: Option<Chain>,
    /// The blocks of STORE DATA that are there.
    pub(crate) blocks: Option<Blocks>,
    /// T=0: the response that GET RESPONSE fetches.
    pub(crate) pending: Option<Response>,
}

/// How far a mutual authentication has come.
#[derive(Debug, Default)]
pub(crate) enum Session {
    /// No INITIALIZE UPDATE since the last end.
    #[default]
    None,
    /// INITIALIZE UPDATE was answered.
    Initiated(Box<Initiated>),
    /// EXTERNAL AUTHENTICATE succeeded.
    Open(Box<Channel>),
}

impl Session {
    /// The open channel.
    pub(crate) fn channel(&self) -> Option<&Channel> {
        match self {
            Self::Open(channel) => Some(channel),
            _ => None,
        }
    }

    /// The same, to use it.
    pub(crate) fn channel_mut(&mut self) -> Option<&mut Channel> {
        match self {
            Self::Open(channel) => Some(channel),
            _ => None,
        }
    }
}

impl Default for FileId {
    fn default() -> Self {
        Self::ROOT
    }
}
