//! The line to the centre: every message is sent until it is answered, over whatever gets through.
//!
//! A message that is sent again is the same text under the same (sid, seq), so the centre answers it as it did the first time. What
//! is not answered is sent again on a new connection, after a pause that grows.

use super::address::Centre;
use super::fault::LinkFault;
use super::post::Post;
use super::screen::{Note, Screen};
use super::stop::Stop;
use super::trouble::Trouble;
use super::trust::Trust;
use super::ws::Ws;
use clap::ValueEnum;
use fuda_card::cardscript::{CentreMessage, SessionId, TerminalMessage, decode, encode};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For one answer; a healthy centre takes a tenth of a second.
const ANSWER: Duration = Duration::from_secs(20);
/// For name, TCP, TLS and upgrade.
const CONNECT: Duration = Duration::from_secs(10);
/// WebSockets in a row that brought no answer, before messages are posted.
const UPGRADES_MAX: u32 = 3;
/// Answers in a row that were none: whoever gives them will not do better.
const BREACHES_MAX: u32 = 3;
/// Patience before anything was sent to a card: nothing is lost by starting again.
const BEGIN: Duration = Duration::from_secs(15);
/// First pause before a message is sent again, doubled each time.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Longest sleep without looking whether the person wants to stop.
const NAP: Duration = Duration::from_millis(100);

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// A WebSocket; after three that failed, POST.
    Auto,
    /// WebSocket.
    Ws,
    /// One POST for each message.
    Post,
}

/// How long to keep asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// Nothing depends on it yet.
    Begin,
    /// A card was worked on: its answers must get through.
    GoOn,
}

/// The line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    centre: &'a Centre,
    trust: &'a Trust,
    choice: Choice,
    patience: Duration,
    stop: &'a Stop,
    websocket: Option<Ws>,
    post: Option<Post>,
    /// WebSockets in a row that brought no answer.
    failed: u32,
    /// Times that a message was sent again.
    resent: u32,
}

impl<'a> Line<'a> {
    pub(super) const fn new(
        centre: &'a Centre,
        trust: &'a Trust,
        choice: Choice,
        patience: Duration,
        stop: &'a Stop,
    ) -> Self {
        Self { centre, trust, choice, patience, stop, websocket: None, post: None, failed: 0, resent: 0 }
    }

    pub(super) const fn resent(&self) -> u32 {
        self.resent
    }

    /// What carries messages now.
    pub(super) const fn carrier(&self) -> Choice {
        match self.choice {
            Choice::Auto if self.failed < UPGRADES_MAX => Choice::Ws,
            Choice::Auto => Choice::Post,
            choice => choice,
        }
    }

    /// The answer to a message.
    ///
    /// # Errors
    /// [`Trouble::Link`] when there is none; [`Trouble::Stopped`].
    pub(super) fn ask(
        &mut self,
        message: &TerminalMessage,
        errand: Errand,
        screen: &mut Screen,
    ) -> Result<CentreMessage, Trouble> {
        let text = encode(message).map_err(|error| LinkFault::Breach(error.to_string()))?;
        let until = Instant::now()
            + match errand {
                Errand::Begin => BEGIN.min(self.patience),
                Errand::GoOn => self.patience,
            };
        let (mut pause, mut breaches) = (PAUSE, 0);
        loop {
            let carrier = self.carrier();
            let fault = match self.attempt(&text, message.key(), until) {
                Ok(answer) => {
                    self.failed = if carrier == Choice::Ws { 0 } else { self.failed };
                    return Ok(answer);
                }
                Err(fault) => fault,
            };
            self.websocket = None;
            self.failed += u32::from(carrier == Choice::Ws);
            breaches = if self.carrier() == carrier { breaches + u32::from(is_breach(&fault)) } else { 0 };
            let is_final = match &fault {
                LinkFault::Certificate(_) => true,
                LinkFault::Foreign(_) => match carrier {
                    Choice::Post => true,
                    _ => self.choice == Choice::Ws && self.failed >= UPGRADES_MAX,
                },
                _ => breaches >= BREACHES_MAX,
            };
            if self.stop.is_wanted() {
                return Err(Trouble::Stopped);
            }
            if is_final || Instant::now() + pause >= until {
                return Err(fault.into());
            }
            screen.note(Note::Again);
            self.rest(jittered(pause))?;
            pause = (pause * 2).min(PAUSE_MAX);
            self.resent += 1;
        }
    }

    /// Sends a message that nothing depends on.
    pub(super) fn tell(&mut self, message: &TerminalMessage, limit: Duration) {
        if let Ok(text) = encode(message) {
            let _ = self.attempt(&text, message.key(), Instant::now() + limit);
        }
    }

    /// Waits, unless the person wants to stop.
    pub(super) fn rest(&self, time: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + time;
        loop {
            if self.stop.is_wanted() {
                return Err(Trouble::Stopped);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            sleep(left.min(NAP));
        }
    }

    fn attempt(&mut self, text: &str, key: (SessionId, u32), until: Instant) -> Result<CentreMessage, LinkFault> {
        let now = Instant::now();
        let within = |limit| until.min(now + limit);
        let answer = match self.carrier() {
            Choice::Post => {
                self.post.get_or_insert_with(|| Post::new(self.centre, self.trust)).exchange(text, within(ANSWER))?
            }
            _ => {
                let mut socket = match self.websocket.take() {
                    Some(socket) => socket,
                    None => Ws::connect(self.centre, self.trust, within(CONNECT), self.stop)?,
                };
                let answer = socket.exchange(text, until.min(Instant::now() + ANSWER))?;
                self.websocket = Some(socket);
                answer
            }
        };
        let answer: CentreMessage = decode(&answer).map_err(|error| LinkFault::Breach(error.to_string()))?;
        let is_unnamed = matches!(&answer, CentreMessage::Error(problem) if *problem.sid.as_bytes() == [0; 16]);
        if answer.key() == key || is_unnamed {
            Ok(answer)
        } else {
            Err(LinkFault::Breach("an answer to another message".to_owned()))
        }
    }
}

const fn is_breach(fault: &LinkFault) -> bool {
    matches!(fault, LinkFault::Breach(_))
}

/// Between half and all of a pause: terminals that lost the same node do not come back in step.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [u8::MAX];
    // Without a random byte it is the whole pause.
    let _ = getrandom::fill(&mut byte);
    let [byte] = byte;
    pause / 2 + pause / 2 * u32::from(byte) / u32::from(u8::MAX)
}
