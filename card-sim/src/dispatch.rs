//! From bytes to a handler and back: class byte, secure messaging, the table of commands, the transmission protocol.
//!
//! ISO/IEC 7816-4:2020 §5.4.1 (class byte), GlobalPlatform Card Specification 2.3.1 §11.1.4; ISO/IEC 7816-3:2006
//! §12.2 (how T=0 carries APDUs).

use crate::card::{Card, Outcome};
use crate::chaining::Part;
use crate::make::Make;
use crate::other;
use crate::state::Protocol;
use crate::volatile::Session;
use fuda_card::apdu::{CLA_CHAINED, Command, Length, Response};
use fuda_card::status::StatusWord;

/// Who defines a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// ISO/IEC 7816: CLA 0x.
    Iso,
    /// GlobalPlatform: CLA 8x.
    GlobalPlatform,
}

/// Whether a command says that it carries a MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protection {
    Plain,
    SecureMessaging,
}

const SELECT: u8 = 0xA4;
const GET_DATA: u8 = 0xCA;
const GET_RESPONSE: u8 = 0xC0;
const EXTERNAL_AUTHENTICATE: u8 = 0x82;

impl Card {
    /// One command, from its bytes to its response.
    pub(crate) fn process(&mut self, bytes: &[u8]) -> Response {
        let is_t0 = self.memory.protocol == Protocol::T0;
        let command = match Command::decode(bytes) {
            Ok(command) if !(is_t0 && command.length == Length::Extended) => command,
            _ => {
                self.ram.session = Session::None;
                return Response::status(StatusWord::WRONG_LENGTH);
            }
        };
        if is_t0 && command.ins == GET_RESPONSE {
            return self.get_response(command.ne.unwrap_or(256));
        }
        self.ram.pending = None;
        let (wanted, is_case_2) = (command.ne, command.data.is_empty());
        let (response, protection) = match parse_class(command.cla) {
            Ok((class, protection, part)) => (self.protected(class, protection, part, &command), protection),
            Err(sw) => {
                self.ram.session = Session::None;
                self.ram.chain = None;
                (Response::status(sw), Protection::Plain)
            }
        };
        match self.memory.protocol {
            Protocol::T0 => self.carry_t0(response, wanted, is_case_2),
            Protocol::T1 => fit(response, wanted.filter(|_| protection == Protection::Plain)),
        }
    }

