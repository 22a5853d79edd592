//! Making an ATR.

use super::interface::{InterfaceByte, Kind};
use super::{Atr, AtrError, Convention, check_byte};

/// What an ATR shall say; [`AtrBuilder::build`] counts and checks.
///
/// ```
/// # use fuda_card::atr::AtrBuilder;
/// let atr = AtrBuilder::new().protocols(&[1, 1]).historical(b"FEASGP").build().unwrap();
/// assert_eq!(hex::encode_upper(atr), "3B86810146454153475000");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtrBuilder {
    convention: Convention,
    protocols: Vec<u8>,
    interface: Vec<(InterfaceByte, u8)>,
    historical: Vec<u8>,
}

impl Default for AtrBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl AtrBuilder {
    /// Direct convention, T=0 by default, no historical bytes: `3B 00`.
    #[must_use]
    pub const fn new() -> Self {
        Self { convention: Convention::Direct, protocols: Vec::new(), interface: Vec::new(), historical: Vec::new() }
    }

    /// The coding convention.
    #[must_use]
    pub const fn convention(mut self, convention: Convention) -> Self {
        self.convention = convention;
        self
    }

    /// The protocols T of TD1, TD2, … ; none leaves T=0 by default.
    #[must_use]
    pub fn protocols(mut self, protocols: &[u8]) -> Self {
        self.protocols = protocols.to_vec();
        self
    }

    /// TA, TB or TC of a group; TD bytes follow from the protocols.
    #[must_use]
    pub fn interface(mut self, kind: Kind, group: u8, value: u8) -> Self {
        self.interface.push((InterfaceByte { group, kind }, value));
        self
    }

    /// Up to 15 historical bytes.
    #[must_use]
    pub fn historical(mut self, bytes: &[u8]) -> Self {
        self.historical = bytes.to_vec();
        self
    }

    /// The bytes, with TCK where the protocols demand it.
    ///
    /// # Errors
    /// [`AtrError::HistoricalBytes`] for more than 15 historical bytes, [`AtrError::InterfaceBytes`] for interface bytes of a
    /// group that no TD announces, [`AtrError::TooLong`] for more than 33 bytes.
    pub fn build(&self) -> Result<Vec<u8>, AtrError> {
        let count = u8::try_from(self.historical.len()).ok().filter(|count| *count <= 15);
        let mut bytes = match self.convention {
            Convention::Direct => vec![0x3B],
            Convention::Inverse => vec![0x3F],
        };
        bytes.push(self.announce(1) | count.ok_or(AtrError::HistoricalBytes)?);
        let groups = u8::try_from(self.protocols.len()).map_err(|_| AtrError::TooLong)?.saturating_add(1);
        if self.interface.iter().any(|(byte, _)| !(1..=groups).contains(&byte.group) || byte.kind == Kind::D) {
            return Err(AtrError::InterfaceBytes);
        }
        for group in 1..=groups {
            bytes.extend([Kind::A, Kind::B, Kind::C].into_iter().filter_map(|kind| self.value(kind, group)));
            if let Some(protocol) = self.protocols.get(usize::from(group) - 1) {
                bytes.push(self.announce(group.saturating_add(1)) | (protocol & 0x0F));
            }
        }
        bytes.extend_from_slice(&self.historical);
        if self.protocols.iter().any(|protocol| *protocol != 0) {
            bytes.push(check_byte(bytes.get(1..).unwrap_or_default()));
        }
        Atr::parse(&bytes).map(|_| bytes)
    }

    fn value(&self, kind: Kind, group: u8) -> Option<u8> {
        let wanted = InterfaceByte { group, kind };
        self.interface.iter().rev().find(|(byte, _)| *byte == wanted).map(|(_, value)| *value)
    }

    /// Y of a group: one bit for each of its bytes.
    fn announce(&self, group: u8) -> u8 {
        let given = Kind::ALL.into_iter().filter(|kind| self.value(*kind, group).is_some());
        let bits = given.fold(0, |bits, kind| bits | kind.bit());
        if usize::from(group) <= self.protocols.len() { bits | Kind::D.bit() } else { bits }
    }
}
