//! One card's whole conversation, recorded once, so that each side can be played again without the other.
//!
//! A chip of one identity and one initial key answers the same bytes to the same commands (its challenges follow from counters), so the
//! commands of the recording drive any number of copies of it.

use crate::doing::{Doing, failed};
use crate::product;
use crate::request::for_chip;
use fuda_card::apdu::{Command, Response};
use fuda_card::command::{Exchange, GetKeyInformation, KeyComponent, Select, SelectAnswer};
use fuda_card::crypto::{Kcv, KeyLength};
use fuda_card::id::{DfName, Kdd};
use fuda_card::personalisation::Plan;
use fuda_card::scp03::{Challenge, SessionKeys};
use fuda_card::script::{Input, Output, Script, Standing};
use fuda_card_sim::Card;
use fuda_cli::Failure;
use fuda_kms::{CardRequest, CardStep, Hsm, StepAnswer};
use std::sync::Arc;

/// The chip of the recording.
pub const KDD: Kdd = Kdd::new([0xD1, 0xA1, 0x06, 0, 0, 0, 0, 0, 0, 1]);

/// An answer to the script, kept as bytes where the type has no copies.
#[derive(Debug, Clone)]
enum Line {
    Continue,
    Response(Vec<u8>),
    HostChallenge([u8; 8]),
    SessionKeys([Vec<u8>; 3]),
    KeySet([KeyComponent; 3]),
}

/// A recording.
#[derive(Debug)]
pub struct Dialogue {
    plan: Arc<Plan>,
    /// Every command as it went to the card.
    pub commands: Vec<Vec<u8>>,
    lines: Vec<Line>,
}

impl Dialogue {
    /// Issues one card in memory with keys from the HSM.
    ///
    /// # Errors
    /// When the card or the HSM refuses.
    pub fn record(hsm: &Hsm, request: &CardRequest) -> Result<Self, Failure> {
        let mut card = product::card_in_memory(KDD)?;
        let mut dialogue = Self { plan: Arc::new(product::plan()?), commands: Vec::new(), lines: Vec::new() };
        for contact in
            [Select::df_name(&DfName::mf()).answering(SelectAnswer::Fci).command(), GetKeyInformation.command()]
        {
            dialogue.send(&mut card, &contact)?;
        }
        let mut script = Script::new(Arc::clone(&dialogue.plan), 0, Standing::New);
        let mut hsm = Answers::of(hsm, request);
        let mut line = Line::Continue;
        loop {
            dialogue.lines.push(line.clone());
            line = match script.next(line.input()?).doing("issue the recorded card")? {
                Output::Command(command) => Line::Response(dialogue.send(&mut card, &command)?),
                Output::HostChallenge(_) => Line::HostChallenge(hsm.host_challenge()?),
                Output::SessionKeys { answer, .. } => Line::SessionKeys(hsm.session(&answer.card_challenge)?),
                Output::KeySet { .. } => Line::KeySet(hsm.key_set()?),
                Output::Proved { .. } | Output::StageDone(_) => Line::Continue,
                Output::Done => return Ok(dialogue),
            };
        }
    }

    fn send(&mut self, card: &mut Card, command: &Command) -> Result<Vec<u8>, Failure> {
        let bytes = command.encode().doing("encode a command")?;
        let answer = card.transmit(&bytes);
        self.commands.push(bytes);
        Ok(answer)
    }

    /// The host's part alone: script, channel and all checks of the card's recorded answers.
    ///
    /// # Errors
    /// When the host makes other commands than those recorded.
    pub fn replay_host(&self) -> Result<(), Failure> {
        let mut script = Script::new(Arc::clone(&self.plan), 0, Standing::New);
        let mut sent = self.commands.iter().skip(2);
        for line in &self.lines {
            if let Output::Command(command) = script.next(line.input()?).doing("play the host again")? {
                let bytes = command.encode().doing("encode a command")?;
                if sent.next() != Some(&bytes) {
                    return Err(failed("the host did not repeat itself".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// The card's part alone: every command to a fresh copy of the chip, in memory.
    ///
    /// # Errors
    /// When the chip cannot be made.
    pub fn replay_card(&self) -> Result<(), Failure> {
        let mut card = product::card_in_memory(KDD)?;
        for command in &self.commands {
            std::hint::black_box(card.transmit(command));
        }
        Ok(())
    }
}

impl Line {
    fn input(&self) -> Result<Input, Failure> {
        Ok(match self {
            Self::Continue => Input::Continue,
            Self::Response(bytes) => Input::Response(Response::decode(bytes).doing("decode a response")?),
            Self::HostChallenge(challenge) => Input::HostChallenge(Challenge::S8(*challenge)),
            Self::SessionKeys([enc, mac, rmac]) => {
                Input::SessionKeys(SessionKeys::new(enc, mac, rmac).doing("take session keys")?)
            }
            Self::KeySet(set) => Input::KeySet(set.clone()),
        })
    }
}

/// The HSM's answers in the order in which the script asks.
struct Answers<'h> {
    hsm: &'h Hsm,
    request: &'h CardRequest,
    asked: usize,
    sessions: std::vec::IntoIter<([u8; 8], [Vec<u8>; 3])>,
    sets: std::vec::IntoIter<[KeyComponent; 3]>,
}

impl<'h> Answers<'h> {
    fn of(hsm: &'h Hsm, request: &'h CardRequest) -> Self {
        Self { hsm, request, asked: 0, sessions: Vec::new().into_iter(), sets: Vec::new().into_iter() }
    }

    fn host_challenge(&self) -> Result<[u8; 8], Failure> {
        match self.request.steps.get(self.asked) {
            Some(CardStep::OpenSession { host_challenge, .. }) => Ok(*host_challenge),
            _ => Err(failed("the script opens more channels than the request".to_owned())),
        }
    }

    fn session(&mut self, challenge: &Challenge) -> Result<[Vec<u8>; 3], Failure> {
        let Challenge::S8(challenge) = challenge else { return Err(failed("a challenge of 16 bytes".to_owned())) };
        if self.asked == 0 {
            self.fetch(*challenge)?;
        }
        self.asked += 1;
        match self.sessions.next() {
            Some((predicted, keys)) if predicted == *challenge => Ok(keys),
            _ => Err(failed("a card challenge is not the predicted one".to_owned())),
        }
    }

    fn key_set(&mut self) -> Result<[KeyComponent; 3], Failure> {
        self.sets.next().ok_or("the request has none left").doing("load a key set")
    }

    fn fetch(&mut self, challenge: [u8; 8]) -> Result<(), Failure> {
        let (mut sessions, mut sets) = (Vec::new(), Vec::new());
        for step in self.hsm.card(for_chip(self.request, *KDD.as_bytes(), challenge))?.steps {
            match step {
                StepAnswer::Session { card_challenge, keys } => {
                    sessions.push((
                        card_challenge,
                        [&keys.s_enc, &keys.s_mac, &keys.s_rmac].map(|key| key.expose().to_vec()),
                    ));
                }
                StepAnswer::KeySet(set) => {
                    let [enc, mac, dek] = set.map(|key| {
                        KeyComponent::new(key.ciphertext.as_bytes(), KeyLength::Aes128, Kcv::new(key.kcv))
                            .doing("take a wrapped key")
                    });
                    sets.push([enc?, mac?, dek?]);
                }
            }
        }
        (self.sessions, self.sets) = (sessions.into_iter(), sets.into_iter());
        Ok(())
    }
}
