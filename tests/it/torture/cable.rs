//! The cable between an encoder of the line and the card in it, in hands that do harm: every message passes here, and at a chosen command
//! of a card something is done to it, or somebody is told, who kills one of the two.

use fuda_card_sim::vpcd::{GET_ATR, POWER_OFF, POWER_ON, receive, send};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Between two looks for a card, and between two attempts to reach a line that is being started.
const LOOK: Duration = Duration::from_millis(2);
/// A card that is to be put in the place of another is put in within this time, or the swap is given up.
const SWAP_WAIT: Duration = Duration::from_secs(5);

/// Where a command is when something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It came from the line and is not at the card.
    Command,
    /// The card did it, and its answer is not at the line.
    Answer,
    /// The answer is at the line.
    Behind,
}

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Whoever listens is told; before the answer is given on, the cable waits for a word.
    Tell,
    /// The card is out.
    Part,
    /// The last data byte of the answer is another.
    Lie,
    /// Nothing comes any more.
    Hang,
    /// The next card that is put in takes the place of this one, and the line is not told.
    Swap,
}

/// What happens to a card, once, at its command of this number, counted from 1 over all its contacts. The power off that gives it out
/// counts as the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trap {
    pub(super) at: usize,
    pub(super) side: Side,
    pub(super) deed: Deed,
}

/// A card has come to its trap. Whoever is told answers when its harm is done; without an answer all goes on.
#[derive(Debug)]
pub(super) struct Reached(pub(super) SyncSender<Next>);

/// What becomes of the message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is given on.
    GoOn,
    /// Both ends are let go.
    Part,
}

/// A card's connection broke, or the line's.
#[derive(Debug)]
struct Parted;

impl From<std::io::Error> for Parted {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// One cable.
#[derive(Debug)]
pub(super) struct Cable {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    cards: TcpListener,
    line_port: u16,
    told: SyncSender<Reached>,
    state: Mutex<State>,
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    trap: Option<Trap>,
    met: Vec<u8>,
    sprung: bool,
}

impl Cable {
    /// Lays a cable to the encoder behind a port.
    pub(super) fn lay(line_port: u16, told: SyncSender<Reached>) -> Self {
        let cards = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        cards.set_nonblocking(true).unwrap();
        let inner = Inner { cards, line_port, told, state: Mutex::default(), over: AtomicBool::new(false) };
        let inner = Arc::new(inner);
        let thread = std::thread::spawn({
            let inner = Arc::clone(&inner);
            move || inner.serve()
        });
        Self { inner, thread: Some(thread) }
    }

    /// Where a card is put in.
    pub(super) fn port(&self) -> u16 {
        self.inner.cards.local_addr().unwrap().port()
    }

    /// Sets a trap for the next card, or none, and begins to count.
    pub(super) fn set(&self, trap: Option<Trap>) {
        *self.inner.state.lock().unwrap() = State { trap, ..State::default() };
    }

    /// The INS of every command since then.
    pub(super) fn met(&self) -> Vec<u8> {
        self.inner.state.lock().unwrap().met.clone()
    }

    /// Whether the trap has caught something.
    pub(super) fn has_sprung(&self) -> bool {
        self.inner.state.lock().unwrap().sprung
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.inner.over.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

impl Inner {
    fn serve(&self) {
        while let Some(card) = self.next_card(None) {
            if let Some(line) = self.line() {
                // How it ends is seen at both ends.
                let _ = self.join(card, &line);
                let _ = line.shutdown(Shutdown::Both);
            }
        }
    }

    fn next_card(&self, wait: Option<Duration>) -> Option<TcpStream> {
        let began = Instant::now();
        while !self.over.load(Ordering::Relaxed) && wait.is_none_or(|wait| began.elapsed() < wait) {
            if let Ok((card, _)) = self.cards.accept() {
                card.set_nonblocking(false).ok()?;
                card.set_nodelay(true).ok()?;
                return Some(card);
            }
            sleep(LOOK);
        }
        None
    }

    /// The encoder, as soon as there is a line.
    fn line(&self) -> Option<TcpStream> {
        while !self.over.load(Ordering::Relaxed) {
            if let Ok(line) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.line_port)) {
                line.set_nodelay(true).ok()?;
                return Some(line);
            }
            sleep(LOOK);
        }
        None
    }

    /// A contact.
    fn join(&self, mut card: TcpStream, line: &TcpStream) -> Result<(), Parted> {
        let mut line = line;
        while let Some(message) = receive(&mut line)? {
            let is_command = message.len() > 1;
            let number = if is_command || message == [POWER_OFF] { self.count(&message) } else { 0 };
            match self.at(number, Side::Command) {
                Some(Deed::Tell) => self.tell()?,
                Some(Deed::Part) => return Err(Parted),
                Some(Deed::Hang) => return hang(line),
                Some(Deed::Swap) => {
                    // Let go first, so that this card comes back when the other is out.
                    let other = self.next_card(Some(SWAP_WAIT)).ok_or(Parted)?;
                    card = other;
                    send(&mut card, &[POWER_ON])?;
                }
                _ => {}
            }
            send(&mut card, &message)?;
            if is_command || message == [GET_ATR] {
                let mut answer = receive(&mut card)?.ok_or(Parted)?;
                match self.at(number, Side::Answer) {
                    Some(Deed::Tell) => self.tell()?,
                    Some(Deed::Part) => return Err(Parted),
                    Some(Deed::Hang) => return hang(line),
                    Some(Deed::Lie) => lie(&mut answer),
                    _ => {}
                }
                send(&mut line, &answer)?;
                if self.at(number, Side::Behind).is_some() {
                    // Whoever is told takes its time, and the dialogue does not wait.
                    let _ = self.told.send(Reached(sync_channel(1).0));
                }
            }
        }
        Ok(())
    }

    fn count(&self, message: &[u8]) -> usize {
        let mut state = self.state.lock().unwrap();
        state.met.push(message.get(1).copied().unwrap_or_default());
        state.met.len()
    }

    /// What happens here; it happens once.
    fn at(&self, number: usize, side: Side) -> Option<Deed> {
        let mut state = self.state.lock().unwrap();
        let trap = state.trap.take_if(|trap| trap.at == number && trap.side == side)?;
        state.sprung = true;
        Some(trap.deed)
    }

    fn tell(&self) -> Result<(), Parted> {
        let (word, answered) = sync_channel(1);
        self.told.send(Reached(word)).map_err(|_| Parted)?;
        if answered.recv() == Ok(Next::Part) { Err(Parted) } else { Ok(()) }
    }
}

/// Waits until the line has had enough.
fn hang(mut line: &TcpStream) -> Result<(), Parted> {
    while receive(&mut line)?.is_some() {}
    Err(Parted)
}

/// Status words have no MAC: there is nothing to be wrong in an answer without data.
fn lie(answer: &mut [u8]) {
    if let Some((data, _)) = answer.split_last_chunk_mut::<2>()
        && let Some(last) = data.last_mut()
    {
        *last ^= 0x01;
    }
}
