//! What a terminal says.

use super::limits::{APDU_BYTES_MAX, STEPS_MAX, WORD_CHARS_MAX};
use super::{HexBytes, Message, MessageError, ScriptId, SessionId, at_most};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message of a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TerminalMessage {
    /// Begins a session.
    Open(Open),
    /// What a card answered to a script.
    Result(ScriptResult),
    /// What a person answered.
    Answer(Answer),
    /// Goes on with a session whose connection was lost: gets the answer to the last message again.
    Resume(Resume),
    /// Ends a session before its time.
    Cancel(Cancel),
}

/// Begins a session; its `seq` is 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The session.
    pub sid: SessionId,
    /// Place in the session.
    pub seq: u32,
    /// What the person wants.
    pub purpose: Purpose,
    /// The order's token, which the member was given.
    #[schemars(length(max = 64))]
    pub order: String,
    /// The terminal's program.
    pub terminal: Program,
    /// Language of texts for the person: `en` or `ja`; another one is answered in English.
    #[schemars(length(max = 64))]
    pub locale: String,
    /// The card in the reader, as it calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardHint>,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// 2nd issuance: the first content of an application.
    Activate,
    /// A later expiry or other content.
    Renew,
    /// Other keys or content, as the centre has it.
    Update,
    /// The content of a card that was lost, onto another one.
    Reissue,
    /// Nothing is written; the member sees what is on the card.
    Read,
}

/// The terminal's program and what it can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Name and version, such as `fuda-terminal/0.1.0`.
    #[schemars(length(max = 64))]
    pub name: String,
    /// What carries the messages.
    pub transport: Transport,
}

/// What carries messages between terminal and centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// WebSocket over TLS.
    Ws,
    /// HTTPS, one POST for each message.
    Post,
    /// TLS with a length before each message.
    Stream,
}

/// What a card says to anybody. Nothing of it is proved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardHint {
    /// Answer to reset.
    #[serde(default, skip_serializing_if = "HexBytes::is_empty")]
    pub atr: HexBytes,
    /// The 10 bytes that it answers to INITIALIZE UPDATE, when the terminal knows them from an earlier script.
    #[serde(default, skip_serializing_if = "HexBytes::is_empty")]
    pub kdd: HexBytes,
}

/// What a card answered to a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptResult {
    /// The session.
    pub sid: SessionId,
    /// Place in the session: one more than that of the terminal's message before.
    pub seq: u32,
    /// The script.
    pub id: ScriptId,
    /// Commands that were sent to the card, the last one perhaps without an answer.
    pub n: u32,
    /// The answers, SW1 SW2 included, in the order of the commands; there is one less than `n` when the last was lost.
    pub r: Vec<HexBytes>,
    /// Why the script ended.
    pub end: End,
    /// Number of the step that it ended at, from 0; the number of steps when it ran to its end.
    pub at: u32,
    /// Milliseconds from command to answer, one for each of `r`.
    pub t: Vec<u32>,
}

/// Why a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Every step was done.
    Done,
    /// A status word that the step does not accept.
    Status,
    /// An answer that is not the one to be met.
    Match,
    /// The card was taken out, or the reader went away.
    CardGone,
    /// The card or its reader did not answer in time.
    Timeout,
    /// The script came too late: no command was sent.
    Expired,
    /// The person stopped it.
    Cancelled,
    /// There was no card: no command was sent.
    NoCard,
}

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The session.
    pub sid: SessionId,
    /// Place in the session.
    pub seq: u32,
    /// Whether the person agreed, or did what was asked.
    pub yes: bool,
}

/// Goes on with a session on another connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The session.
    pub sid: SessionId,
    /// Place of the last message that the terminal sent: its answer is sent again.
    pub seq: u32,
}

/// Ends a session. A script that was sent may still run on the card: the centre asks the card at the next contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The session.
    pub sid: SessionId,
    /// Place in the session.
    pub seq: u32,
}

impl TerminalMessage {
    /// The session and the place in it: the key of the message.
    #[must_use]
    pub const fn key(&self) -> (SessionId, u32) {
        match self {
            Self::Open(open) => (open.sid, open.seq),
            Self::Result(result) => (result.sid, result.seq),
            Self::Answer(answer) => (answer.sid, answer.seq),
            Self::Resume(resume) => (resume.sid, resume.seq),
            Self::Cancel(cancel) => (cancel.sid, cancel.seq),
        }
    }
}

impl Message for TerminalMessage {
    fn check(&self) -> Result<(), MessageError> {
        match self {
            Self::Open(open) => open.check(),
            Self::Result(result) => result.check(),
            Self::Answer(_) | Self::Resume(_) | Self::Cancel(_) => Ok(()),
        }
    }
}

impl Open {
    fn check(&self) -> Result<(), MessageError> {
        if self.seq != 0 {
            return Err(MessageError::Contradiction { what: "`open` is the first message of a session: seq 0" });
        }
        at_most("characters of the order's token", self.order.chars().count(), WORD_CHARS_MAX)?;
        at_most("characters of the program's name", self.terminal.name.chars().count(), WORD_CHARS_MAX)?;
        at_most("characters of the locale", self.locale.chars().count(), WORD_CHARS_MAX)
    }
}

impl ScriptResult {
    fn check(&self) -> Result<(), MessageError> {
        at_most("answers", self.r.len(), STEPS_MAX)?;
        let longest = self.r.iter().map(HexBytes::len).max().unwrap_or(0);
        at_most("bytes of an answer", longest, APDU_BYTES_MAX)?;
        let sent = usize::try_from(self.n).unwrap_or(usize::MAX);
        if sent < self.r.len() || sent > self.r.len() + 1 {
            return Err(MessageError::Contradiction {
                what: "`r` has an answer for each of `n` commands, or lacks the last",
            });
        }
        if self.t.len() != self.r.len() {
            return Err(MessageError::Contradiction { what: "`t` has a time for each answer of `r`" });
        }
        Ok(())
    }
}
