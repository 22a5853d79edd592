//! Card production life cycle data (9F7F): GlobalPlatform Card Mapping Guidelines, 42 bytes.

use super::{INS, get_data, value_of};
use crate::apdu::{Command, Response};
use crate::command::Exchange;
use crate::error::Error;

/// Bytes of the data.
const BYTES: usize = 42;

/// Card production life cycle data: who made the chip, when, and its serial number. An attribute, never an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cplc([u8; BYTES]);

impl Cplc {
    /// All its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// IC fabricator and IC type (bytes 1 to 4).
    #[must_use]
    pub fn chip_type(&self) -> &[u8] {
        self.field(0, 4)
    }

    /// IC fabrication date (bytes 11 and 12): BCD, last digit of the year and day of the year.
    #[must_use]
    pub fn fabrication_date(&self) -> &[u8] {
        self.field(10, 2)
    }

    /// IC serial number (bytes 13 to 16).
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        self.field(12, 4)
    }

    /// IC batch identifier (bytes 17 and 18).
    #[must_use]
    pub fn batch(&self) -> &[u8] {
        self.field(16, 2)
    }

    fn field(&self, start: usize, bytes: usize) -> &[u8] {
        self.0.get(start..start + bytes).unwrap_or_default()
    }
}

/// GET DATA for CPLC data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetCplc;

impl Exchange for GetCplc {
    type Answer = Cplc;

    fn command(&self) -> Command {
        get_data(0x9F7F)
    }

    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Answer`] unless there are 42 bytes.
    fn answer(&self, response: &Response) -> Result<Cplc, Error> {
        let value = value_of(0x9F7F, response)?;
        let bytes = value.try_into().map_err(|_| Error::Answer {
            ins: INS,
            offset: value.len(),
            expected: "42 bytes of life cycle data",
        })?;
        Ok(Cplc(bytes))
    }
}
