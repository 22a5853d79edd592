//! VERIFY (20), CHANGE REFERENCE DATA (24), RESET RETRY COUNTER (2C): ISO/IEC 7816-4:2020 §11.5.6 to §11.5.10.

use super::{Exchange, done};
use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::scp03::CardProof;
use crate::status::StatusWord;
use std::fmt;
use zeroize::Zeroizing;

const INS_VERIFY: u8 = 0x20;
const INS_CHANGE: u8 = 0x24;
const INS_RESET: u8 = 0x2C;

/// A PIN as the card takes it: 4 to 16 bytes. Secret: wiped on drop, never printed.
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// From its bytes, most often ASCII digits.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there are 4 to 16.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        if (4..=16).contains(&bytes.len()) {
            Ok(Self(Zeroizing::new(bytes.to_vec())))
        } else {
            Err(Error::Parameter { what: "the length of a PIN", value: bytes.len(), allowed: "4 to 16 bytes" })
        }
    }

    /// Its bytes, in clear.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin([redacted])")
    }
}

/// Which reference data: P2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinReference(u8);

impl PinReference {
    /// The PIN of the current DF (81: specific reference data, number 1).
    pub const OF_DF: Self = Self(0x81);
    /// The PIN of the whole card (01: global reference data, number 1).
    pub const GLOBAL: Self = Self(0x01);

    /// Its byte.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self.0
    }
}

/// What the card says of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinStatus {
    /// Verified.
    Verified,
    /// Wrong or not verified yet; so many tries are left.
    TriesLeft(u8),
    /// No try is left.
    Blocked,
}

fn pin_status(ins: u8, response: &Response) -> Result<PinStatus, Error> {
    match (response.sw, response.sw.tries_left()) {
        (StatusWord::SUCCESS, _) => done(ins, response).map(|()| PinStatus::Verified),
        (StatusWord::AUTHENTICATION_BLOCKED, _) | (_, Some(0)) => Ok(PinStatus::Blocked),
        (_, Some(tries)) => Ok(PinStatus::TriesLeft(tries)),
        (sw, None) => Err(Error::CardStatus { ins, sw }),
    }
}

/// VERIFY: goes plain from terminal to card, before INITIALIZE UPDATE.
#[derive(Debug)]
pub struct Verify {
    reference: PinReference,
    pin: Option<Pin>,
}

impl Verify {
    /// Verifies `pin`.
    #[must_use]
    pub const fn new(reference: PinReference, pin: Pin) -> Self {
        Self { reference, pin: Some(pin) }
    }

    /// Asks where the PIN stands, without a try.
    #[must_use]
    pub const fn status(reference: PinReference) -> Self {
        Self { reference, pin: None }
    }
}

impl Exchange for Verify {
    type Answer = PinStatus;

    fn command(&self) -> Command {
        let pin = self.pin.as_ref().map_or(&[][..], Pin::expose);
        Command::new(0x00, INS_VERIFY, 0x00, self.reference.to_u8()).with_data(pin)
    }

    fn answer(&self, response: &Response) -> Result<PinStatus, Error> {
        pin_status(INS_VERIFY, response)
    }
}

/// CHANGE REFERENCE DATA: by the cardholder.
#[derive(Debug)]
pub struct ChangeReferenceData {
    reference: PinReference,
    old: Option<Pin>,
    new: Pin,
}

impl ChangeReferenceData {
    /// Sets the first PIN (P1 = 01).
    #[must_use]
    pub const fn first(reference: PinReference, new: Pin) -> Self {
        Self { reference, old: None, new }
    }

    /// Replaces `old` by `new` (P1 = 00, `old ‖ new`).
    #[must_use]
    pub const fn replace(reference: PinReference, old: Pin, new: Pin) -> Self {
        Self { reference, old: Some(old), new }
    }
}

impl Exchange for ChangeReferenceData {
    type Answer = PinStatus;

    fn command(&self) -> Command {
        let p1 = if self.old.is_some() { 0x00 } else { 0x01 };
        let old = self.old.as_ref().map_or(&[][..], Pin::expose);
        Command::new(0x00, INS_CHANGE, p1, self.reference.to_u8()).with_data([old, self.new.expose()].concat())
    }

    fn answer(&self, response: &Response) -> Result<PinStatus, Error> {
        pin_status(INS_CHANGE, response)
    }
}

/// RESET RETRY COUNTER: by the service provider, in a channel under the application's set.
#[derive(Debug)]
pub struct ResetRetryCounter {
    reference: PinReference,
    new: Option<Pin>,
}

impl ResetRetryCounter {
    /// Gives all tries back (P1 = 03).
    #[must_use]
    pub const fn unblock(_: &CardProof, reference: PinReference) -> Self {
        Self { reference, new: None }
    }

    /// Gives all tries back and sets another PIN (P1 = 02).
    #[must_use]
    pub const fn unblock_with(_: &CardProof, reference: PinReference, new: Pin) -> Self {
        Self { reference, new: Some(new) }
    }
}

impl Exchange for ResetRetryCounter {
    type Answer = ();

    fn command(&self) -> Command {
        let p1 = if self.new.is_some() { 0x02 } else { 0x03 };
        let new = self.new.as_ref().map_or(&[][..], Pin::expose);
        Command::new(0x00, INS_RESET, p1, self.reference.to_u8()).with_data(new)
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(INS_RESET, response)
    }
}
