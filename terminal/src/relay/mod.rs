//! The relay between a card and the service centre: an untrusted messenger that never sees a key or what is written.
//!
//! ```text
//! Session ─ Line ─┬─ Ws ── Timed ── TCP     open, result, answer, resume ─►
//!    │            └─ Post                   ◄─ script, ask, wait, done, error
//!    └─ Hold ── EncoderCard ── card         every command of a script, in one go
//! ```
//!
//! All of it is blocking code in one thread. A session has one card, one connection and one message under way; an async runtime would
//! wait for the same things, and its reader calls would need a thread anyway.

mod address;
mod fault;
mod guide;
mod hold;
mod line;
mod post;
mod screen;
mod session;
mod stop;
mod timed;
mod trouble;
mod trust;
mod ws;

pub use address::{AddressError, Centre, Cover};
pub use fault::LinkFault;
pub use guide::Money;
pub use line::Choice;
pub use screen::Consent;
pub use session::{Job, Report};
pub use trouble::Trouble;
pub use trust::{Trust, TrustError};

use crate::encoder::Encoder;
use fuda_card::cardscript::SessionId;
use fuda_cli::{Globals, StopSignal};
use line::Line;
use screen::Screen;
use session::Session;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stop::Stop;

/// Where the centre is and how to get there.
#[derive(Debug)]
pub struct Way {
    /// Its address.
    pub centre: Centre,
    /// Whose certificates count.
    pub trust: Trust,
    /// What carries messages.
    pub choice: Choice,
    /// How long to try to get a card's answers through.
    pub patience: Duration,
}

/// Has a session with the centre about the next card in one of the readers.
///
/// # Errors
/// Every [`Trouble`], and what is known of the money then.
pub fn relay(
    globals: &Globals,
    way: &Way,
    encoders: &[Encoder],
    job: &Job,
    consent: Consent,
    signal: StopSignal,
) -> Result<Report, (Trouble, Money)> {
    let stop = Stop::new(signal);
    let mut chance = [0; 10];
    // Who guesses it could resume the session: without random numbers there is none.
    getrandom::fill(&mut chance).map_err(|error| {
        (Trouble::Link(LinkFault::Unreachable(format!("no random numbers: {error}"))), Money::Untouched)
    })?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let sid = SessionId::at(u64::try_from(now).unwrap_or_default(), chance);
    let Way { centre, trust, choice, patience } = way;
    let line = Line::new(centre, trust, *choice, *patience, &stop);
    let mut screen = Screen::new(globals, consent);
    let ended = Session::new(line, encoders, job, sid).run(&mut screen);
    screen.finish();
    ended
}
