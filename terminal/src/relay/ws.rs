//! Messages over a WebSocket (RFC 6455), subprotocol `cardscript.v1+json`.

use super::address::{Centre, Cover};
use super::fault::LinkFault;
use super::stop::Stop;
use super::timed::Timed;
use super::trust::Trust;
use fuda_card::cardscript::SUBPROTOCOL;
use fuda_card::cardscript::limits::MESSAGE_BYTES_MAX;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::time::Instant;
use tungstenite::client::{ClientRequestBuilder, client_with_config};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

/// One connection.
#[derive(Debug)]
pub(super) struct Ws(WebSocket<Stream>);

/// What it runs on.
#[derive(Debug)]
enum Stream {
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
    Plain(Timed),
}

impl Ws {
    /// Connects, and has the connection upgraded.
    pub(super) fn connect(centre: &Centre, trust: &Trust, until: Instant, stop: &Stop) -> Result<Self, LinkFault> {
        let foreign = |error: &dyn std::fmt::Display| LinkFault::Foreign(error.to_string());
        let uri = centre.websocket().parse().map_err(|error| foreign(&error))?;
        let name = ServerName::try_from(centre.host().to_owned()).map_err(|error| foreign(&error))?;
        let timed = Timed::connect(centre.host(), centre.port(), until, stop)
            .map_err(|error| LinkFault::Unreachable(error.to_string()))?;
        let stream = match centre.cover() {
            Cover::Nothing => Stream::Plain(timed),
            Cover::Tls => {
                let tls = ClientConnection::new(trust.for_websocket(), name).map_err(|error| foreign(&error))?;
                Stream::Tls(Box::new(StreamOwned::new(tls, timed)))
            }
        };
        let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        match client_with_config(request, stream, Some(limits)) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(error)) => Err(upgrade(&error)),
            Err(HandshakeError::Interrupted(_)) => Err(LinkFault::Lost("no answer in time".to_owned())),
        }
    }

    /// Sends a message and waits for its answer.
    pub(super) fn exchange(&mut self, text: &str, until: Instant) -> Result<Vec<u8>, LinkFault> {
        self.0.get_mut().timed().set_until(until);
        self.0.send(Message::text(text)).map_err(|error| fault(&error))?;
        while Instant::now() < until {
            match self.0.read().map_err(|error| fault(&error))? {
                Message::Text(text) => return Ok(text.as_bytes().to_vec()),
                Message::Binary(_) => return Err(LinkFault::Breach("bytes where text is spoken".to_owned())),
                Message::Close(_) => return Err(LinkFault::Lost("the centre closed the connection".to_owned())),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        Err(LinkFault::Lost("no answer in time".to_owned()))
    }
}

impl Stream {
    fn timed(&mut self) -> &mut Timed {
        match self {
            Self::Tls(tls) => &mut tls.sock,
            Self::Plain(timed) => timed,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tls(tls) => tls.read(buffer),
            Self::Plain(timed) => timed.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tls(tls) => tls.write(buffer),
            Self::Plain(timed) => timed.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tls(tls) => tls.flush(),
            Self::Plain(timed) => timed.flush(),
        }
    }
}

/// A refused upgrade: the address is wrong, or something on the way knows no WebSocket.
fn upgrade(error: &Error) -> LinkFault {
    match error {
        Error::Http(response) => LinkFault::Foreign(format!("no WebSocket: HTTP {}", response.status().as_u16())),
        Error::Protocol(error) => LinkFault::Foreign(format!("no WebSocket: {error}")),
        error => fault(error),
    }
}

fn fault(error: &Error) -> LinkFault {
    match error {
        Error::Io(error) => LinkFault::of_io(error),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            LinkFault::Lost("the centre closed the connection".to_owned())
        }
        error => LinkFault::Breach(error.to_string()),
    }
}
