//! Answers to a terminal, in the language of the session.

use super::refusal::{Again, Refusal};
use super::session::Locale;
use crate::error::Error;
use fuda_card::cardscript::{CentreMessage, Done, Outcome, Problem, Receipt, SessionId, encode};
use sha2::{Digest, Sha256};

/// Digits of the number that a member tells the inquiry desk.
const TRACE_DIGITS: usize = 10;

/// The place of a message, and the language that it is answered in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) sid: SessionId,
    pub(crate) seq: u32,
    pub(crate) locale: Locale,
}

impl Place {
    /// A problem.
    pub(crate) fn problem(self, refusal: Refusal) -> CentreMessage {
        let terms = refusal.terms();
        CentreMessage::Error(Problem {
            sid: self.sid,
            seq: self.seq,
            code: terms.code.to_owned(),
            retriable: terms.again == Again::Yes,
            who: terms.who.as_str().to_owned(),
            text: self.locale.of_two(terms.en, terms.ja).to_owned(),
            trace: trace(self.sid),
        })
    }

    /// The end of a session.
    pub(crate) fn done(
        self,
        outcome: Outcome,
        receipt: Option<Receipt>,
        shown: Vec<(String, String)>,
    ) -> CentreMessage {
        let (en, ja) = match outcome {
            Outcome::Written => ("Done. The card is ready for use.", "完了しました。カードをご利用いただけます。"),
            Outcome::AlreadyWritten => ("The card is ready for use already.", "カードは既にご利用いただけます。"),
            Outcome::Read => ("This is what the card holds.", "カードの内容です。"),
            Outcome::Cancelled => ("Cancelled. Nothing was written.", "中止しました。書き込みは行われていません。"),
        };
        let text = self.locale.of_two(en, ja).to_owned();
        CentreMessage::Done(Done { sid: self.sid, seq: self.seq, outcome, receipt, shown, text })
    }
}

/// What stands for a session in logs and on paper: who knows the session's name may resume it, so that one is not shown.
pub(crate) fn trace(sid: SessionId) -> String {
    let digest = hex::encode_upper(Sha256::digest(sid.as_bytes()));
    digest.get(..TRACE_DIGITS).unwrap_or_default().to_owned()
}

/// An answer as text.
pub(crate) fn text(message: &CentreMessage) -> Result<String, Error> {
    encode(message).map_err(|_| Error::Fault { what: "an answer beyond the limits of the protocol" })
}
