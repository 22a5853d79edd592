//! A terminal of the bench: one activation over a connection of its own, TLS 1.3 from its beginning, by WebSocket or POST.
//!
//! It runs scripts with the runner of the real terminal, on a card in memory; what it waits for the centre is taken apart from the card.

use super::node::Way;
use super::shop::Sale;
use crate::doing::{Doing, failed};
use fuda_card::cardscript::{
    CentreMessage, Open, Outcome, Program, Purpose, Runner, SUBPROTOCOL, SessionId, TerminalMessage, Transport, decode,
    encode,
};
use fuda_card_sim::Card;
use fuda_cli::Failure;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tungstenite::client::ClientRequestBuilder;
use tungstenite::{Message, WebSocket};

/// No answer takes longer on a machine that can be measured.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// An encrypted connection.
type Tls = StreamOwned<ClientConnection, TcpStream>;

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A WebSocket.
    WebSocket,
    /// Two POSTs on one connection.
    Post,
}

/// What a terminal waited for the centre.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waited {
    /// For TCP, TLS and the upgrade.
    pub connection: Duration,
    /// From `open` to the script.
    pub script: Duration,
    /// From `result` to the receipt.
    pub receipt: Duration,
}

impl Waited {
    /// Everything that was the centre's.
    #[must_use]
    pub fn sum(self) -> Duration {
        self.connection + self.script + self.receipt
    }
}

/// An open way to the centre.
#[derive(Debug)]
pub enum Line {
    /// A WebSocket.
    WebSocket(Box<WebSocket<Tls>>),
    /// A connection for POSTs.
    Post(Box<Tls>),
}

/// Activates a card.
///
/// # Errors
/// When the card is not written at the first try.
pub fn activate(way: &Way, carrier: Carrier, sale: Sale) -> Result<Waited, Failure> {
    let Sale { token, mut card, .. } = sale;
    let mut waited = Waited::default();
    let open = opening(carrier, token)?;
    let mut since = Instant::now();
    let mut line = Line::connect(way, carrier)?;
    waited.connection = since.elapsed();

    since = Instant::now();
    let script = line.ask(&open)?;
    waited.script = since.elapsed();
    let result = play(&script, &mut card)?;
    since = Instant::now();
    let answer = line.ask(&result)?;
    waited.receipt = since.elapsed();
    is_written(&answer)?;
    Ok(waited)
}

/// Runs the script that an answer has to be; the result as it is to be sent.
///
/// # Errors
/// When it is no script.
pub fn play(answer: &str, card: &mut Card) -> Result<String, Failure> {
    play_with(answer, card, |_| Ok(()))
}

/// The same with something that is done before each command, by its number.
///
/// # Errors
/// As [`play`], and what `before` says.
pub fn play_with(
    answer: &str,
    card: &mut Card,
    mut before: impl FnMut(usize) -> Result<(), Failure>,
) -> Result<String, Failure> {
    let CentreMessage::Script(script) = decode(answer.as_bytes()).doing("read an answer")? else {
        return Err(failed(format!("the centre did not answer with a script: {answer}")));
    };
    card.power_on();
    let (seq, mut runner, mut number) = (script.seq + 1, Runner::new(script), 0);
    while let Some(due) = runner.next_command() {
        before(number)?;
        number += 1;
        let answer = card.transmit(due.command);
        runner.on_response(&answer, 1);
    }
    encode(&TerminalMessage::Result(runner.result(seq))).doing("write a message")
}

/// Whether an answer is the receipt of a card that was written.
///
/// # Errors
/// When it is not.
pub fn is_written(answer: &str) -> Result<(), Failure> {
    match decode(answer.as_bytes()).doing("read an answer")? {
        CentreMessage::Done(done) if done.outcome == Outcome::Written => Ok(()),
        _ => Err(failed(format!("the card was not written: {answer}"))),
    }
}

/// The message that opens a session.
///
/// # Errors
/// When there is no randomness.
pub fn opening(carrier: Carrier, order: String) -> Result<String, Failure> {
    let mut chance = [0; 10];
    getrandom::fill(&mut chance).doing("get random numbers")?;
    // As the real terminal names its sessions.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).doing("read the clock")?.as_millis();
    let transport = match carrier {
        Carrier::WebSocket => Transport::Ws,
        Carrier::Post => Transport::Post,
    };
    let open = Open {
        sid: SessionId::at(u64::try_from(now).unwrap_or_default(), chance),
        seq: 0,
        purpose: Purpose::Activate,
        order,
        terminal: Program { name: "fuda-benches".to_owned(), transport },
        locale: "en".to_owned(),
        card: None,
    };
    encode(&TerminalMessage::Open(open)).doing("write a message")
}

