//! What the service centre says.

use super::limits::{
    APDU_BYTES_MAX, BUDGET_MS_MAX, MATCHES_MAX, STATUS_WORDS_MAX, STEPS_MAX, TEXT_CHARS_MAX, WORD_CHARS_MAX,
};
use super::{HexBytes, Message, MessageError, ScriptId, SessionId, at_most};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to a terminal's message; `sid` and `seq` are that message's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CentreMessage {
    /// Commands for the card.
    Script(Script),
    /// Something for a person to do or to agree to.
    Ask(Ask),
    /// Nothing yet: send `resume` after a while.
    Wait(Wait),
    /// The session reached its end.
    Done(Done),
    /// It did not.
    Error(Problem),
}

/// Commands for the card, to be sent in one go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The session.
    pub sid: SessionId,
    /// The terminal's message that this answers.
    pub seq: u32,
    /// The script.
    pub id: ScriptId,
    /// Not begun after this time (RFC 3339, UTC).
    #[schemars(length(max = 64))]
    pub expires: String,
    /// Longest time from the first command to the last answer, in milliseconds.
    pub budget_ms: u32,
    /// The commands.
    pub steps: Vec<Step>,
}

/// One command and what its answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The command APDU.
    pub c: HexBytes,
    /// Beginnings of the status words that are accepted, one or two bytes each.
    #[serde(default = "success", skip_serializing_if = "is_success")]
    pub sw: Vec<HexBytes>,
    /// What the data of the answer must be; all of them.
    #[serde(rename = "match", default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<Match>,
    /// What happens on another status word or another answer.
    #[serde(default, skip_serializing_if = "Fault::is_stop")]
    pub stop: Fault,
    /// Longest time for the answer, in milliseconds.
    pub ms: u32,
    /// Key of a text for the person, such as `writing`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub p: String,
    /// How much of the work is done when the answer is there, in percent.
    pub percent: u8,
}

/// A part of the answer that must have certain bits. `(answer[offset..] & mask) == value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// First byte, from 0, in the answer without SW1 SW2.
    pub offset: u16,
    /// The bits that count.
    pub mask: HexBytes,
    /// Their value; as long as the mask.
    pub value: HexBytes,
}

/// What happens when an answer is not accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The script ends there.
    #[default]
    Stop,
    /// It goes on: the step was worth a try.
    GoOn,
}

/// Something for a person to do or to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The session.
    pub sid: SessionId,
    /// The terminal's message that this answers.
    pub seq: u32,
    /// What.
    pub what: AskFor,
    /// A text for the person, in the language of the session.
    #[schemars(length(max = 400))]
    pub text: String,
}

/// What a person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AskFor {
    /// The card of the order is to be put in.
    PutCardIn,
    /// The person is to agree to what the text says.
    Confirm,
}

/// Nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// The session.
    pub sid: SessionId,
    /// The terminal's message that this answers.
    pub seq: u32,
    /// When to send `resume`, in milliseconds.
    pub ms: u32,
    /// A text for the person.
    #[schemars(length(max = 400))]
    pub text: String,
}

/// The session reached its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The session.
    pub sid: SessionId,
    /// The terminal's message that this answers.
    pub seq: u32,
    /// What was reached.
    pub outcome: Outcome,
    /// The signed receipt; a session that changed nothing has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// What is on the card, for its owner: names of fields and values, personal ones masked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(String, String)>,
    /// A text for the person.
    #[schemars(length(max = 400))]
    pub text: String,
}

/// What a session reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The card has what the order was for, proved by the card.
    Written,
    /// It had it already, from an earlier session.
    AlreadyWritten,
    /// It was read.
    Read,
    /// The session was cancelled before anything was sent to a card.
    Cancelled,
}

/// A receipt: what was done, signed inside the HSM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// What is signed: canonical JSON (RFC 8785) as text, without personal data.
    pub body: String,
    /// Key that signed it, `receipt@1`.
    #[schemars(length(max = 64))]
    pub key: String,
    /// ECDSA P-256 over SHA-256 of the body: r ‖ s, 64 bytes.
    pub signature: HexBytes,
}

