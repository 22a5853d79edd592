//! Command APDUs as T=0 carries them: ISO/IEC 7816-3:2006 §12.2.

use super::Transport;
use crate::apdu::{Command, Length};

/// A transport to a card that speaks T=0. Data go one way per command: what the card has to say is fetched by GET RESPONSE, which
/// [`transmit`](super::transmit) does.
#[derive(Debug)]
pub struct T0<T>(pub T);

impl<T: Transport> Transport for T0<T> {
    type Error = T::Error;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, T::Error> {
        self.0.transmit(&tpdu(command))
    }
}

/// A command without the Le that follows data, and with a P3 of 00 where it has neither. What is no short APDU goes as it is.
fn tpdu(apdu: &[u8]) -> Vec<u8> {
    let mut bytes = apdu.to_vec();
    match Command::decode(apdu) {
        Ok(command) if command.length == Length::Short => match (command.data.is_empty(), command.ne) {
            (true, None) => bytes.push(0),
            (false, Some(_)) => {
                bytes.pop();
            }
            _ => {}
        },
        _ => {}
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::tpdu;

    #[test]
    fn the_four_cases() {
        for (apdu, expected) in [
            ("00440000", "0044000000"),
            ("00b0000010", "00b0000010"),
            ("00d60000021122", "00d60000021122"),
            ("80ca006602112200", "80ca0066021122"),
            ("00a400040000023f000000", "00a400040000023f000000"),
            ("00", "00"),
        ] {
            assert_eq!(hex::encode(tpdu(&hex::decode(apdu).unwrap())), expected, "{apdu}");
        }
    }
}
