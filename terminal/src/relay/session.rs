//! One session with the centre, from `open` to its end, and the card that it is about.
//!
//! The session is opened before a card is asked for, so that a script that needs no answer from the card is here before the card is:
//! then the centre is not waited for while somebody holds the card to the reader. The card stays under power until the session ends:
//! whether another script goes on from this one's answers, the centre alone knows.

use super::fault::LinkFault;
use super::guide::Money;
use super::hold::{After, Hold, Window};
use super::line::{Choice, Errand, Line};
use super::screen::{Note, Screen};
use super::trouble::Trouble;
use crate::encoder::{Encoder, EncoderCard};
use crate::error::Error;
use fuda_card::cardscript::limits::SCRIPT_LIFE_S;
use fuda_card::cardscript::{
    Answer, Ask, AskFor, Cancel, CentreMessage, Done, End, Open, Program, Purpose, Resume, Runner, Script, ScriptId,
    SessionId, TerminalMessage, Transport, Wait,
};
use jiff::Timestamp;
use std::time::{Duration, Instant};

/// Messages of a session: a recovery has two scripts, some waiting and some questions.
const MESSAGES_MAX: usize = 64;
/// Longest single wait that a centre may ask for.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest waiting in one session.
const WAITS_MAX: Duration = Duration::from_secs(300);
/// For a message that nothing depends on, on the way out.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long one look at one reader lasts before the next one is looked at.
const TURN: Duration = Duration::from_millis(50);

/// What a session is for.
#[derive(Debug, Clone)]
pub struct Job {
    /// What the person wants.
    pub purpose: Purpose,
    /// The order's token.
    pub order: String,
    /// Language of the texts.
    pub locale: &'static str,
    /// How long somebody may take to put the card in.
    pub card_wait: Duration,
}

/// A session that reached its end.
#[derive(Debug)]
pub struct Report {
    /// What the centre said last.
    pub done: Done,
    /// Answers of the centre that the card waited for.
    pub round_trips_card_held: u32,
    /// From the first command to the last answer of the card.
    pub held: Duration,
    /// Commands that the card was sent.
    pub commands: u32,
    /// Times that a message was sent again.
    pub resent: u32,
    /// What carried the messages at the end.
    pub transport: Choice,
}

/// A session under way.
#[derive(Debug)]
pub(super) struct Session<'e> {
    line: Line<'e>,
    encoders: &'e [Encoder],
    job: &'e Job,
    sid: SessionId,
    seq: u32,
    scripts: Vec<ScriptId>,
    hold: Option<Hold<'e>>,
    /// Of the card that was held last.
    window: Window,
    money: Money,
    waited: Duration,
}

impl<'e> Session<'e> {
    pub(super) fn new(line: Line<'e>, encoders: &'e [Encoder], job: &'e Job, sid: SessionId) -> Self {
        let (scripts, money, waited) = (Vec::new(), Money::Untouched, Duration::ZERO);
        let window = Window::new();
        Self { line, encoders, job, sid, seq: 0, scripts, hold: None, window, money, waited }
    }

    /// Talks with the centre until the session ends, and gives the card out.
    pub(super) fn run(mut self, screen: &mut Screen) -> Result<Report, (Trouble, Money)> {
        let ended = self.converse(screen);
        self.give_card_out(screen);
        let Self { line, window, money, .. } = self;
        let done = ended.map_err(|trouble| (trouble, money))?;
        Ok(Report {
            done,
            round_trips_card_held: window.round_trips(),
            held: window.time(),
            commands: window.commands(),
            resent: line.resent(),
            transport: line.carrier(),
        })
    }

    fn converse(&mut self, screen: &mut Screen) -> Result<Done, Trouble> {
        let mut message = self.open();
        for _ in 0..MESSAGES_MAX {
            message = match self.ask(&message, screen)? {
                CentreMessage::Script(script) => self.script(script, screen)?,
                CentreMessage::Ask(ask) => self.person(&ask, screen)?,
                CentreMessage::Wait(wait) => self.wait(&wait, screen)?,
                CentreMessage::Done(done) => return Ok(done),
                CentreMessage::Error(problem) => return Err(Trouble::Problem(Box::new(problem))),
            };
        }
        Err(Trouble::Endless)
    }

    fn open(&self) -> TerminalMessage {
        let Job { purpose, order, locale, .. } = self.job;
        let transport = if self.line.carrier() == Choice::Post { Transport::Post } else { Transport::Ws };
        let name = concat!("fuda-terminal/", env!("CARGO_PKG_VERSION")).to_owned();
        TerminalMessage::Open(Open {
            sid: self.sid,
            seq: 0,
            purpose: *purpose,
            order: order.clone(),
            terminal: Program { name, transport },
            locale: (*locale).to_owned(),
            card: None,
        })
    }

    fn ask(&mut self, message: &TerminalMessage, screen: &mut Screen) -> Result<CentreMessage, Trouble> {
        let errand = if self.money == Money::Kept { Errand::GoOn } else { Errand::Begin };
        let answer = self.line.ask(message, errand, screen).map_err(|trouble| match (trouble, self.money) {
            (Trouble::Link(fault), Money::Kept) => Trouble::Unconfirmed { why: fault.to_string() },
            (Trouble::Stopped, Money::Kept) => Trouble::Unconfirmed { why: "stopped".to_owned() },
            (trouble, _) => trouble,
        });
        if matches!(answer, Err(Trouble::Stopped)) {
            self.seq += 1;
            self.line.tell(&TerminalMessage::Cancel(Cancel { sid: self.sid, seq: self.seq }), FAREWELL);
        }
        if let Some(hold) = &mut self.hold {
            hold.window().answered();
        }
        answer
    }

