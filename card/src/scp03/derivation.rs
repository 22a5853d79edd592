//! The data derivation of SCP03: Amendment D 1.2, §4.1.5, a counter-mode KDF of NIST SP 800-108 with CMAC as PRF.

use crate::crypto::{AesKey, BLOCK_BYTES};
use zeroize::Zeroizing;

/// Derivation constant: what is derived (Amendment D 1.2, table 4-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constant(u8);

impl Constant {
    /// Card cryptogram, under S-MAC.
    pub const CARD_CRYPTOGRAM: Self = Self(0x00);
    /// Host cryptogram, under S-MAC.
    pub const HOST_CRYPTOGRAM: Self = Self(0x01);
    /// Pseudo-random card challenge, under the static K-ENC.
    pub const CARD_CHALLENGE: Self = Self(0x02);
    /// S-ENC, under the static K-ENC.
    pub const S_ENC: Self = Self(0x04);
    /// S-MAC, under the static K-MAC.
    pub const S_MAC: Self = Self(0x06);
    /// S-RMAC, under the static K-MAC.
    pub const S_RMAC: Self = Self(0x07);

    /// From its number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn to_u8(self) -> u8 {
        self.0
    }
}

/// The input of one PRF call: `00×11 ‖ constant ‖ 00 ‖ L ‖ i ‖ context`.
///
/// `output_bits` is L, the length of everything that is derived; `iteration` is i, from 1.
#[must_use]
pub fn derivation_block(constant: Constant, output_bits: u16, iteration: u8, context: &[u8]) -> Vec<u8> {
    /// First eleven bytes of the label: always zero.
    const LABEL: [u8; 11] = [0x00; 11];
    /// Between label and length.
    const SEPARATOR: u8 = 0x00;

    let mut block = Vec::with_capacity(BLOCK_BYTES + context.len());
    block.extend_from_slice(&LABEL);
    block.push(constant.to_u8());
    block.push(SEPARATOR);
    block.extend_from_slice(&output_bits.to_be_bytes());
    block.push(iteration);
    block.extend_from_slice(context);
    block
}

/// The first `output_bits` ÷ 8 bytes of the two PRF outputs for i = 1, 2; the bytes after them are those of the second
/// output that nothing asked for.
///
/// `output_bits` is 64, 128, 192 or 256. A single output is made where it is enough.
#[must_use]
pub fn derive(key: &AesKey, constant: Constant, output_bits: u16, context: &[u8]) -> Zeroizing<[u8; 2 * BLOCK_BYTES]> {
    let mut out = Zeroizing::new([0; 2 * BLOCK_BYTES]);
    let iterations = if output_bits > 128 { 2 } else { 1 };
    for (iteration, half) in (1..=iterations).zip(out.as_chunks_mut::<BLOCK_BYTES>().0) {
        *half = key.cmac(&[&derivation_block(constant, output_bits, iteration, context)]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Constant, derivation_block};

    #[test]
    fn every_byte_of_the_block_has_its_place() {
        let block = derivation_block(Constant::S_MAC, 0x0100, 2, &[0xAA, 0xBB]);
        let labelled = "0000000000000000000000 06 00 0100 02 aabb".replace(' ', "");
        assert_eq!(hex::encode(block), labelled);
    }
}
