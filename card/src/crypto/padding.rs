//! Padding `80 00 … 00` up to a whole block: ISO/IEC 9797-1:2011 §6.3.3, padding method 2.

use thiserror::Error;

/// Appends 80 and as many 00 as fill the last block of `block_bytes` (a whole block when `data` ends on one).
pub fn pad(data: &mut Vec<u8>, block_bytes: usize) {
    data.push(0x80);
    data.resize(data.len().next_multiple_of(block_bytes), 0x00);
}

/// Removes the padding: trailing 00s, then exactly one 80, all within the last block.
///
/// # Errors
/// [`PaddingError`] when the data is not whole blocks or the marker 80 is missing from the last block.
pub fn unpad(data: &mut Vec<u8>, block_bytes: usize) -> Result<(), PaddingError> {
    let marker = marker(data, block_bytes)?;
    if data.len() - marker > block_bytes {
        return Err(PaddingError::MarkerMissing);
    }
    data.truncate(marker);
    Ok(())
}

/// Removes the padding of a response whose R-MAC has been verified, also where whole blocks of 00 follow it.
///
/// Cards are on sale that append such a block; Amendment D leaves the padding to them, and the MAC covers it.
///
/// # Errors
/// [`PaddingError`] when the data is not whole blocks or has no marker 80 before its trailing 00s.
pub(crate) fn unpad_verified(data: &mut Vec<u8>, block_bytes: usize) -> Result<(), PaddingError> {
    let marker = marker(data, block_bytes)?;
    data.truncate(marker);
    Ok(())
}

/// Where the byte 80 before the trailing 00s stands. The time taken tells that: never call this on unverified data.
fn marker(data: &[u8], block_bytes: usize) -> Result<usize, PaddingError> {
    if data.is_empty() || !data.len().is_multiple_of(block_bytes) {
        return Err(PaddingError::NotWholeBlocks { len: data.len() });
    }
    let last = data.iter().rposition(|byte| *byte != 0x00).ok_or(PaddingError::MarkerMissing)?;
    if data.get(last) == Some(&0x80) { Ok(last) } else { Err(PaddingError::MarkerMissing) }
}

/// Data whose padding is not method 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PaddingError {
    /// Padded data fills its last block.
    #[error("{len} bytes are not whole blocks")]
    NotWholeBlocks {
        /// Bytes of data.
        len: usize,
    },
    /// The last block has no byte 80 followed by 00s only.
    #[error("the last block has no padding marker 80")]
    MarkerMissing,
}
