//! A card in a PC/SC reader, ours alone until it is given back.
//!
//! A card that hangs blocks the call that waits for it for ever, and with it every call of its PC/SC context. So each card has
//! a thread and a context of its own, and whoever talks to it waits no longer than a deadline.
//!
//! At T=0 the last byte of a command is the length of its data, never Le (ISO/IEC 7816-3:2006 §12.2): the answer then is
//! fetched by GET RESPONSE, which [`fuda_card::transport::transmit`] does.

use crate::error::Error;
use fuda_card::apdu::Command;
use fuda_card::transport::{T0, TransmitError, Transport, transmit};
use pcsc::{Context, Disposition, Protocol, Protocols, Scope, ShareMode};
use std::ffi::CString;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How long a card may take for its reset or one answer. The slowest real command, a key write, takes under a second.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// How long the service may take to let go of a card.
const RELEASE_DEADLINE: Duration = Duration::from_secs(1);

/// What a card is asked for.
enum Request {
    Transmit(Vec<u8>),
    Release(Disposition),
}

/// A card in a reader, connected exclusively.
#[derive(Debug)]
pub struct PcscCard {
    reader: String,
    atr: Vec<u8>,
    protocol: Protocol,
    line: Line,
}

/// The two ends of the card's thread.
#[derive(Debug)]
struct Line {
    reader: String,
    deadline: Duration,
    requests: SyncSender<Request>,
    answers: Receiver<Result<Vec<u8>, Error>>,
    /// The card failed to answer once: its thread may wait for ever.
    hung: bool,
}

impl PcscCard {
    /// Powers the card in a reader and keeps every other program away from it.
    ///
    /// # Errors
    /// [`Error::CardAbsent`], [`Error::CardMute`], [`Error::CardSilent`], [`Error::ReaderBusy`], [`Error::ReaderGone`],
    /// [`Error::Service`].
    pub fn connect(reader: &str) -> Result<Self, Error> {
        Self::connect_within(reader, ANSWER_DEADLINE)
    }

    /// The same with another deadline for every answer.
    ///
    /// # Errors
    /// As [`PcscCard::connect`].
    pub fn connect_within(reader: &str, deadline: Duration) -> Result<Self, Error> {
        let name = CString::new(reader).map_err(|_| Error::NoReader { pattern: reader.to_owned() })?;
        let (connected, connection) = sync_channel(1);
        let (requests, received) = sync_channel(1);
        let (sender, answers) = sync_channel(1);
        let owned = reader.to_owned();
        thread::spawn(move || serve(&owned, &name, &connected, &received, &sender));
        let line = Line { reader: reader.to_owned(), deadline, requests, answers, hung: false };
        let (atr, protocol) = connection.recv_timeout(deadline).map_err(|_| line.silent())??;
        Ok(Self { reader: reader.to_owned(), atr, protocol, line })
    }

    /// Name of its reader.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// The transmission protocol in use: 0 for T=0, 1 for T=1.
    #[must_use]
    pub const fn protocol(&self) -> u8 {
        match self.protocol {
            Protocol::T0 => 0,
            Protocol::T1 | Protocol::RAW => 1,
        }
    }

    /// Waits so long for each answer from now on, instead of [`ANSWER_DEADLINE`].
    pub const fn answer_within(&mut self, limit: Duration) {
        self.line.deadline = limit;
    }

    /// Takes the power away, so that the card can be taken out.
    ///
    /// # Errors
    /// [`Error::CardSilent`] when the card still holds the reader; what else the service reports.
    pub fn eject(mut self) -> Result<(), Error> {
        self.line.release(Disposition::UnpowerCard)
    }
}

impl Transport for PcscCard {
    type Error = Error;

