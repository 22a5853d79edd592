//! GET RESPONSE, the exact Ne and command chaining over a card that is a list of answers.

#[cfg(test)]
mod tests {
    use fuda_card::apdu::Command;
    use fuda_card::atr::LongCommands;
    use fuda_card::transport::{TransmitError, Transport, transmit, transmit_long};

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
    fn a_secured_command_is_never_repeated_and_get_response_is() {
        let secured = Command::new(0x84, 0xCA, 0, 0x66).with_data(vec![0; 8]).with_ne(256);
        let mut refusing = card(&["6c10", "9000"]);
        let response = transmit(&mut refusing, &secured).unwrap();
        assert_eq!((response.sw.to_bytes(), refusing.got.len()), ([0x6C, 0x10], 1));
        let mut answering = card(&["6100", "6c02", "aabb9000"]);
        let response = transmit(&mut answering, &secured).unwrap();
        assert_eq!(hex::encode(response.encode()), "aabb9000");
        assert_eq!(answering.got[1..], ["00c0000000", "00c0000002"]);
    }

    #[test]
    fn a_long_command_goes_as_the_card_can_take_it() {
        let long = Command::new(0x00, 0xD6, 0, 0).with_data(vec![0x5A; 300]);
        let mut chained = card(&["9000", "9000"]);
        transmit_long(&mut chained, &long, LongCommands::Chained).unwrap();
        let parts = [format!("10d60000ff{}", "5a".repeat(255)), format!("00d600002d{}", "5a".repeat(45))];
        assert_eq!(chained.got, parts);

        let mut extended = card(&["9000"]);
        transmit_long(&mut extended, &long, LongCommands::Extended).unwrap();
        assert_eq!(extended.got, [format!("00d6000000012c{}", "5a".repeat(300))]);

        let mut neither = card(&["9000"]);
        let refused = transmit_long(&mut neither, &long, LongCommands::Unsupported).unwrap_err();
        assert!(matches!(refused, TransmitError::TooLong { len: 300 }), "{refused}");
        assert!(neither.got.is_empty());

        let mut short = card(&["9000"]);
        let command = Command::new(0x00, 0xD6, 0, 0).with_data(vec![0x5A; 255]);
        transmit_long(&mut short, &command, LongCommands::Unsupported).unwrap();
        assert_eq!(short.got.len(), 1);
    }

    #[test]
    fn a_chain_ends_where_the_card_refuses_a_part_and_its_last_part_asks() {
        let long = Command::new(0x84, 0xE2, 0x80, 0).with_data(vec![0; 600]).with_ne(256);
        let mut refusing = card(&["9000", "6884", "9000"]);
        let response = transmit_long(&mut refusing, &long, LongCommands::Chained).unwrap();
        assert_eq!((response.sw.to_bytes(), refusing.got.len()), ([0x68, 0x84], 2));

        let parts = long.chain(255).unwrap();
        let heads: Vec<(u8, usize, Option<u32>)> =
            parts.iter().map(|part| (part.cla, part.data.len(), part.ne)).collect();
        assert_eq!(heads, [(0x94, 255, None), (0x94, 255, None), (0x84, 90, Some(256))]);
        assert!(long.chain(0).is_err());
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
