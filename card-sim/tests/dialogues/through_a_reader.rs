//! A bench with a reader between: card file, feeder, TCP, the vpcd protocol; the same dialogues, byte for byte.

use crate::in_memory::{NoAnswer, chip};
use crate::player::{Bench, ChipForm, Unable};
use fuda_card::Transport;
use fuda_card_sim::Card;
use fuda_card_sim::feeder::{Handling, Tally, feed};
use fuda_card_sim::stack::Stack;
use fuda_card_sim::vpcd::{GET_ATR, POWER_OFF, POWER_ON, RESET, receive, send};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Time in which a feeder must come, or a card answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The reader's end of a line to a feeder with one card.
#[derive(Debug)]
pub(crate) struct Reader {
    listener: TcpListener,
    slot: Option<TcpStream>,
    /// Where the card file of the current chip lies.
    folder: tempfile::TempDir,
}

impl Reader {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        Self { listener, slot: None, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn say(&mut self, control: u8) -> Result<(), Unable> {
        let slot = self.slot.as_mut().ok_or(Unable("a card"))?;
        send(slot, &[control]).map_err(|_| Unable("a card that stays"))
    }

    fn eject(&mut self) {
        if self.say(POWER_OFF).is_ok() {
            self.slot = None;
        }
    }

    fn accept(&mut self) -> TcpStream {
        self.listener.set_nonblocking(true).expect("a listener");
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.listener.accept() {
                Ok((slot, _)) => {
                    slot.set_nonblocking(false).expect("a socket");
                    slot.set_nodelay(true).expect("a socket");
                    slot.set_read_timeout(Some(PATIENCE)).expect("a socket");
                    return slot;
                }
                Err(error) => assert!(Instant::now() < deadline, "no card came: {error}"),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Transport for Reader {
    type Error = NoAnswer;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        let slot = self.slot.as_mut().ok_or(NoAnswer)?;
        send(slot, command).map_err(|_| NoAnswer)?;
        receive(slot).ok().flatten().ok_or(NoAnswer)
    }
}

impl Bench for Reader {
    fn blank(&mut self, form: ChipForm) -> Result<(), Unable> {
        self.eject();
        self.folder = tempfile::tempdir().expect("a temporary folder");
        drop(Card::create(&self.folder.path().join("chip.card"), chip(form)).expect("a card file"));
        let stack = Stack::of_folder(self.folder.path()).expect("a stack of one");
        let reader = self.listener.local_addr().expect("an address");
        // The feeder ends when the card is ejected; a test that fails does not wait for it.
        std::thread::spawn(move || feed(reader, &stack, &Handling::default(), &Tally::default()));
        self.slot = Some(self.accept());
        self.power()
    }

    fn reset(&mut self) -> Result<(), Unable> {
        self.say(RESET)
    }

    fn power(&mut self) -> Result<(), Unable> {
        self.say(POWER_OFF)?;
        self.say(POWER_ON)?;
        self.say(GET_ATR)?;
        let atr = self.slot.as_mut().and_then(|slot| receive(slot).ok().flatten());
        assert!(atr.is_some_and(|atr| atr.starts_with(&[0x3B])), "an ATR");
        Ok(())
    }

    fn fault(&mut self, _: &str) -> Result<(), Unable> {
        Err(Unable("faults at a chosen command"))
    }

    fn took(&self) -> Option<Duration> {
        None
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.eject();
    }
}
