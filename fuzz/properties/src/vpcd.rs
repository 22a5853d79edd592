//! The card's end of a reader's connection: any bytes are messages, and each that asks is answered once.

use crate::bytes::Bytes;
use crate::cards;
use fuda_card_sim::feeder::{End, Handling, present};
use fuda_card_sim::vpcd::{GET_ATR, POWER_OFF, POWER_ON, receive, send};
use std::io::{self, Read, Write};

/// The bytes of a reader in pieces of some size, and what the card sends back.
struct Line<'a> {
    incoming: Bytes<'a>,
    piece: usize,
    outgoing: Vec<u8>,
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.incoming.take(self.piece.min(buffer.len()));
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers are whole messages, as many as ATRs and commands asked for; only a power off ejects.
///
/// The first byte is the size of the pieces in which the bytes arrive.
pub fn check(input: &[u8]) {
    let mut input = Bytes(input);
    let piece = usize::from(input.byte()).max(1);
    let incoming = input.rest();
    let (asked, expected) = asked(incoming);

    let mut card = cards::blank(0);
    card.power_off();
    let mut line = Line { incoming: Bytes(incoming), piece, outgoing: Vec::new() };
    let end = present(&mut card, &mut line, 1, &Handling::default());
    assert_eq!(end, expected);

    let mut answers = line.outgoing.as_slice();
    let mut rebuilt = Vec::new();
    for is_atr in &asked {
        let answer = receive(&mut answers).unwrap().expect("an answer to each that asks");
        assert!(answer.len() >= 2);
        assert_eq!(*is_atr, answer == card.atr(), "an ATR where one was asked for, and nowhere else");
        send(&mut rebuilt, &answer).unwrap();
    }
    assert_eq!(receive(&mut answers).unwrap(), None, "and none to what does not");
    assert_eq!(rebuilt, line.outgoing);
}

/// What asks for an answer, in its order (`true`: for the ATR), and how the connection ends; by the protocol's text.
fn asked(mut stream: &[u8]) -> (Vec<bool>, End) {
    let (mut asked, mut end, mut has_power) = (Vec::new(), End::Interrupted, false);
    while let [high, low, rest @ ..] = stream {
        let Some((message, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low]))) else {
            break;
        };
        stream = rest;
        match message {
            [POWER_OFF] => (end, has_power) = (End::Ejected, false),
            [POWER_ON] => (end, has_power) = (End::Interrupted, true),
            [GET_ATR] => asked.push(true),
            [] | [_] => {}
            _ if has_power => asked.push(false),
            // A card without power is not there for a command: the connection ends.
            _ => return (asked, End::Interrupted),
        }
    }
    (asked, end)
}
