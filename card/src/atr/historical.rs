//! Historical bytes: ISO/IEC 7816-4:2020 §12.1.1.
//!
//! Category 80: COMPACT-TLV objects. Category 00: COMPACT-TLV objects, then three bytes of status. Any other: proprietary.

use thiserror::Error;

/// Bytes of the status indicator that ends category 00.
const STATUS_BYTES: usize = 3;

/// What historical bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Historical {
    /// The category indicator, their first byte.
    pub category: u8,
    /// COMPACT-TLV objects: tag nibble and value; `None` where the category has none or they are broken.
    pub objects: Option<Vec<(u8, Vec<u8>)>>,
    /// Life cycle status and SW1 SW2 of category 00.
    pub status: Option<[u8; STATUS_BYTES]>,
    /// What is not as the standard says. Many cards on sale have such bytes, so none makes an ATR invalid.
    pub warnings: Vec<HistoricalWarning>,
}

/// Historical bytes that are not as the standard says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HistoricalWarning {
    /// An object is longer than what is left.
    #[error("COMPACT-TLV historical bytes are malformed")]
    Malformed,
    /// Category 00 without its status indicator.
    #[error("category 00 needs 3 status bytes")]
    StatusMissing,
}

impl Historical {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (&category, rest) = bytes.split_first()?;
        let mut historical = Self { category, objects: None, status: None, warnings: Vec::new() };
        match category {
            0x80 => historical.take_objects(rest),
            0x00 => match rest.split_last_chunk::<STATUS_BYTES>() {
                Some((objects, status)) => {
                    historical.status = Some(*status);
                    historical.take_objects(objects);
                }
                None => {
                    historical.objects = Some(Vec::new());
                    historical.warnings.push(HistoricalWarning::StatusMissing);
                }
            },
            _ => {}
        }
        Some(historical)
    }

    fn take_objects(&mut self, bytes: &[u8]) {
        match objects(bytes) {
            Some(objects) => self.objects = Some(objects),
            None => self.warnings.push(HistoricalWarning::Malformed),
        }
    }
}

/// COMPACT-TLV: tag in the high nibble, length in the low one.
fn objects(mut bytes: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut found = Vec::new();
    while let Some((head, rest)) = bytes.split_first() {
        let (value, rest) = rest.split_at_checked(usize::from(head & 0x0F))?;
        found.push((head >> 4, value.to_vec()));
        bytes = rest;
    }
    Some(found)
}
