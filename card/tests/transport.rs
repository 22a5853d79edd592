//! GET RESPONSE and the exact Ne over a card that is a list of answers.

#[cfg(test)]
mod tests {
    use fuda_card::apdu::Command;
    use fuda_card::transport::{TransmitError, Transport, transmit};

    /// Answers each command with the next entry and notes what it got.
    struct Recorded {
        answers: Vec<Vec<u8>>,
        got: Vec<String>,
    }

    impl Transport for Recorded {
        type Error = &'static str;

        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, &'static str> {
            self.got.push(hex::encode(command));
            if self.answers.is_empty() { Err("no card") } else { Ok(self.answers.remove(0)) }
        }
    }

    fn card(answers: &[&str]) -> Recorded {
        Recorded { answers: answers.iter().map(|text| hex::decode(text).unwrap()).collect(), got: Vec::new() }
    }

    #[test]
    fn pieces_are_put_together() {
        let mut card = card(&["aa6102", "bbbb6101", "cc9000"]);
        let response = transmit(&mut card, &Command::new(0x84, 0xCA, 0, 0x66).with_ne(256)).unwrap();
        assert_eq!(hex::encode(response.encode()), "aabbbbcc9000");
        assert_eq!(card.got[1..], ["00c0000002", "00c0000001"]);
    }

    #[test]
    fn the_command_is_repeated_once_with_the_exact_ne() {
        let mut card = card(&["6c02", "aabb9000"]);
        let response = transmit(&mut card, &Command::new(0x00, 0xB0, 0, 0).with_ne(256)).unwrap();
        assert_eq!(response.data, [0xAA, 0xBB]);
        assert_eq!(card.got, ["00b0000000", "00b0000002"]);
    }

    #[test]
    fn a_card_pulled_out_is_an_error_and_so_is_an_endless_one() {
        let command = Command::new(0x00, 0xB0, 0, 0).with_ne(256);
        assert!(matches!(transmit(&mut card(&[""]), &command), Err(TransmitError::Apdu(_))));
        assert!(matches!(transmit(&mut card(&[]), &command), Err(TransmitError::Transport("no card"))));
        let endless = vec!["6101"; 300];
        assert!(matches!(transmit(&mut card(&endless), &command), Err(TransmitError::Endless)));
    }
}
