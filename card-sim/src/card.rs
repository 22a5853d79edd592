//! A card: power, one command in, one answer out.

use crate::atr::atr;
use crate::authenticate::TryDelay;
use crate::crypto::AesKey;
use crate::derivation::Mode;
use crate::error::Error;
use crate::fault::{Faults, Kind};
use crate::kdf3;
use crate::keys::{KeySet, StaticKeys};
use crate::make::Make;
use crate::memory::Memory;
use crate::report::{Report, Secrets};
use crate::state::{CPLC_BYTES, Protocol, State};
use crate::tree::Tree;
use crate::volatile::Volatile;
use fuda_card::apdu::Response;
use fuda_card::id::{Kdd, Kvn};
use fuda_card::status::StatusWord;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What a command handler gives: a response, or the status word that refuses the command.
pub(crate) type Outcome = Result<Response, StatusWord>;

/// A chip as its maker delivers it.
#[derive(Debug)]
pub struct Blank {
    /// Identity.
    pub kdd: Kdd,
    /// Number of the set that it comes with: FF, the initial one, unless its maker has put another in its place.
    pub kvn: Kvn,
    /// The keys of that set.
    pub initial: StaticKeys,
    /// Transmission protocol of the ATR.
    pub protocol: Protocol,
    /// Length of challenges and MACs.
    pub mode: Mode,
    /// What the maker put on it.
    pub make: Make,
}

impl Blank {
    /// A chip with initial keys by `kdf3`, T=1 and S8; `None` cannot happen for a master key of a legal size.
    #[must_use]
    pub fn derived(kdd: Kdd, initial_kdk: &AesKey) -> Option<Self> {
        kdf3::derive_set(initial_kdk, &kdd).map(|initial| Self::with_keys(kdd, initial))
    }

    /// The same with these initial keys.
    #[must_use]
    pub const fn with_keys(kdd: Kdd, initial: StaticKeys) -> Self {
        Self { kdd, kvn: Kvn::INITIAL, initial, protocol: Protocol::T1, mode: Mode::S8, make: Make::Files }
    }

    pub(crate) fn into_state(self) -> State {
        let mut cplc = [0; CPLC_BYTES];
        // CPLC: fabricator, type and OS of the IC, then dates; the serial number of the IC stands at offset 12.
        for (byte, value) in cplc.iter_mut().skip(12).zip(self.kdd.as_bytes()) {
            *byte = *value;
        }
        State {
            kdd: self.kdd,
            cplc,
            protocol: self.protocol,
            mode: self.mode,
            make: self.make,
            failures: 0,
            root_keys: vec![KeySet::new(self.kvn, self.initial)],
            objects: BTreeMap::new(),
            tree: Tree::default(),
        }
    }
}

/// What came of sending a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// The response APDU, and how long the card took for it beyond its normal time.
    Answer {
        /// Response data, SW1, SW2.
        bytes: Vec<u8>,
        /// Time to wait before it is given to the reader.
        delay: Duration,
    },
    /// The card is out of the reader: it has no power and no answer comes, whether the command was done or not.
    PulledOut,
    /// No answer will ever come; the card is still there.
    Hung,
}

/// Whether the chip runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    Off,
    On,
    /// On, but the chip does nothing until the next reset.
    Hung,
}

/// A simulated card.
#[derive(Debug)]
pub struct Card {
    pub(crate) memory: Memory,
    pub(crate) ram: Volatile,
    pub(crate) try_delay: TryDelay,
    pub(crate) delay: Duration,
    power: Power,
    faults: Faults,
    tear: Option<usize>,
}

impl Card {
    /// A blank chip in memory, without power.
    #[must_use]
    pub fn new(blank: Blank) -> Self {
        Self::with_memory(Memory::volatile(blank.into_state()))
    }

    /// A blank chip in a new file.
    ///
    /// # Errors
    /// [`Error::CardFile`] when the file exists or cannot be written.
    pub fn create(path: &Path, blank: Blank) -> Result<Self, Error> {
        Memory::create(path, blank.into_state()).map(Self::with_memory)
    }

