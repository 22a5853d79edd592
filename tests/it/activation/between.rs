//! Somebody between terminal and centre who sees every message and does with it what they like. The way is a plain one, as `--dev` allows it, so
//! that nothing but the protocol itself is in their way.

use super::Centre;
use super::relay::Relay;
use fuda_tests::market::Node;
use fuda_tests::program::binary;
use fuda_tests::{Ended, Running};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    ToCentre,
    ToTerminal,
}

/// The address that a terminal takes for the centre's.
#[derive(Debug)]
pub(super) struct Between {
    pub(super) url: String,
}

impl Between {
    /// Stands in front of a node. Each message waits for half of `round_trip`.
    pub(super) fn new(
        node: &Node,
        round_trip: Duration,
        hands: impl FnMut(Way, Value) -> Option<Value> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (address, hands) = (node.address.clone(), Arc::new(Mutex::new(hands)));
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (address, hands) = (address.clone(), Arc::clone(&hands));
                thread::spawn(move || {
                    carry(&stream, &address, round_trip / 2, |way, message| hands.lock().unwrap()(way, message))
                });
            }
        });
        Self { url }
    }
}

/// Carries the requests of one connection until a message does not arrive.
fn carry(
    stream: &TcpStream,
    address: &str,
    delay: Duration,
    mut hands: impl FnMut(Way, Value) -> Option<Value>,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let message = request(&mut reader)?;
        thread::sleep(delay);
        let answer = Relay::post(address).say(&hands(Way::ToCentre, message)?);
        let body = hands(Way::ToTerminal, answer.body)?.to_string();
        thread::sleep(delay);
        let head = format!(
            "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.status,
            body.len()
        );
        let mut stream = stream;
        stream.write_all((head + &body).as_bytes()).ok()?;
    }
}

fn request(reader: &mut BufReader<&TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

impl Centre {
    /// Puts the card of a sale into the reader of `fuda-terminal`.
    pub(super) fn hand(&self, sale: usize) -> Running {
        let stack = format!("hand-{sale}");
        std::fs::create_dir_all(self.site.path(&stack)).unwrap();
        let file = &self.sales[sale].file;
        let inside = self.site.path(&stack).join(file.file_name().unwrap());
        if file.exists() {
            std::fs::rename(file, inside).unwrap();
        }
        let trace = self.site.path(&format!("trace-{sale}"));
        self.site.feeder_at(&stack, 0, &["--trace", trace.to_str().unwrap()])
    }

    /// A session of `fuda-terminal` with the card of a sale, from card in to card out.
    pub(super) fn relayed(&self, sale: usize, purpose: &str, url: &str, more: &[&str]) -> Ended {
        let hand = self.hand(sale);
        let reader = format!("vpcd:127.0.0.1:{}", self.site.first_port());
        let token = self.token(sale);
        let arguments =
            [purpose, "--dev", "--json", "--no-input", "--centre", url, "--reader", &reader, "--order", &token];
        let ended = self.site.start(&binary("fuda-terminal"), &[&arguments, more].concat()).wait();
        self.take_back(hand, sale);
        ended
    }

    /// Takes a card out of the reader, given out or not.
    pub(super) fn take_back(&self, hand: Running, sale: usize) {
        drop(hand);
        let file = &self.sales[sale].file;
        let inside = self.site.path(&format!("hand-{sale}")).join(file.file_name().unwrap());
        if inside.exists() {
            std::fs::rename(inside, file).unwrap();
        }
    }
}
