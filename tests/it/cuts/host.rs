//! The host of one contact: looks, reads the progress records under the application's keys, walks what remains of the job.

use super::plan::{Cut, Mode};
use fuda_card::Error;
use fuda_card::apdu::{Command, Response};
use fuda_card::command::{
    EfTarget, Exchange, GetKeyInformation, KeyComponent, ReadRecord, RecordNumber, Select, SelectAnswer,
};
use fuda_card::crypto::{AesKey, Kcv};
use fuda_card::id::{Kdd, Kvn};
use fuda_card::personalisation::update::{Found, UpdateError, UpdateJob};
use fuda_card::personalisation::{ChannelId, Plan};
use fuda_card::profile::{Application, DF_WEF_PS};
use fuda_card::scp03::{Challenge, InitializeUpdate, SecurityLevel, SessionKeys, StaticKeys};
use fuda_card::script::{Input, Output, Script, ScriptError, Standing};
use fuda_card::transport::{self, T0, TransmitError, Transport};
use fuda_card_sim::fault::{Faults, Kind, Step};
use fuda_card_sim::report::Secrets;
use fuda_card_sim::state::Protocol;
use fuda_card_sim::{Card, Exchange as Answer};
use std::sync::Arc;

pub(crate) const KDD: Kdd = Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
pub(crate) const HOST_CHALLENGE: Challenge = Challenge::S8([0x5A; 8]);

