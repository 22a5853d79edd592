//! APDUs: what is read is written as it was, and what is written is read as it was.

use crate::bytes::Bytes;
use fuda_card::apdu::{ApduError, Command, DATA_EXTENDED_MAX, Length, NE_EXTENDED_MAX, Response};

/// `encode ∘ decode` and `decode ∘ encode` are the identity, for commands and responses; the parts of a chain are the whole.
pub fn check(input: &[u8]) {
    match Command::decode(input) {
        Ok(command) => {
            assert_eq!(command.encode().unwrap(), input, "{command:?}");
            chained(&command, 1 + usize::from(command.p1));
        }
        Err(ApduError::Truncated { offset } | ApduError::LengthMismatch { offset }) => {
            assert!(offset <= input.len(), "offset {offset} of {} bytes", input.len());
        }
        Err(other) => panic!("no decoder says {other}"),
    }
    match Response::decode(input) {
        Ok(response) => assert_eq!(response.encode(), input),
        Err(error) => assert!(input.len() < 2, "{error}"),
    }
    made(&mut Bytes(input));
}

/// Its parts carry the whole data, only the last says that it is the last and asks for an answer.
fn chained(command: &Command, part_max: usize) {
    let parts = command.chain(part_max).unwrap();
    let data: Vec<u8> = parts.iter().flat_map(|part| part.data.clone()).collect();
    assert_eq!(data, command.data);
    let (last, before) = parts.split_last().unwrap();
    assert_eq!((last.cla, last.ne), (command.cla, command.ne));
    assert!(before.iter().all(|part| part.cla & 0x10 != 0 && part.ne.is_none() && part.data.len() == part_max));
}

/// A command made of the same bytes by its fields.
fn made(input: &mut Bytes<'_>) {
    let form = input.byte();
    let mut command = Command::new(input.byte(), input.byte(), input.byte(), input.byte());
    if form & 1 != 0 {
        command = command.with_ne(u32::from(input.word()) + u32::from(form >> 7));
    }
    if form & 2 != 0 {
        command = command.extended();
    }
    // Now and then longer than any input: at and beyond the limits of Lc.
    let data = input.rest().to_vec();
    let repeat = if form & 4 != 0 { 1 + DATA_EXTENDED_MAX / data.len().max(1) } else { 1 };
    let command = command.with_data(data.repeat(repeat));
    let (len, ne) = (command.data.len(), command.ne);
    match command.encode() {
        Ok(bytes) => {
            // Without any length field the two forms are one.
            let is_case_1 = command.data.is_empty() && command.ne.is_none();
            let length = if is_case_1 { Length::Short } else { command.encoded_length() };
            assert_eq!(Command::decode(&bytes).unwrap(), Command { length, ..command });
        }
        Err(ApduError::DataTooLong { .. }) => assert!(len > DATA_EXTENDED_MAX),
        Err(ApduError::NeOutOfRange { .. }) => assert!(!(1..=NE_EXTENDED_MAX).contains(&ne.unwrap())),
        Err(other) => panic!("no encoder says {other}"),
    }
}
