//! Why a session did not reach its end.

use super::fault::LinkFault;
use super::guide::{Money, advice};
use super::trust::TrustError;
use crate::error::Error;
use fuda_card::cardscript::Problem;
use fuda_cli::globals::Lang;
use fuda_cli::{Exit, Failure};

/// Most characters of a code that the centre gives.
const CODE_CHARS_MAX: usize = 64;

/// What ended a session.
#[derive(Debug)]
pub enum Trouble {
    /// No order was named.
    Token,
    /// An address without TLS, and nobody said that it is for development.
    Plain,
    /// No root certificate.
    Trust(TrustError),
    /// The centre could not be asked, or its answer was none.
    Link(LinkFault),
    /// The centre said no.
    Problem(Box<Problem>),
    /// A reader, or the card in it, before it was asked anything.
    Reader(Error),
    /// No card was put in.
    NoCard,
    /// The script was too old when the card came.
    Expired,
    /// The person stopped it.
    Stopped,
    /// More messages, or longer waiting, than any session needs.
    Endless,
    /// The card was worked on and the centre did not say what came of it.
    Unconfirmed {
        /// What was in the way.
        why: String,
    },
}

impl Trouble {
    /// The stable code; a problem has the centre's own.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Token => "ORDER_TOKEN",
            Self::Plain => "CENTRE_PLAIN",
            Self::Trust(_) => "CENTRE_CA",
            Self::Link(LinkFault::Unreachable(_) | LinkFault::Lost(_)) => "CENTRE_UNREACHABLE",
            Self::Link(LinkFault::Certificate(_)) => "CENTRE_CERTIFICATE",
            Self::Link(LinkFault::Foreign(_)) => "CENTRE_FOREIGN",
            Self::Link(LinkFault::Breach(_)) => "CENTRE_PROTOCOL",
            Self::Problem(problem) if is_code(&problem.code) => &problem.code,
            Self::Problem(_) => "CENTRE_REFUSED",
            Self::Reader(error) => error.code(),
            Self::NoCard => "CARD_AWAITED",
            Self::Expired => "SCRIPT_EXPIRED",
            Self::Stopped => "SESSION_STOPPED",
            Self::Endless => "SESSION_ENDLESS",
            Self::Unconfirmed { .. } => "RESULT_UNCONFIRMED",
        }
    }

    /// The report, for a person who speaks `lang`; `money` is what the session knows of it.
    #[must_use]
    pub fn failure(&self, lang: Lang, money: Money) -> Failure {
        let detail = match self {
            Self::Problem(problem) => return said_by_the_centre(problem, self.code(), lang, money),
            Self::Reader(error) => {
                let failure = Failure::from(error.clone());
                let remedy = format!("{}. {}", failure.remedy, money.said(lang));
                return failure.remedy(remedy);
            }
            Self::Trust(error) => error.to_string(),
            Self::Link(fault) => fault.to_string(),
            Self::Unconfirmed { why } => why.clone(),
            Self::Token | Self::Plain | Self::NoCard | Self::Expired | Self::Stopped | Self::Endless => String::new(),
        };
        let Some(advice) = advice(self.code()) else {
            return Failure::new("CENTRE_PROTOCOL", Exit::Bug, detail);
        };
        let (cause, remedy) = advice.said(lang);
        let what = if detail.is_empty() { cause.to_owned() } else { format!("{cause}: {detail}") };
        let money = if advice.money == Money::Kept { Money::Kept } else { money };
        let failure = Failure::new(advice.code, advice.exit, what);
        failure.remedy(format!("{remedy}{}{}", full_stop(lang), money.said(lang)))
    }
}

/// The centre's text says what to do, in the person's language.
fn said_by_the_centre(problem: &Problem, code: &str, lang: Lang, money: Money) -> Failure {
    let exit = match (problem.who.as_str(), problem.retriable) {
        ("centre", _) => Exit::Network,
        ("card", _) => Exit::Reader,
        (_, true) => Exit::Stopped,
        (_, false) => Exit::Refused,
    };
    // Kept until the program ends, which is next: one word of at most 64 characters.
    let code: &'static str = Box::leak(code.to_owned().into_boxed_str());
    let text = problem.text.trim_end_matches(['.', '。']);
    let what = if text.is_empty() { problem.code.as_str() } else { text };
    let again = match (problem.retriable, lang) {
        (true, Lang::En) => "try again with the same order",
        (true, Lang::Ja) => "同じ注文で再度お試しください",
        (false, Lang::En) => "ask the inquiry desk and tell it the number above",
        (false, Lang::Ja) => "上記の番号をお問い合わせ窓口にお伝えください",
    };
    let failure = Failure::new(code, exit, what).at(problem.trace.clone());
    failure.remedy(format!("{again}{}{}", full_stop(lang), money.said(lang)))
}

const fn full_stop(lang: Lang) -> &'static str {
    match lang {
        Lang::En => ". ",
        Lang::Ja => "。",
    }
}

fn is_code(text: &str) -> bool {
    let is_of_a_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.contains('_') && text.len() <= CODE_CHARS_MAX && text.chars().all(is_of_a_code)
}

impl From<LinkFault> for Trouble {
    fn from(fault: LinkFault) -> Self {
        Self::Link(fault)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Reader(error)
    }
}
