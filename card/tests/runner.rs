//! A script at the terminal: where it stops, and what it tells of it.

#[cfg(test)]
mod tests {
    use fuda_card::cardscript::{
        End, Fault, HexBytes, Match, Runner, Script, ScriptId, ScriptResult, SessionId, Step, TerminalMessage, encode,
    };

    const DONE: [u8; 2] = [0x90, 0x00];

    fn script(steps: Vec<Step>) -> Script {
        let (sid, id) = (SessionId::new([1; 16]), ScriptId::new([2; 8]));
        Script { sid, seq: 0, id, expires: "2026-04-17T00:35:00Z".to_owned(), budget_ms: 1_000, steps }
    }

    fn three() -> Vec<Step> {
        (1..=3).map(|number| Step::new([0x00, 0xA4, 0x00, number], 500)).collect()
    }

    /// Runs a script with these answers; the card is gone after the last.
    fn run(script: Script, answers: &[(&[u8], u32)]) -> ScriptResult {
        let mut runner = Runner::new(script);
        let mut answers = answers.iter();
        while runner.next_command().is_some() {
            match answers.next() {
                Some((answer, took_ms)) => runner.on_response(answer, *took_ms),
                None => runner.stop(End::CardGone),
            }
        }
        runner.result(1)
    }

    fn told(result: &ScriptResult) -> (End, u32, u32, usize) {
        (result.end, result.at, result.n, result.r.len())
    }

    #[test]
    fn commands_come_in_their_order_and_each_answer_is_told() {
        let result = run(script(three()), &[(&DONE, 1), (&DONE, 2), (&[0xAA, 0x90, 0x00], 3)]);
        assert_eq!(told(&result), (End::Done, 3, 3, 3));
        assert_eq!((result.t, result.r[2].as_bytes()), (vec![1, 2, 3], &[0xAA, 0x90, 0x00][..]));
        assert_eq!(told(&run(script(Vec::new()), &[])), (End::Done, 0, 0, 0));
    }

    #[test]
    fn an_answer_that_is_not_accepted_is_the_last() {
        for (answer, end) in [
            (&[0x6A, 0x82][..], End::Status),
            (&[0x90][..], End::Status),
            (&[][..], End::Status),
            (&[0x01, 0x12, 0x90, 0x00][..], End::Match),
            (&[0x01, 0x90, 0x00][..], End::Match),
        ] {
            let mut steps = three();
            let (mask, value) = (HexBytes::new([0x0F]), HexBytes::new([0x01]));
            steps[1].matches = vec![Match { offset: 1, mask, value }];
            let result = run(script(steps.clone()), &[(&DONE, 1), (answer, 1)]);
            assert_eq!(told(&result), (end, 1, 2, 2), "{answer:02X?}");
            let accepted = run(script(steps.clone()), &[(&DONE, 1), (&[0x01, 0xF1, 0x90, 0x00], 1), (&DONE, 1)]);
            assert_eq!(accepted.end, End::Done);
            steps[1].stop = Fault::GoOn;
            assert_eq!(run(script(steps), &[(&DONE, 1), (answer, 1), (&DONE, 1)]).end, End::Done, "worth a try");
        }
    }

    #[test]
    fn other_status_words_are_accepted_by_their_beginning() {
        let mut steps = three();
        steps[0].sw = vec![HexBytes::new(DONE), HexBytes::new([0x62])];
        assert_eq!(run(script(steps.clone()), &[(&[0x62, 0x83], 1), (&DONE, 1), (&DONE, 1)]).end, End::Done);
        assert_eq!(told(&run(script(steps), &[(&[0x63, 0x00], 1)])), (End::Status, 0, 1, 1));
    }

    #[test]
    fn time_runs_out_for_a_command_and_for_the_script() {
        assert_eq!(told(&run(script(three()), &[(&DONE, 501)])), (End::Timeout, 0, 1, 1));
        let mut runner = Runner::new(script(three()));
        assert_eq!(runner.next_command().map(|due| due.ms), Some(500));
        runner.on_response(&DONE, 500);
        assert_eq!(runner.next_command().map(|due| due.ms), Some(500));
        runner.on_response(&DONE, 400);
        assert_eq!(runner.next_command().map(|due| due.ms), Some(100), "what is left of the script's time");
        runner.on_response(&DONE, 100);
        assert_eq!(told(&runner.result(1)), (End::Done, 3, 3, 3));
        let mut four = three();
        four.push(Step::new([0x00, 0xB0, 0x00, 0x00], 500));
        assert_eq!(told(&run(script(four), &[(&DONE, 400), (&DONE, 400), (&DONE, 200)])), (End::Timeout, 3, 3, 3));
    }

    #[test]
    fn a_reason_from_outside_ends_it_once() {
        assert_eq!(told(&run(script(three()), &[(&DONE, 1)])), (End::CardGone, 1, 2, 1));
        let mut runner = Runner::new(script(three()));
        runner.stop(End::Expired);
        runner.stop(End::NoCard);
        assert!(runner.next_command().is_none());
        runner.on_response(&DONE, 1);
        assert_eq!(told(&runner.result(1)), (End::Expired, 0, 0, 0));
        let mut waiting = Runner::new(script(three()));
        assert!(waiting.next_command().is_some() && waiting.next_command().is_none(), "one command at a time");
        assert_eq!(told(&waiting.result(1)), (End::Cancelled, 0, 1, 0));
    }

    #[test]
    fn whatever_a_card_answers_the_result_fits_a_message() {
        let longest = [vec![0x55; 8 * 1024 - 2], DONE.to_vec()].concat();
        let steps: Vec<Step> = (0..=255).map(|_| Step::new([0x00, 0xB0, 0x00, 0x00], u32::MAX)).collect();
        for answer in [&longest[..], &longest[..200], &DONE] {
            let mut answer = answer.to_vec();
            answer.extend(DONE);
            let answers: Vec<(&[u8], u32)> = vec![(&answer, 3); 256];
            let result = run(Script { budget_ms: u32::MAX, ..script(steps.clone()) }, &answers);
            assert!(encode(&TerminalMessage::Result(result)).is_ok());
        }
    }
}