    /// The card in a file; it is this process's until it is dropped.
    ///
    /// # Errors
    /// [`Error::CardFile`], [`Error::CardBusy`] when another process has it, [`Error::CardDamaged`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Memory::open(path).map(Self::with_memory)
    }

    /// A copy in memory of the card in a file: what happens to it changes no file.
    ///
    /// # Errors
    /// [`Error::CardFile`], [`Error::CardDamaged`].
    pub fn copy_of(path: &Path) -> Result<Self, Error> {
        Memory::peek(path).map(Memory::volatile).map(Self::with_memory)
    }

    fn with_memory(memory: Memory) -> Self {
        Self {
            memory,
            ram: Volatile::default(),
            try_delay: TryDelay::NONE,
            delay: Duration::ZERO,
            power: Power::Off,
            faults: Faults::default(),
            tear: None,
        }
    }

    /// The same card with faults ahead of it.
    #[must_use]
    pub fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// The same card with a delay after wrong authentications; a new one has none.
    #[must_use]
    pub const fn with_try_delay(mut self, try_delay: TryDelay) -> Self {
        self.try_delay = try_delay;
        self
    }

    /// The chip's identity.
    #[must_use]
    pub fn kdd(&self) -> Kdd {
        self.memory.kdd
    }

    /// The answer to reset, as a reader keeps it while the card is in.
    #[must_use]
    pub fn atr(&self) -> Vec<u8> {
        atr(self.memory.protocol, &self.memory.make)
    }

    /// Gives the card power; it answers its ATR.
    pub fn power_on(&mut self) -> Vec<u8> {
        self.power = Power::On;
        self.ram = Volatile::default();
        self.atr()
    }

    /// Warm reset: the volatile state is gone; the card answers its ATR. Without power nothing happens.
    pub fn reset(&mut self) -> Vec<u8> {
        if self.power == Power::Off {
            return Vec::new();
        }
        self.power = Power::On;
        self.ram = Volatile::default();
        self.atr()
    }

    /// Takes the power away.
    pub fn power_off(&mut self) {
        self.power = Power::Off;
        self.ram = Volatile::default();
    }

    /// Sends a command; an empty answer means that the card is out or hung, see [`Card::exchange`].
    pub fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        match self.exchange(command) {
            Exchange::Answer { bytes, .. } => bytes,
            Exchange::PulledOut | Exchange::Hung => Vec::new(),
        }
    }

    /// Sends a command.
    pub fn exchange(&mut self, command: &[u8]) -> Exchange {
        match self.power {
            Power::On => {}
            Power::Off => return Exchange::PulledOut,
            Power::Hung => return Exchange::Hung,
        }
        let fault = self.faults.meet(command.get(1).copied().unwrap_or_default());
        self.delay = Duration::ZERO;
        self.tear = None;
        match fault {
            Some(Kind::Hung) => {
                self.power = Power::Hung;
                return Exchange::Hung;
            }
            Some(Kind::Pulled | Kind::Tear(0)) => {
                self.power_off();
                return Exchange::PulledOut;
            }
            Some(Kind::Refused(sw)) => return self.answer(sw.to_bytes().to_vec()),
            Some(Kind::Tear(bytes)) => self.tear = Some(bytes),
            Some(Kind::Slow(time)) => self.delay = time,
            Some(Kind::Lost | Kind::WrongMac) | None => {}
        }
        let mut response = self.process(command);
        if self.memory.has_failed() {
            response = Response::status(StatusWord::MEMORY_FAILURE);
        }
        match (fault, response.data.last_mut()) {
            (Some(Kind::Lost | Kind::Tear(_)), _) => {
                self.power_off();
                return Exchange::PulledOut;
            }
            (Some(Kind::WrongMac), Some(last)) => *last ^= 0x01,
            _ => {}
        }
        self.answer(response.encode())
    }

    const fn answer(&self, bytes: Vec<u8>) -> Exchange {
        Exchange::Answer { bytes, delay: self.delay }
    }

    /// After how many bytes the power fails in this command.
    pub(crate) const fn torn_at(&self) -> Option<usize> {
        self.tear
    }

    /// From here on the command writes as a whole: the power fails behind it.
    pub(crate) const fn forget_tear(&mut self) {
        self.tear = None;
    }

    /// What the card in a file holds, even while another process has it in a reader.
    ///
    /// # Errors
    /// [`Error::CardFile`], [`Error::CardDamaged`].
    pub fn report_of(path: &Path, secrets: Secrets) -> Result<Report, Error> {
        Memory::peek(path).map(|state| Report::new(&state, secrets))
    }

    /// What the card holds, for a person or a checker.
    #[must_use]
    pub fn report(&self, secrets: Secrets) -> Report {
        Report::new(&self.memory, secrets)
    }
}