/// The session cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The session; zeros where the message did not say one.
    pub sid: SessionId,
    /// The terminal's message that this answers.
    pub seq: u32,
    /// Stable code, such as `ORDER_NOT_PAID`.
    #[schemars(length(max = 64))]
    pub code: String,
    /// Whether the same order may be tried again, in a new session.
    pub retriable: bool,
    /// Who can do something about it: `member`, `terminal`, `card`, `centre`.
    #[schemars(length(max = 64))]
    pub who: String,
    /// A text for the person, with what to do.
    #[schemars(length(max = 400))]
    pub text: String,
    /// Number to tell the inquiry desk.
    #[schemars(length(max = 64))]
    pub trace: String,
}

fn success() -> Vec<HexBytes> {
    vec![HexBytes::new([0x90, 0x00])]
}

fn is_success(accepted: &[HexBytes]) -> bool {
    matches!(accepted, [only] if only.as_bytes() == [0x90, 0x00])
}

impl Fault {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    const fn is_stop(&self) -> bool {
        matches!(self, Self::Stop)
    }
}

impl Step {
    /// A command that must be answered 9000, in at most `ms` milliseconds.
    #[must_use]
    pub fn new(command: impl Into<Vec<u8>>, ms: u32) -> Self {
        let (c, sw, p) = (HexBytes::new(command), success(), String::new());
        Self { c, sw, matches: Vec::new(), stop: Fault::Stop, ms, p, percent: 0 }
    }

    fn check(&self) -> Result<(), MessageError> {
        at_most("bytes of a command", self.c.len(), APDU_BYTES_MAX)?;
        at_most("accepted status words of a step", self.sw.len(), STATUS_WORDS_MAX)?;
        at_most("match rules of a step", self.matches.len(), MATCHES_MAX)?;
        at_most("characters of the key of a text", self.p.chars().count(), WORD_CHARS_MAX)?;
        at_most("percent", usize::from(self.percent), 100)?;
        at_most("milliseconds for an answer", usize::try_from(self.ms).unwrap_or(usize::MAX), ms_max())?;
        if !self.sw.iter().all(|sw| matches!(sw.len(), 1 | 2)) || self.sw.is_empty() {
            return Err(MessageError::Contradiction { what: "`sw` has beginnings of one or two bytes, at least one" });
        }
        if self.matches.iter().any(|rule| rule.mask.len() != rule.value.len() || rule.mask.is_empty()) {
            return Err(MessageError::Contradiction {
                what: "`mask` and `value` of a match are equally long, and not empty",
            });
        }
        Ok(())
    }
}

fn ms_max() -> usize {
    usize::try_from(BUDGET_MS_MAX).unwrap_or(usize::MAX)
}

impl CentreMessage {
    /// The session and the place of the message that this answers.
    #[must_use]
    pub const fn key(&self) -> (SessionId, u32) {
        match self {
            Self::Script(script) => (script.sid, script.seq),
            Self::Ask(ask) => (ask.sid, ask.seq),
            Self::Wait(wait) => (wait.sid, wait.seq),
            Self::Done(done) => (done.sid, done.seq),
            Self::Error(problem) => (problem.sid, problem.seq),
        }
    }
}

impl Message for CentreMessage {
    fn check(&self) -> Result<(), MessageError> {
        let text = match self {
            Self::Script(script) => {
                at_most("steps", script.steps.len(), STEPS_MAX)?;
                at_most("milliseconds", usize::try_from(script.budget_ms).unwrap_or(usize::MAX), ms_max())?;
                return script.steps.iter().try_for_each(Step::check);
            }
            Self::Ask(ask) => &ask.text,
            Self::Wait(wait) => &wait.text,
            Self::Done(done) => &done.text,
            Self::Error(problem) => &problem.text,
        };
        at_most("characters of a text", text.chars().count(), TEXT_CHARS_MAX)
    }
}