/// Why a contact ended before the job did.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The card is out.
    Cut,
    /// The card or the job refused: never because of a cut.
    Refused(String),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<UpdateError> for Ended {
    fn from(error: UpdateError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<ScriptError> for Ended {
    fn from(error: ScriptError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// A card in the reader.
pub(crate) struct Contact {
    card: Option<Card>,
    cut: Option<Cut>,
    protocol: Protocol,
    /// Commands that went over the wire.
    pub(crate) commands: usize,
}

impl Contact {
    /// Puts the card in; `cut` is where it goes out again.
    pub(crate) fn begin(mut card: Card, cut: Option<Cut>) -> Self {
        card.power_on();
        let protocol = if card.report(Secrets::Hidden).protocol == "t0" { Protocol::T0 } else { Protocol::T1 };
        Self { card: Some(card), cut, protocol, commands: 0 }
    }

    /// Takes it out.
    pub(crate) fn end(self) -> Card {
        let mut card = self.card.unwrap();
        card.power_off();
        card
    }

    pub(crate) fn transmit(&mut self, command: &Command) -> Result<Response, Ended> {
        let answered = match self.protocol {
            Protocol::T1 => transport::transmit(self, command),
            Protocol::T0 => transport::transmit(&mut T0(&mut *self), command),
        };
        answered.map_err(|error| match error {
            TransmitError::Transport(ended) => ended,
            other => Ended::Refused(other.to_string()),
        })
    }

    fn torn(&mut self, command: &[u8], bytes: usize) -> Answer {
        let faults = Faults::new([(Step::Command(1), Kind::Tear(bytes))]);
        let card = self.card.take().unwrap().with_faults(faults);
        self.card.insert(card).exchange(command)
    }

    fn ask<E: Exchange>(&mut self, exchange: &E) -> Result<E::Answer, Ended> {
        Ok(exchange.answer(&self.transmit(&exchange.command())?)?)
    }

    /// One contact with a job, from first look to its last step.
    pub(crate) fn update(&mut self, application: &Application, job: &UpdateJob) -> Result<(), Ended> {
        let df = self.ask(&Select::df_name(&application.df_name))?.unwrap();
        let mut key_sets: Vec<Kvn> = self.ask(&GetKeyInformation)?.into_iter().map(|entry| entry.kvn).collect();
        key_sets.dedup();
        let records = self.records(job.channel(&key_sets)?)?;
        let found = Found { life_cycle: df.life_cycle.unwrap(), key_sets, records };
        self.walk(job.plan(&found)?)
    }

    fn records(&mut self, channel: &ChannelId) -> Result<[Vec<u8>; 2], Ended> {
        let update = InitializeUpdate { kvn: channel.kvn, host_challenge: HOST_CHALLENGE };
        let answer = self.transmit(&update.command())?;
        let initiated = update.answered(&answer)?;
        let keys = key_set(channel).session_keys(&initiated.context());
        let (proved, authenticate) = initiated.prove(keys, SecurityLevel::CMacCEncRMacREnc)?;
        let mut secured = proved.authenticated(&self.transmit(&authenticate)?)?;
        let mut read = Vec::new();
        for number in 0..=2 {
            let select = Select::ef(DF_WEF_PS).answering(SelectAnswer::Nothing).command();
            let record = |number| ReadRecord::new(EfTarget::Current, RecordNumber::new(number).unwrap());
            let command = if number == 0 { select } else { record(number).command() };
            let (sent, wrapped) = secured.wrap(&command)?;
            let (next, plain) = sent.response(&self.transmit(&wrapped)?)?;
            secured = next;
            if number > 0 {
                read.push(record(number).answer(&plain)?);
            }
        }
        Ok(read.try_into().unwrap())
    }

    pub(crate) fn walk(&mut self, plan: Plan) -> Result<(), Ended> {
        let mut script = Script::new(Arc::new(plan), 0, Standing::Begun);
        let mut input = Input::Continue;
        loop {
            input = match script.next(input)? {
                Output::Command(command) => Input::Response(self.transmit(&command)?),
                Output::HostChallenge(_) => Input::HostChallenge(HOST_CHALLENGE),
                Output::SessionKeys { channel, host_challenge, answer } => {
                    Input::SessionKeys(session_keys(&channel, host_challenge, &answer.card_challenge))
                }
                Output::Proved { .. } | Output::StageDone(_) => Input::Continue,
                Output::KeySet { set, under } => Input::KeySet(components(&set, &under)),
                Output::Done => return Ok(()),
            };
        }
    }
}

/// What goes over the wire, where the power may go.
impl Transport for Contact {
    type Error = Ended;

    fn transmit(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Ended> {
        let cut = self.cut.filter(|cut| cut.command == self.commands).map(|cut| cut.mode);
        self.commands += 1;
        if cut == Some(Mode::Before) {
            return Err(Ended::Cut);
        }
        let answer = match cut {
            Some(Mode::Torn(part)) => {
                let data = Command::decode(bytes).map_or(0, |command| command.data.len());
                self.torn(bytes, part_of(part, data))
            }
            _ => self.card.as_mut().unwrap().exchange(bytes),
        };
        match answer {
            Answer::Answer { bytes, .. } if cut.is_none() => Ok(bytes),
            _ => Err(Ended::Cut),
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a part")]
fn part_of(part: f64, bytes: usize) -> usize {
    (part * bytes as f64) as usize
}

/// The key-derivation key of a key name and a generation: every set of these tests has one of its own.
pub(crate) fn key_set(set: &ChannelId) -> StaticKeys {
    let initial = *b"@ABCDEFGHIJKLMNO";
    let mut key = [set.kvn.to_u8(); 16];
    for (byte, letter) in key.iter_mut().zip(set.key.bytes()) {
        *byte ^= letter;
    }
    let key = if set.kvn == Kvn::INITIAL { initial } else { key };
    StaticKeys::kdf3(&AesKey::new(&key).unwrap(), &KDD)
}

pub(crate) fn session_keys(channel: &ChannelId, host: Challenge, card: &Challenge) -> SessionKeys {
    key_set(channel).session_keys(&[host.as_bytes(), card.as_bytes()].concat())
}

pub(crate) fn components(set: &ChannelId, under: &ChannelId) -> [KeyComponent; 3] {
    let (set, under) = (key_set(set), key_set(under));
    [set.enc(), set.mac(), set.dek()]
        .map(|key| KeyComponent::new(&under.dek().wrap_key(key), key.length(), Kcv::of(key)).unwrap())
}
