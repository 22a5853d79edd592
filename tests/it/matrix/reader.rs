//! A reader with a card in memory, in which one thing goes wrong at one command.

use fuda_card::transport::{Transport, TransportCode};
use fuda_card_sim::fault::{Faults, Kind, Step};
use fuda_card_sim::{Card, Exchange};
use std::fmt;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The card does something of its own repertoire.
    Of(&'static str, Kind),
    /// The line dies before the card has the command, or after it did it: nobody writes anything down.
    Dies(Side),
    /// Another card takes the card's place.
    Swapped(Other),
}

/// Of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// The card that comes instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Other {
    /// As its maker made it.
    Blank,
    /// Begun by this job and cut off.
    Begun,
    /// Good in this job.
    Good,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Of(name, _) => name,
            Self::Dies(Side::Before) => "line dies before",
            Self::Dies(Side::After) => "line dies after",
            Self::Swapped(Other::Blank) => "swapped for a blank chip",
            Self::Swapped(Other::Begun) => "swapped for a begun one",
            Self::Swapped(Other::Good) => "swapped for a good one",
        })
    }
}

/// What a reader says instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    Gone,
    Silent,
    Dead,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TransportCode for Silence {
    fn code(&self) -> &'static str {
        match self {
            Self::Gone => "CARD_GONE",
            Self::Silent => "CARD_SILENT",
            Self::Dead => "LINE_DEAD",
        }
    }
}

/// One contact.
pub(super) struct Reader {
    card: Option<Card>,
    /// The card that comes instead, and then the one that went.
    other: Option<Card>,
    fault: Option<(usize, Fault)>,
    /// INS of every command.
    pub(super) met: Vec<u8>,
    /// Whether the process that used it is to be taken for dead.
    pub(super) died: bool,
}

impl Reader {
    /// Puts a card in; `fault` happens at the command of that number, counted from 1.
    pub(super) fn with(mut card: Card, fault: Option<(usize, Fault)>, other: Option<Card>) -> Self {
        card.power_on();
        Self { card: Some(card), other, fault, met: Vec::new(), died: false }
    }

    /// Takes all cards out: the one that is in, and the other.
    pub(super) fn out(self) -> Vec<Card> {
        let mut cards: Vec<Card> = [self.card, self.other].into_iter().flatten().collect();
        cards.iter_mut().for_each(Card::power_off);
        cards
    }

    fn exchange(&mut self, command: &[u8], faults: Option<Kind>) -> Exchange {
        let mut card = self.card.take().unwrap();
        if let Some(kind) = faults {
            card = card.with_faults(Faults::new([(Step::Command(1), kind)]));
        }
        self.card.insert(card).exchange(command)
    }
}

impl Transport for Reader {
    type Error = Silence;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        self.met.push(command[1]);
        let now = self.met.len();
        let fault = self.fault.filter(|(at, _)| *at == now).map(|(_, fault)| fault);
        let kind = match fault {
            Some(Fault::Of(_, kind)) => Some(kind),
            Some(Fault::Dies(Side::Before)) => {
                self.died = true;
                return Err(Silence::Dead);
            }
            Some(Fault::Swapped(_)) => {
                std::mem::swap(&mut self.card, &mut self.other);
                self.other.as_mut().unwrap().power_off();
                self.card.as_mut().unwrap().power_on();
                None
            }
            Some(Fault::Dies(Side::After)) | None => None,
        };
        let answer = self.exchange(command, kind);
        if fault == Some(Fault::Dies(Side::After)) {
            self.died = true;
            return Err(Silence::Dead);
        }
        match answer {
            Exchange::Answer { bytes, .. } => Ok(bytes),
            Exchange::PulledOut => Err(Silence::Gone),
            Exchange::Hung => Err(Silence::Silent),
        }
    }
}
