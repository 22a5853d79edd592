//! STORE DATA (E2): GlobalPlatform Card Specification 2.3.1 §11.11.

use super::{Exchange, data_of};
use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::scp03::CardProof;

const INS: u8 = 0xE2;
/// P1 b8: the last block.
const LAST_BLOCK: u8 = 0x80;
/// Blocks that P2 can number.
const BLOCKS_MAX: usize = 256;

/// One block of STORE DATA.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreData {
    p1: u8,
    block: u8,
    data: Vec<u8>,
}

/// Cuts `data` into blocks of at most `block_max` bytes; `structure` is P1 without b8 (00 none, 08 DGI, 10 BER-TLV).
///
/// # Errors
/// [`Error::Parameter`] for an empty block size or more than 256 blocks.
pub fn store_data_blocks(_: &CardProof, structure: u8, data: &[u8], block_max: usize) -> Result<Vec<StoreData>, Error> {
    let count = if block_max == 0 { usize::MAX } else { data.len().div_ceil(block_max) };
    if count > BLOCKS_MAX {
        return Err(Error::Parameter { what: "the blocks of STORE DATA", value: count, allowed: "at most 256" });
    }
    let blocks = (0u8..=u8::MAX).zip(data.chunks(block_max)).zip(1..);
    Ok(blocks
        .map(|((block, chunk), number)| StoreData {
            p1: (structure & !LAST_BLOCK) | if number == count { LAST_BLOCK } else { 0 },
            block,
            data: chunk.to_vec(),
        })
        .collect())
}

/// Never the data, which may be personal.
impl std::fmt::Debug for StoreData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoreData(P1 {:02X}, block {}, {} bytes)", self.p1, self.block, self.data.len())
    }
}

impl Exchange for StoreData {
    /// What the card answers; most answer nothing.
    type Answer = Vec<u8>;

    fn command(&self) -> Command {
        Command::new(0x80, INS, self.p1, self.block).with_data(self.data.clone())
    }

    fn answer(&self, response: &Response) -> Result<Vec<u8>, Error> {
        data_of(INS, response).map(<[u8]>::to_vec)
    }
}
