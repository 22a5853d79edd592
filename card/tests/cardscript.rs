//! Messages of the card script protocol: one example of each, and what is refused.

#[cfg(test)]
mod tests {
    use fuda_card::cardscript::{
        CentreMessage, Fault, Message, MessageError, ScriptId, SessionId, Step, TerminalMessage, decode, encode,
    };

    const OPEN: &str = r#"{"type":"open","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"purpose":"activate","order":"K7QF-0001","terminal":{"name":"fuda-terminal/0.1.0","transport":"ws"},"locale":"ja","card":{"kdd":"00010203040506070809"}}"#;
    const RESULT: &str = r#"{"type":"result","sid":"000102030405060708090A0B0C0D0E0F","seq":1,"id":"0011223344556677","n":2,"r":["9000"],"end":"card_gone","at":1,"t":[12]}"#;
    const ANSWER: &str = r#"{"type":"answer","sid":"000102030405060708090A0B0C0D0E0F","seq":1,"yes":true}"#;
    const RESUME: &str = r#"{"type":"resume","sid":"000102030405060708090A0B0C0D0E0F","seq":1}"#;
    const CANCEL: &str = r#"{"type":"cancel","sid":"000102030405060708090A0B0C0D0E0F","seq":2}"#;

    const SCRIPT: &str = r#"{"type":"script","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"id":"0011223344556677","expires":"2026-04-17T00:35:00Z","budget_ms":5000,"steps":[{"c":"00A4040406F04655444101","ms":500,"percent":5},{"c":"80503000080102030405060708","sw":["9000","63"],"match":[{"offset":0,"mask":"FFFF","value":"0001"}],"stop":"go_on","ms":500,"p":"proving","percent":10}]}"#;
    const ASK: &str = r#"{"type":"ask","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"what":"put_card_in","text":"カードをリーダーに置いてください"}"#;
    const WAIT: &str =
        r#"{"type":"wait","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"ms":1000,"text":"Checking the payment"}"#;
    const DONE: &str = r#"{"type":"done","sid":"000102030405060708090A0B0C0D0E0F","seq":1,"outcome":"written","receipt":{"body":"{}","key":"receipt@1","signature":"00"},"shown":[["expiry","2027-04"]],"text":"Done"}"#;
    const ERROR: &str = r#"{"type":"error","sid":"000102030405060708090A0B0C0D0E0F","seq":0,"code":"ORDER_NOT_PAID","retriable":true,"who":"member","text":"Pay first","trace":"0011223344556677"}"#;

    fn again<M: Message + std::fmt::Debug + PartialEq>(text: &str) {
        let message: M = decode(text.as_bytes()).unwrap();
        assert_eq!(encode(&message).unwrap(), text);
    }

    #[test]
    fn every_kind_of_message_comes_back_as_it_was() {
        [OPEN, RESULT, ANSWER, RESUME, CANCEL].into_iter().for_each(again::<TerminalMessage>);
        [SCRIPT, ASK, WAIT, DONE, ERROR].into_iter().for_each(again::<CentreMessage>);
    }

    #[test]
    fn a_message_says_where_it_belongs() {
        let sid: SessionId = "000102030405060708090A0B0C0D0E0F".parse().unwrap();
        let terminal = |text: &str| decode::<TerminalMessage>(text.as_bytes()).unwrap().key();
        assert_eq!([OPEN, RESULT, CANCEL].map(terminal), [(sid, 0), (sid, 1), (sid, 2)]);
        assert_eq!(decode::<CentreMessage>(DONE.as_bytes()).unwrap().key(), (sid, 1));
    }

    #[test]
    fn a_step_that_says_nothing_wants_9000_and_stops() {
        let CentreMessage::Script(script) = decode(SCRIPT.as_bytes()).unwrap() else { panic!("no script") };
        assert_eq!(script.id, ScriptId::new([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]));
        let [select, update] = &script.steps[..] else { panic!("two steps") };
        assert_eq!((select.sw[0].as_bytes(), select.stop), (&[0x90, 0x00][..], Fault::Stop));
        assert_eq!((update.sw.len(), update.matches.len(), update.stop), (2, 1, Fault::GoOn));
    }

    /// A message with one text in the place of another, and why it is refused.
    fn refused<M: Message + std::fmt::Debug>(text: &str, from: &str, to: &str) -> MessageError {
        assert!(text.contains(from), "{from}");
        decode::<M>(text.replacen(from, to, 1).as_bytes()).unwrap_err()
    }

    #[test]
    fn what_is_not_of_the_schema_is_refused_without_repeating_it() {
        let secret = "4649524F";
        for (from, to) in [
            (r#""seq":1"#, r#""seq":1,"pin":"4649524F""#),
            (r#""seq":1"#, r#""seq":"4649524F""#),
            (r#""end":"card_gone""#, r#""end":"4649524F""#),
            (r#""id":"0011223344556677""#, r#""id":"4649524F""#),
            (r#"["9000"]"#, r#"["4649524Fa"]"#),
            (r#""at":1,"#, ""),
            (r#""type":"result""#, r#""type":"4649524F""#),
            ("}", ""),
        ] {
            let error = refused::<TerminalMessage>(RESULT, from, to);
            assert!(matches!(error, MessageError::Json { .. }), "{from} → {to}: {error}");
            assert!(!error.to_string().contains(secret), "{error}");
        }
    }

    #[test]
    fn parts_that_contradict_each_other_are_refused() {
        for (from, to) in [(r#""n":2"#, r#""n":0"#), (r#""n":2"#, r#""n":3"#), (r#""t":[12]"#, r#""t":[12,13]"#)] {
            let error = refused::<TerminalMessage>(RESULT, from, to);
            assert!(matches!(error, MessageError::Contradiction { .. }), "{from} → {to}: {error}");
        }
        assert!(matches!(
            refused::<TerminalMessage>(OPEN, r#""seq":0"#, r#""seq":1"#),
            MessageError::Contradiction { .. }
        ));
        for (from, to) in
            [(r#""mask":"FFFF""#, r#""mask":"FF""#), (r#""sw":["9000","63"]"#, r#""sw":[]"#), ("63", "630000")]
        {
            assert!(matches!(refused::<CentreMessage>(SCRIPT, from, to), MessageError::Contradiction { .. }), "{from}");
        }
    }

    #[test]
    fn what_is_too_much_is_refused_on_both_ways() {
        let long = "K".repeat(65);
        assert!(matches!(
            refused::<TerminalMessage>(OPEN, "K7QF-0001", &long),
            MessageError::TooMany { found: 65, max: 64, .. }
        ));
        assert!(matches!(refused::<CentreMessage>(SCRIPT, "5000", "60001"), MessageError::TooMany { .. }));
        assert!(matches!(decode::<TerminalMessage>(&[b' '; 65_537]), Err(MessageError::TooLong { bytes: 65_537 })));
        let CentreMessage::Script(mut script) = decode(SCRIPT.as_bytes()).unwrap() else { panic!("no script") };
        script.steps = vec![Step::new(vec![0; 200], 100); 200];
        assert!(matches!(encode(&CentreMessage::Script(script)), Err(MessageError::TooLong { .. })));
    }
}