    /// Takes the secure messaging off a command and puts it on the response. A plain command ends a channel with MACs;
    /// a selection outside the channel's DF ends it behind its own answer.
    fn protected(&mut self, class: Class, protection: Protection, part: Part, command: &Command) -> Response {
        if class == Class::GlobalPlatform && command.ins == EXTERNAL_AUTHENTICATE && self.memory.make != Make::Other {
            self.ram.chain = None;
            if part == Part::More {
                return settle(self.end_session(StatusWord::CHAINING_NOT_SUPPORTED));
            }
            return settle(match protection {
                Protection::SecureMessaging => self.external_authenticate(command),
                Protection::Plain => self.end_session(StatusWord::CLA_NOT_SUPPORTED),
            });
        }
        let response = match (protection, std::mem::take(&mut self.ram.session)) {
            (Protection::SecureMessaging, Session::Open(mut channel)) if channel.level.has_c_mac() => {
                let Some(plain) = channel.unwrap(command) else {
                    self.ram.chain = None;
                    return Response::status(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
                };
                self.ram.session = Session::Open(channel);
                let response = settle(self.whole(class, protection, part, plain));
                match self.ram.session.channel_mut() {
                    Some(channel) => channel.wrap(response),
                    None => response,
                }
            }
            (Protection::SecureMessaging, _) => {
                self.ram.chain = None;
                Response::status(StatusWord::SECURITY_STATUS_NOT_SATISFIED)
            }
            (Protection::Plain, session) => {
                if session.channel().is_some_and(|channel| !channel.level.has_c_mac()) {
                    self.ram.session = session;
                }
                settle(self.whole(class, protection, part, command.clone()))
            }
        };
        let tree = &self.memory.tree;
        if self.ram.session.channel().is_some_and(|channel| !tree.is_within(self.ram.folder, channel.folder)) {
            self.ram.session = Session::None;
        }
        response
    }

    /// Does a command once all its parts are there.
    fn whole(&mut self, class: Class, protection: Protection, part: Part, command: Command) -> Outcome {
        match self.collect(class, protection, part, command)? {
            Some(command) => self.dispatch(class, &command),
            None => Ok(Response::success(Vec::new())),
        }
    }

    fn end_session(&mut self, sw: StatusWord) -> Outcome {
        self.ram.session = Session::None;
        Err(sw)
    }

    /// One plain command.
    fn dispatch(&mut self, class: Class, command: &Command) -> Outcome {
        match self.memory.make {
            Make::Files => self.dispatch_files(class, command),
            Make::Domain(_) => self.dispatch_domain(class, command),
            Make::Other => other::dispatch(class, command),
        }
    }

    /// The table of commands of a card with files.
    fn dispatch_files(&mut self, class: Class, command: &Command) -> Outcome {
        if self.memory.is_terminated() && !matches!(command.ins, SELECT | GET_DATA) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        // Any other command ends a sequence of blocks.
        let blocks = self.ram.blocks.take();
        match (class, command.ins) {
            (Class::Iso, SELECT) => self.select(command),
            (Class::Iso, 0xB0) => self.read_binary(command),
            (Class::Iso, 0xD6) => self.update_binary(command),
            (Class::Iso, 0xB2) => self.read_record(command),
            (Class::Iso, 0xDC) => self.update_record(command),
            (Class::Iso, 0xE0) => self.create_file(command),
            (Class::Iso, 0xE4) => self.delete_file(command),
            (Class::Iso, 0x44) => self.activate_file(command),
            (Class::Iso, 0x04) => self.deactivate_file(command),
            (Class::Iso, 0xE6) => self.terminate_df(command),
            (Class::Iso, 0xE8) => self.terminate_ef(command),
            (Class::Iso, 0xFE) => self.terminate_card(command),
            (Class::Iso, 0x84) => self.get_challenge(command),
            (Class::Iso, 0x20) => self.verify(command),
            (Class::Iso, 0x24) => self.change_reference_data(command),
            (Class::Iso, 0x2C) => self.reset_retry_counter(command),
            (_, GET_DATA) => self.get_data(class, command),
            (Class::GlobalPlatform, 0x50) => self.initialize_update(command),
            (Class::GlobalPlatform, 0x7A) => self.begin_r_mac_session(command),
            (Class::GlobalPlatform, 0x78) => self.end_r_mac_session(command),
            (Class::GlobalPlatform, 0xD8) => self.put_key(command),
            (Class::GlobalPlatform, 0xE2) => self.store_data(command, blocks),
            (Class::GlobalPlatform, 0xE4) => self.delete_key(command),
            _ => Err(StatusWord::INS_NOT_SUPPORTED),
        }
    }

    /// T=0 carries data one way per command: an answer to data waits for GET RESPONSE, another one needs its exact Le.
    fn carry_t0(&mut self, response: Response, wanted: Option<u32>, is_case_2: bool) -> Response {
        let length = response.data.len();
        if length == 0 {
            return response;
        }
        if is_case_2 && wanted.map(|ne| usize::try_from(ne) == Ok(length)) == Some(true) {
            return response;
        }
        if is_case_2 {
            return Response::status(counted(0x6C, length));
        }
        self.ram.pending = Some(response);
        Response::status(counted(0x61, length))
    }

    /// `0X C0 00 00 Le`: the next Le bytes of the waiting answer.
    fn get_response(&mut self, wanted: u32) -> Response {
        let Some(mut pending) = self.ram.pending.take() else {
            return Response::status(StatusWord::CONDITIONS_NOT_SATISFIED);
        };
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let available = pending.data.len();
        if wanted > available {
            self.ram.pending = Some(pending);
            return Response::status(counted(0x6C, available));
        }
        let rest = pending.data.split_off(wanted);
        if rest.is_empty() {
            return pending;
        }
        let sw = counted(0x61, rest.len());
        self.ram.pending = Some(Response { data: rest, sw: pending.sw });
        Response { data: pending.data, sw }
    }
}

/// A class byte: bit 8 says who defines the command, 04 and 0C secure messaging, 10 chaining, the low bits a channel.
fn parse_class(cla: u8) -> Result<(Class, Protection, Part), StatusWord> {
    let class = match cla & 0xE0 {
        0x00 => Class::Iso,
        0x80 => Class::GlobalPlatform,
        _ => return Err(StatusWord::CLA_NOT_SUPPORTED),
    };
    let part = if cla & CLA_CHAINED == 0 { Part::Last } else { Part::More };
    if cla & 0x03 != 0 {
        return Err(StatusWord::CHANNEL_NOT_SUPPORTED);
    }
    match cla & 0x0C {
        0x00 => Ok((class, Protection::Plain, part)),
        0x04 | 0x0C => Ok((class, Protection::SecureMessaging, part)),
        _ => Err(StatusWord::SECURE_MESSAGING_NOT_SUPPORTED),
    }
}

fn settle(outcome: Outcome) -> Response {
    outcome.unwrap_or_else(Response::status)
}

/// T=1: a plain answer longer than Le asks for is replaced by its length; without Le it comes whole.
fn fit(response: Response, wanted: Option<u32>) -> Response {
    match wanted.map(usize::try_from) {
        Some(Ok(ne)) if response.data.len() > ne => Response::status(counted(0x6C, response.data.len())),
        _ => response,
    }
}

/// 61xx or 6Cxx; 256 and more is 00.
fn counted(sw1: u8, length: usize) -> StatusWord {
    StatusWord::from_bytes([sw1, u8::try_from(length).unwrap_or(0)])
}
