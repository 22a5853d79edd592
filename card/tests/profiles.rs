//! The profiles that the project ships, and what a wrong one is told.

#[cfg(test)]
mod tests {
    use fuda_card::profile::{FieldKind, Profile, ProfileError, TextEncoding};

    const FOUR: &str = include_str!("../../profiles/membership-4ap.toml");
    const ONE: &str = include_str!("../../profiles/membership-1ap.toml");

    #[test]
    fn the_shipped_profiles_are_valid() {
        let four = Profile::parse(FOUR).unwrap();
        let keys: Vec<String> = four.applications().iter().map(|application| application.key.to_string()).collect();
        assert_eq!(keys, ["ap/ticket", "ap/library", "ap/parking", "ap/points"]);
        assert_eq!(Profile::parse(ONE).unwrap().applications().len(), 1);
    }

    /// What a card carries of a profile is fixed: a change here is a change of every card's stage records.
    #[test]
    fn canonical_form_and_hash_are_golden() {
        let golden = [
            (FOUR, include_str!("golden/membership-4ap.canonical")),
            (ONE, include_str!("golden/membership-1ap.canonical")),
        ];
        for (text, golden) in golden {
            let profile = Profile::parse(text).unwrap();
            assert_eq!(format!("{}sha256 {}\n", profile.canonical(), profile.hash()), golden);
        }
    }

    #[test]
    fn fields_lie_where_the_comments_say() {
        let profile = Profile::parse(FOUR).unwrap();
        let member = &profile.applications()[0].wefs[0];
        let places: Vec<_> = member.fields.iter().map(|field| (field.offset, field.kind.size())).collect();
        assert_eq!((member.slots, member.bytes(), places), (2, 32, vec![(0, 6), (6, 3)]));
        let person = &profile.applications()[0].wefs[1];
        assert_eq!(person.fields[0].kind, FieldKind::Text { bytes: 40, encoding: TextEncoding::Cp932 });
    }

    #[test]
    fn the_hash_is_about_the_card_and_not_about_the_text() {
        let profile = Profile::parse(ONE).unwrap();
        let spaced = ONE.replace("size = 16", "size   =   16  # bytes");
        assert_eq!(Profile::parse(&spaced).unwrap().hash(), profile.hash());
        let recovery = ONE.replacen("[[mf.wef]]", "[mf]\nrecovery = \"per-card\"\n[[mf.wef]]", 1);
        assert_ne!(Profile::parse(&recovery).unwrap().hash(), profile.hash());
        assert_eq!(Profile::parse(&recovery.replace("per-card", "none")).unwrap().hash(), profile.hash());
        assert!(
            Profile::parse(&recovery.replace("per-card", "shared")).unwrap_err().to_string().contains("none, per-card")
        );
        let larger = ONE.replace("size = 16", "size = 17");
        assert_ne!(Profile::parse(&larger).unwrap().hash(), profile.hash());
        let renamed = ONE.replace("\"expiry\"", "\"valid_until\"");
        assert_ne!(Profile::parse(&renamed).unwrap().hash(), profile.hash());
    }

    /// Replaces `from` by `to` in the small profile: the text that the error points at, and the error.
    fn wrong(from: &str, to: &str) -> (String, ProfileError) {
        assert!(ONE.contains(from), "{from}");
        let text = ONE.replacen(from, to, 1);
        let error = Profile::parse(&text).unwrap_err();
        (text[error.offset..error.offset + error.length].to_string(), error)
    }

    #[test]
    fn errors_point_at_what_is_wrong_and_name_what_is_allowed() {
        let cases = [
            ("structure = \"transparent\"", "structure = \"cyclic\"", "\"cyclic\"", "transparent, linear-fixed"),
            ("read = \"always\"", "read = \"anyone\"", "\"anyone\"", "always, never, own"),
            ("fid = \"1001\"", "fid = \"2F02\"", "\"2F02\"", "another"),
            ("fid = \"1001\"", "fid = \"3F00\"", "\"3F00\"", "0003 to FFFE"),
            ("fid = \"0011\"", "fid = \"0002\"", "\"0002\"", "another"),
            ("fid = \"0012\"", "fid = \"0011\"", "\"0011\"", "unique"),
            ("df_name = \"F04655444101\"", "df_name = \"A000000151\"", "\"A000000151\"", "MF"),
            ("key = \"ap/ticket\"", "key = \"issuer\"", "\"issuer\"", "ap/"),
            ("key = \"ap/ticket\"", "key = \"ap/ticket\"\nkvn = \"3F\"", "\"3F\"", "30"),
            ("sfi = 2", "sfi = 31", "31", "1 to 29"),
            ("sfi = 2", "sfi = 1", "1", "unique"),
            ("slots = 2", "slots = 3", "3", "1 or 2"),
            ("size = 48", "size = 20000", "20000", "1 to 16383"),
            ("size = 48", "size = 39", "\"name_kana\"", "enlarge"),
            ("encoding = \"cp932\"", "encoding = \"sjis\"", "\"sjis\"", "ascii, cp932, utf-8"),
            ("check = \"luhn\"", "check = \"mod10\"", "\"mod10\"", "luhn"),
            ("length = 12", "length = 0", "0", "1 to 64"),
            ("type = \"counter\"\nbytes = 4", "type = \"counter\"\nbytes = 9", "9", "1 to 8"),
            ("type = \"counter\"\nbytes = 4", "type = \"counter\"", "\"visits\"", "add `bytes`"),
            ("hex = \"00000000\"", "hex = \"0000000\"", "\"0000000\"", "hex digits"),
            (
                "initial = [{ hex = \"00000000\" }]",
                "initial = [{ hex = \"00\", offset = 8 }]",
                "{ hex = \"00\", offset = 8 }",
                "shorten",
            ),
            ("atr = \"3B86810146454153475000\"", "atr = \"3B\"", "\"3B\"", "2 to 33"),
            ("name = \"membership-1ap\"", "name = \"Membership\"", "\"Membership\"", "a-z"),
        ];
        for (from, to, place, remedy) in cases {
            let (found, error) = wrong(from, to);
            assert_eq!(found, place, "{to}: {error}");
            assert!(error.remedy.contains(remedy), "{to}: {}", error.remedy);
        }
    }

    #[test]
    fn personal_data_that_anybody_reads_is_refused() {
        let text = ONE.replace("size = 48\n", "size = 48\naccess = { read = \"always\" }\n");
        let error = Profile::parse(&text).unwrap_err();
        assert!(error.what.contains("personal"), "{error}");
    }

    #[test]
    fn unknown_members_and_broken_toml_have_a_place() {
        let (found, error) = wrong("size = 48", "sise = 48");
        assert_eq!(found, "sise", "{error}");
        let (_, error) = wrong("version = 1", "version = ");
        assert!(error.offset > 0, "{error:?}");
        let (found, error) = wrong("version = 1", "version = 70000");
        assert_eq!(found, "70000", "{error}");
    }
}