/// A session that stays: a WebSocket on which one message was answered, so that every buffer of it was used.
///
/// # Errors
/// When there is no answer.
pub fn idle(way: &Way) -> Result<Line, Failure> {
    let mut line = Line::connect(way, Carrier::WebSocket)?;
    let answer = line.ask(&opening(Carrier::WebSocket, "0".repeat(32))?)?;
    match decode(answer.as_bytes()).doing("read an answer")? {
        CentreMessage::Error(_) => Ok(line),
        _ => Err(failed(format!("an order that nobody made was answered {answer}"))),
    }
}

/// A page of a centre, over a connection of its own.
///
/// # Errors
/// When there is no answer.
pub fn get(way: &Way, path: &str) -> Result<String, Failure> {
    let mut pages = Pages::connect(way)?;
    pages.get(path)
}

/// A connection over which pages are fetched, one after the other.
#[derive(Debug)]
pub struct Pages(Box<Tls>);

impl Pages {
    /// Connects.
    ///
    /// # Errors
    /// When the centre is not there.
    pub fn connect(way: &Way) -> Result<Self, Failure> {
        connect(way).map(Box::new).map(Self)
    }

    /// Fetches one.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&mut self, path: &str) -> Result<String, Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: centre\r\n\r\n");
        self.0.write_all(request.as_bytes()).doing("ask for a page")?;
        body(&mut self.0)
    }
}

fn connect(way: &Way) -> Result<Tls, Failure> {
    let stream = TcpStream::connect_timeout(&way.address, ANSWER_MAX).doing("connect")?;
    stream.set_nodelay(true).doing("set a socket up")?;
    stream.set_read_timeout(Some(ANSWER_MAX)).doing("set a socket up")?;
    let name = ServerName::from(way.address.ip());
    let session = ClientConnection::new(Arc::clone(&way.trust), name).doing("begin TLS")?;
    Ok(StreamOwned::new(session, stream))
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// When the centre does not answer.
    pub fn connect(way: &Way, carrier: Carrier) -> Result<Self, Failure> {
        let mut tls = connect(way)?;
        match carrier {
            Carrier::WebSocket => {
                let uri = format!("wss://{}/v1/cardscript", way.address).parse().doing("name the centre")?;
                let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
                let (socket, _) = tungstenite::client(request, tls).doing("open a WebSocket")?;
                Ok(Self::WebSocket(Box::new(socket)))
            }
            Carrier::Post => {
                while tls.conn.is_handshaking() {
                    tls.conn.complete_io(&mut tls.sock).doing("begin TLS")?;
                }
                Ok(Self::Post(Box::new(tls)))
            }
        }
    }

    /// Sends a message and waits for its answer.
    ///
    /// # Errors
    /// When there is none.
    pub fn ask(&mut self, text: &str) -> Result<String, Failure> {
        match self {
            Self::WebSocket(socket) => {
                socket.send(Message::text(text)).doing("send a message")?;
                loop {
                    if let Message::Text(answer) = socket.read().doing("hear an answer")? {
                        return Ok(answer.as_str().to_owned());
                    }
                }
            }
            Self::Post(tls) => {
                let head = format!(
                    "POST /v1/cardscript HTTP/1.1\r\nhost: centre\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                    text.len()
                );
                tls.write_all([head.as_bytes(), text.as_bytes()].concat().as_slice()).doing("post a message")?;
                body(tls)
            }
        }
    }
}

/// The body of the next response on a connection.
fn body(tls: &mut Tls) -> Result<String, Failure> {
    const END: &[u8] = b"\r\n\r\n";
    let mut got = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        let read = tls.read(&mut piece).doing("hear an answer")?;
        got.extend_from_slice(piece.get(..read).unwrap_or_default());
        let head = got.windows(END.len()).position(|window| window == END).map(|at| at + END.len());
        if let Some(head) = head {
            let text = String::from_utf8_lossy(got.get(..head).unwrap_or_default()).to_lowercase();
            let length =
                text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
            let length = length.ok_or("no length").doing("read an answer")?;
            if got.len() >= head + length {
                return Ok(String::from_utf8_lossy(got.get(head..).unwrap_or_default()).into_owned());
            }
        }
        if read == 0 {
            return Err(failed("the centre closed the connection".to_owned()));
        }
    }
}
