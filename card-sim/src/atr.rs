//! Answer to reset: ISO/IEC 7816-3:2006 §8, historical bytes in the COMPACT-TLV form of ISO/IEC 7816-4:2020 §12.1.1.
//!
//! Card capabilities `73 F6 21 c3`: selection by full and partial DF name, path, FID and short identifier; data units of
//! one byte; `c3` is C0, command chaining and extended length (T=1), or 80, command chaining alone (T=0). Cards without such
//! files say `73 C0 01 c3`: selection by full and partial DF name, nothing of files.

use crate::make::Make;
use crate::state::Protocol;

/// The ATR of a card.
#[must_use]
pub fn atr(protocol: Protocol, make: &Make) -> Vec<u8> {
    let [selection, coding] = if *make == Make::Files { [0xF6, 0x21] } else { [0xC0, 0x01] };
    match protocol {
        // T0 = 05: no interface bytes, five historical bytes. T=0 alone has no check byte.
        Protocol::T0 => vec![0x3B, 0x05, 0x80, 0x73, selection, coding, 0x80],
        // T0 = 85, TD1 = 81, TD2 = 01: T=1 and nothing else; then TCK, the XOR of all bytes behind TS.
        Protocol::T1 => {
            let mut atr = vec![0x3B, 0x85, 0x81, 0x01, 0x80, 0x73, selection, coding, 0xC0];
            atr.push(atr.iter().skip(1).fold(0, |check, byte| check ^ byte));
            atr
        }
    }
}
