//! Cards told apart by what they say to anybody. A card here is a list of answers; the simulated one is asked over PC/SC elsewhere.

#[cfg(test)]
mod tests {
    use fuda_card::id::Kvn;
    use fuda_card::personalisation::{JobTag, Stage, StageRecord};
    use fuda_card::profile::ProfileHash;
    use fuda_card::recognise::{Kind, Recognised, Said, house_names, look};
    use fuda_card::transport::Transport;

    const NAME: &str = "8408A000000151000000";
    const SELECT_MF: &str = "00A4040008A000000151000000";
    const KEYS: &str = "80CA00E000";
    const AP_1: &str = "00A4040406F04655444101";

    /// Answers each command that begins as one of these, and `6D00` to all others.
    struct Answers(Vec<(&'static str, String)>);

    impl Transport for Answers {
        type Error = std::convert::Infallible;

        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Self::Error> {
            let sent = hex::encode_upper(command);
            let found = self.0.iter().find(|(start, _)| sent.starts_with(start));
            Ok(hex::decode(found.map_or("6D00", |(_, answer)| answer.as_str())).unwrap())
        }
    }

    fn ask(answers: &[(&'static str, &str)]) -> Said {
        let answers = answers.iter().map(|(start, answer)| (*start, (*answer).to_owned())).collect();
        look(&mut Answers(answers), &[0x3B, 0x00], house_names()).unwrap()
    }

    fn is(answers: &[(&'static str, &str)]) -> Recognised {
        ask(answers).recognise()
    }

    fn done(kind: Kind) -> Recognised {
        Recognised { kind, under_way: None }
    }

    /// Entries of the key list, without its wrapper as some cards leave it.
    fn keys(kvns: &[u8]) -> String {
        let entries = kvns.iter().flat_map(|kvn| (1..=3).map(move |kid| format!("C004{kid:02X}{kvn:02X}8810")));
        entries.collect::<String>() + "9000"
    }

    fn mf(life_cycle: u8) -> String {
        format!("6F14820138{NAME}8302 3F00 8A01{life_cycle:02X}9000").replace(' ', "")
    }

    fn record(stage: Stage) -> String {
        hex::encode_upper(StageRecord::new(stage, &ProfileHash::new([7; 32]), JobTag::of_lot("L")).encode()) + "9000"
    }

    const APPLICATION: &str = "6212820138 8406F04655444101 8302 1001 8A01";

    #[test]
    fn a_blank_chip_names_itself_and_nothing_else() {
        let fci = format!("6F0A{NAME}9000");
        let said = ask(&[
            (SELECT_MF, &fci),
            (KEYS, &keys(&[0xFF])),
            ("80CA0045", "00010203040506070809 9000".replace(' ', "").as_str()),
        ]);
        assert_eq!(said.recognise(), done(Kind::Blank));
        assert_eq!(said.kdd.unwrap().to_string(), "00010203040506070809");
        assert_eq!(said.key_sets(), [Kvn::INITIAL]);
        assert_eq!(is(&[(SELECT_MF, &fci), (KEYS, &keys(&[0x30]))]).kind, Kind::Gp, "another set than the maker's");
    }

    #[test]
    fn stages_are_what_the_records_say() {
        let (zero, first) = (record(Stage::Zeroth), record(Stage::First));
        let (in_making, in_use) = (mf(0x03), mf(0x05));
        let (transport, issuer) = (keys(&[0x3D]), keys(&[0x30]));
        let ps = ("00A4020C022F02", "9000");
        let (read_1, read_2) = ("00B20104", "00B20204");
        let made = [(SELECT_MF, in_making.as_str()), (KEYS, &keys(&[0xFF, 0x3D])), ps].map(|(a, b)| (a, b.to_owned()));
        let made: Vec<_> = made.iter().map(|(a, b)| (*a, b.as_str())).collect();
        assert_eq!(is(&made), Recognised { kind: Kind::Blank, under_way: Some(Stage::Zeroth) });

        let mut card = vec![(SELECT_MF, in_making.as_str()), (KEYS, transport.as_str()), ps, (read_1, zero.as_str())];
        assert_eq!(is(&card), done(Kind::Zeroth));
        card[1].1 = &issuer;
        assert_eq!(is(&card), Recognised { kind: Kind::Zeroth, under_way: Some(Stage::First) });
        card[0].1 = &in_use;
        card.push((read_2, first.as_str()));
        assert_eq!(is(&card), done(Kind::First));

        let stock = format!("{APPLICATION}039000").replace(' ', "");
        let member = format!("{APPLICATION}059000").replace(' ', "");
        card.push((AP_1, stock.as_str()));
        let said = ask(&card);
        assert_eq!((said.recognise(), said.applications.len()), (done(Kind::First), 1));
        card.last_mut().unwrap().1 = &member;
        assert_eq!(is(&card), done(Kind::Active));
        // A record torn by a cut counts for nothing.
        card[3].1 = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF9000";
        card[4].1 = card[3].1;
        assert_eq!(is(&card).under_way, Some(Stage::Zeroth));
    }

    #[test]
    fn security_domains_are_gp_and_all_else_is_foreign() {
        let domain = "6F10 8408A000000151000000 A5049F6501FF 9000".replace(' ', "");
        assert_eq!(
            is(&[(SELECT_MF, &domain), (KEYS, &keys(&[0xFF]))]),
            done(Kind::Gp),
            "management data besides the name"
        );
        assert_eq!(is(&[(KEYS, &keys(&[0x01]))]), done(Kind::Gp), "keys without a name");
        assert_eq!(is(&[]), done(Kind::Foreign));
        // Answers that no standard knows.
        assert_eq!(is(&[("00", "DEADBEEF9000"), ("80", "FF9000")]), done(Kind::Foreign));
        assert_eq!(is(&[("00", "9000"), ("80", "9000")]), done(Kind::Foreign));
    }
}