    /// Runs a script, once, on the card that is held or the next one that is put in.
    fn script(&mut self, script: Script, screen: &mut Screen) -> Result<TerminalMessage, Trouble> {
        if self.scripts.contains(&script.id) {
            return Err(LinkFault::Breach("a script that was run already".to_owned()).into());
        }
        self.scripts.push(script.id);
        self.seq += 1;
        let until = Instant::now() + life(&script.expires);
        let mut hold = match self.hold.take() {
            Some(hold) => hold,
            None => match self.insert(until, screen) {
                Ok(card) => Hold::new(card),
                Err(trouble) => return Err(self.give_up(script, trouble)),
            },
        };
        if Instant::now() >= until {
            self.hold = Some(hold);
            return Err(self.give_up(script, Trouble::Expired));
        }
        let (result, after) = hold.run(script, self.seq, screen);
        if result.n > 0 {
            self.money = Money::Kept;
        }
        self.window = *hold.window();
        // A card that is gone is dropped, not given out: whoever took it may put it back.
        if after == After::There {
            self.hold = Some(hold);
        }
        Ok(TerminalMessage::Result(result))
    }

    /// Tells the centre that a script was not begun, so that it need not ask the card.
    fn give_up(&mut self, script: Script, trouble: Trouble) -> Trouble {
        let end = match &trouble {
            Trouble::Expired => End::Expired,
            Trouble::Stopped => End::Cancelled,
            _ => End::NoCard,
        };
        let mut runner = Runner::new(script);
        runner.stop(end);
        self.line.tell(&TerminalMessage::Result(runner.result(self.seq)), FAREWELL);
        trouble
    }

    /// The next card that is put into any of the readers.
    fn insert(&self, until: Instant, screen: &mut Screen) -> Result<EncoderCard<'e>, Trouble> {
        screen.note(Note::PutCardIn);
        let patience = Instant::now() + self.job.card_wait;
        loop {
            for encoder in self.encoders {
                match encoder.insert(TURN) {
                    Ok(Some(card)) => return Ok(card),
                    Ok(None) => {}
                    Err(Error::CardMute { .. } | Error::CardSilent { .. } | Error::CardGone { .. }) => {
                        screen.note(Note::PutCardInAgain);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            self.line.rest(Duration::ZERO)?;
            let now = Instant::now();
            if now >= until || now >= patience {
                return Err(if now >= until { Trouble::Expired } else { Trouble::NoCard });
            }
        }
    }

    fn person(&mut self, ask: &Ask, screen: &mut Screen) -> Result<TerminalMessage, Trouble> {
        let yes = match ask.what {
            AskFor::Confirm => screen.confirm(&ask.text),
            AskFor::PutCardIn => {
                screen.note(Note::Said(&ask.text));
                if self.hold.is_none() {
                    let until = Instant::now() + Duration::from_secs(SCRIPT_LIFE_S.into());
                    self.hold = Some(Hold::new(self.insert(until, screen)?));
                }
                true
            }
        };
        self.seq += 1;
        Ok(TerminalMessage::Answer(Answer { sid: self.sid, seq: self.seq, yes }))
    }

    fn wait(&mut self, wait: &Wait, screen: &mut Screen) -> Result<TerminalMessage, Trouble> {
        let time = Duration::from_millis(wait.ms.into()).min(WAIT_MAX);
        self.waited += time;
        if self.waited > WAITS_MAX {
            return Err(Trouble::Endless);
        }
        screen.note(Note::Said(&wait.text));
        self.line.rest(time)?;
        Ok(TerminalMessage::Resume(Resume { sid: self.sid, seq: self.seq }))
    }

    fn give_card_out(&mut self, screen: &mut Screen) {
        if let Some(hold) = self.hold.take() {
            self.window = hold.release();
            screen.note(Note::TakeCardOut);
        }
    }
}

/// What is left of a script's life, by this machine's clock; never more than the protocol's.
fn life(expires: &str) -> Duration {
    let longest = Duration::from_secs(SCRIPT_LIFE_S.into());
    let left = expires.parse::<Timestamp>().map(|expires| expires.duration_since(Timestamp::now()));
    left.ok().and_then(|left| Duration::try_from(left).ok()).unwrap_or_default().min(longest)
}

#[cfg(test)]
mod tests {
    use super::life;
    use jiff::{Timestamp, ToSpan};
    use std::time::Duration;

    #[test]
    fn a_script_lives_until_its_time_and_never_longer_than_the_protocol_allows() {
        let at = |seconds: i64| (Timestamp::now() + seconds.seconds()).to_string();
        assert!(life(&at(60)) > Duration::from_secs(55) && life(&at(60)) <= Duration::from_secs(60));
        assert_eq!(life(&at(100_000)), Duration::from_secs(300));
        assert_eq!(life(&at(-1)), Duration::ZERO);
        assert_eq!(life("tomorrow"), Duration::ZERO);
    }
}