    /// Sends a command and follows 61xx and 6Cxx to the whole answer.
    ///
    /// # Errors
    /// [`Error::CardGone`] for a card that was pulled out, which many readers report as success without a byte;
    /// [`Error::CardSilent`], [`Error::CardAnswer`] and what the reader reports.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let Ok(command) = Command::decode(command) else { return self.line.exchange(command.to_vec()) };
        let answer = match self.protocol {
            Protocol::T0 => transmit(&mut T0(&mut self.line), &command),
            Protocol::T1 | Protocol::RAW => transmit(&mut self.line, &command),
        };
        answer.map(|response| response.encode()).map_err(|error| match error {
            TransmitError::Transport(error) => error,
            error => Error::CardAnswer { reader: self.reader.clone(), what: error.to_string() },
        })
    }
}

impl Transport for Line {
    type Error = Error;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        self.exchange(command.to_vec())
    }
}

impl Line {
    fn silent(&self) -> Error {
        Error::CardSilent { reader: self.reader.clone(), deadline: self.deadline }
    }

    /// One request, and its answer before the deadline.
    fn ask(&mut self, request: Request, deadline: Duration) -> Result<Vec<u8>, Error> {
        if self.hung {
            return Err(self.silent());
        }
        let answer = self.requests.send(request).ok().and_then(|()| self.answers.recv_timeout(deadline).ok());
        answer.unwrap_or_else(|| {
            self.hung = true;
            Err(self.silent())
        })
    }

    fn exchange(&mut self, command: Vec<u8>) -> Result<Vec<u8>, Error> {
        let answer = self.ask(Request::Transmit(command), self.deadline)?;
        // A status word at least: a card pulled out in the middle of a command answers nothing, successfully.
        if answer.len() < 2 { Err(Error::CardGone { reader: self.reader.clone() }) } else { Ok(answer) }
    }

    fn release(&mut self, disposition: Disposition) -> Result<(), Error> {
        let released = self.ask(Request::Release(disposition), RELEASE_DEADLINE).map(|_| ());
        // The thread has ended, or waits for a card that will not answer: nobody asks it again.
        self.hung = true;
        released
    }
}

impl Drop for Line {
    /// Waits until the service has the card back, so that the next program or thread finds it free.
    fn drop(&mut self) {
        if !self.hung {
            let _ = self.release(Disposition::ResetCard);
        }
    }
}

type Connected = SyncSender<Result<(Vec<u8>, Protocol), Error>>;

/// The card's thread: connects, then answers requests until the card is released.
fn serve(
    reader: &str,
    name: &CString,
    connected: &Connected,
    requests: &Receiver<Request>,
    answers: &SyncSender<Result<Vec<u8>, Error>>,
) {
    let mut buffer = vec![0; pcsc::MAX_BUFFER_SIZE_EXTENDED];
    let card = match connect(name) {
        Ok((card, atr, protocol)) => {
            // Nobody listens any more when the deadline has passed: then the card is let go.
            if connected.send(Ok((atr, protocol))).is_err() {
                return;
            }
            card
        }
        Err(error) => {
            let _ = connected.send(Err(Error::of(reader, error)));
            return;
        }
    };
    while let Ok(request) = requests.recv() {
        let answer = match request {
            Request::Transmit(command) => card.transmit(&command, &mut buffer).map(<[u8]>::to_vec),
            Request::Release(disposition) => {
                let released = card.disconnect(disposition).map(|()| Vec::new());
                let _ = answers.send(released.map_err(|(_, error)| Error::of(reader, error)));
                return;
            }
        };
        if answers.send(answer.map_err(|error| Error::of(reader, error))).is_err() {
            return;
        }
    }
}

fn connect(name: &CString) -> Result<(pcsc::Card, Vec<u8>, Protocol), pcsc::Error> {
    let context = Context::establish(Scope::System)?;
    let card = context.connect(name, ShareMode::Exclusive, Protocols::ANY)?;
    let status = card.status2_owned()?;
    let protocol = status.protocol2().ok_or(pcsc::Error::ProtoMismatch)?;
    let atr = status.atr().to_vec();
    Ok((card, atr, protocol))
}
