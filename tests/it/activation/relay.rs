//! What carries a terminal's messages: HTTP by hand, or a WebSocket of another library than the centre's.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::WebSocket;
use tungstenite::{Message, client};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to a node.
pub(crate) enum Relay {
    /// One connection a message.
    Post(String),
    /// One connection for all.
    Ws(Box<WebSocket<TcpStream>>),
}

/// An answer, and its HTTP status where there is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Relay {
    pub(crate) fn post(address: &str) -> Self {
        Self::Post(address.to_owned())
    }

    pub(crate) fn websocket(address: &str) -> Self {
        let stream = connect(address).unwrap();
        let mut request = format!("ws://{address}/v1/cardscript").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "cardscript.v1+json".parse().unwrap());
        let (socket, response) = client(request, stream).unwrap();
        assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "cardscript.v1+json");
        Self::Ws(Box::new(socket))
    }

    /// Sends a message and waits for its answer.
    pub(crate) fn say(&mut self, message: &Value) -> Answer {
        match self {
            Self::Post(address) => http(address, "POST", "/v1/cardscript", &message.to_string()),
            Self::Ws(socket) => {
                socket.send(Message::text(message.to_string())).unwrap();
                loop {
                    if let Message::Text(text) = socket.read().unwrap() {
                        return Answer { status: 0, body: serde_json::from_str(&text).unwrap() };
                    }
                }
            }
        }
    }
}

fn connect(address: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// One request on a connection of its own.
pub(crate) fn http(address: &str, method: &str, path: &str, body: &str) -> Answer {
    let (status, text) = http_text(address, method, path, body);
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// The same with the body as text.
pub(crate) fn http_text(address: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    request(address, method, path, body).unwrap()
}

/// The same by POST to a node that may go away meanwhile.
pub(crate) fn post(address: &str, path: &str, body: &Value) -> std::io::Result<Answer> {
    let (status, text) = request(address, "POST", path, &body.to_string())?;
    Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}

fn request(address: &str, method: &str, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = connect(address)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, body.to_owned()))
}
