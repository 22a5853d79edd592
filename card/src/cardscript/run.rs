//! A script on its way over a card, as an honest terminal runs it: no I/O and no clock.
//!
//! ```text
//! Runner::new ─► next_command ─► card ─► on_response ─┐          stop: no card, card gone, too late, cancelled
//!                     ▲   └ None: over ─► result      │
//!                     └───────────────────────────────┘
//! ```
//!
//! An answer that a step does not accept ends the script there, so nothing that builds on it is sent: after a wrong answer to INITIALIZE
//! UPDATE no EXTERNAL AUTHENTICATE, after other progress records no write.

use super::limits::{APDU_BYTES_MAX, MESSAGE_BYTES_MAX};
use super::{End, Fault, HexBytes, Match, Script, ScriptResult, Step};

/// Bytes of all answers together: in hex, with their times and the rest of the result, they fit a message.
const ANSWERS_BYTES_MAX: usize = MESSAGE_BYTES_MAX * 3 / 8;

/// A script that is being run.
#[derive(Debug)]
pub struct Runner {
    script: Script,
    /// Place of the step that is next, or under way.
    at: usize,
    course: Course,
    /// Commands handed out.
    sent: u32,
    answers: Vec<HexBytes>,
    answer_bytes: usize,
    times_ms: Vec<u32>,
    spent_ms: u32,
}

/// What the runner waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    Ready,
    Sent,
    Over(End),
}

/// A command that is to be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due<'s> {
    /// The command APDU.
    pub command: &'s [u8],
    /// Longest time for its answer, in milliseconds.
    pub ms: u32,
    /// Key of the text for the person; empty when it stays as it is.
    pub text: &'s str,
    /// How much of the work is done when the answer is there, in percent.
    pub percent: u8,
}

impl Runner {
    /// Begins a script that [`decode`](super::decode) has read.
    #[must_use]
    pub const fn new(script: Script) -> Self {
        Self {
            script,
            at: 0,
            course: Course::Ready,
            sent: 0,
            answers: Vec::new(),
            answer_bytes: 0,
            times_ms: Vec::new(),
            spent_ms: 0,
        }
    }

    /// The next command; `None` when the script is over, or while the last command has no answer.
    pub fn next_command(&mut self) -> Option<Due<'_>> {
        if self.course != Course::Ready {
            return None;
        }
        let left_ms = self.script.budget_ms.saturating_sub(self.spent_ms);
        let Some(step) = self.script.steps.get(self.at) else {
            self.course = Course::Over(End::Done);
            return None;
        };
        if left_ms == 0 {
            self.course = Course::Over(End::Timeout);
            return None;
        }
        self.course = Course::Sent;
        self.sent = self.sent.saturating_add(1);
        let Step { c, ms, p, percent, .. } = step;
        Some(Due { command: c.as_bytes(), ms: left_ms.min(*ms), text: p, percent: *percent })
    }

    /// Takes the response to the command that was sent, SW1 SW2 included, and the time from one to the other. Without such a command it
    /// does nothing.
    pub fn on_response(&mut self, response: &[u8], took_ms: u32) {
        let (Course::Sent, Some(step)) = (self.course, self.script.steps.get(self.at)) else { return };
        self.spent_ms = self.spent_ms.saturating_add(took_ms);
        self.answer_bytes = self.answer_bytes.saturating_add(response.len());
        if response.len() > APDU_BYTES_MAX || self.answer_bytes > ANSWERS_BYTES_MAX {
            // More than any script asks for, and than a result can tell.
            self.course = Course::Over(End::Status);
            return;
        }
        self.answers.push(HexBytes::new(response));
        self.times_ms.push(took_ms);
        self.course = match step.refuses(response) {
            Some(end) if step.stop == Fault::Stop => Course::Over(end),
            _ if took_ms > step.ms => Course::Over(End::Timeout),
            _ => {
                self.at += 1;
                Course::Ready
            }
        };
    }

    /// Ends the script where it is, for a reason that lies outside of it. A script that is over stays as it ended.
    pub fn stop(&mut self, end: End) {
        if !matches!(self.course, Course::Over(_)) {
            self.course = Course::Over(end);
        }
    }

    /// What the card answered, for the centre; `seq` is the place of the message. A script that is not over was cancelled.
    #[must_use]
    pub fn result(self, seq: u32) -> ScriptResult {
        let Self { script, at, course, sent, answers, times_ms, .. } = self;
        let end = match course {
            Course::Over(end) => end,
            Course::Ready if at == script.steps.len() => End::Done,
            Course::Ready | Course::Sent => End::Cancelled,
        };
        ScriptResult {
            sid: script.sid,
            seq,
            id: script.id,
            n: sent,
            r: answers,
            end,
            at: u32::try_from(at).unwrap_or(u32::MAX),
            t: times_ms,
        }
    }
}

impl Step {
    /// Why an answer is not accepted; `None` when it is.
    fn refuses(&self, response: &[u8]) -> Option<End> {
        let Some((data, sw)) = response.split_last_chunk::<2>() else { return Some(End::Status) };
        if !self.sw.iter().any(|accepted| sw.starts_with(accepted.as_bytes())) {
            return Some(End::Status);
        }
        (!self.matches.iter().all(|rule| rule.is_met(data))).then_some(End::Match)
    }
}

impl Match {
    /// `(data[offset..] & mask) == value`; data that ends before does not fit.
    fn is_met(&self, data: &[u8]) -> bool {
        let (mask, value) = (self.mask.as_bytes(), self.value.as_bytes());
        let offset = usize::from(self.offset);
        let found = offset.checked_add(mask.len()).and_then(|end| data.get(offset..end));
        found.is_some_and(|found| {
            mask.len() == value.len()
                && found.iter().zip(mask).zip(value).all(|((found, mask), value)| found & mask == *value)
        })
    }
}
