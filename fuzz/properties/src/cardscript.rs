//! The card script protocol: any text is refused or is a message that is written again as it was read, and any script runs to an end that
//! can be told, whatever the card answers.
//!
//! `text ‖ 00 ‖ answers`, each answer a length byte and its bytes; a length of FF is the end of the card.

use crate::bytes::Bytes;
use fuda_card::cardscript::limits::{MESSAGE_BYTES_MAX, STEPS_MAX};
use fuda_card::cardscript::{
    CentreMessage, End, Fault, Message, Runner, Script, ScriptResult, Step, TerminalMessage, decode, encode,
};

/// The length that says that the card is gone.
const GONE: u8 = 0xFF;

/// Messages of both sides; a script is run with the answers that follow it.
pub fn check(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (text, answers) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    again::<TerminalMessage>(text);
    if let Some(CentreMessage::Script(script)) = again::<CentreMessage>(text) {
        run(&script, Bytes(answers));
    }
}

fn again<M: Message + PartialEq + std::fmt::Debug>(text: &[u8]) -> Option<M> {
    let message: M = decode(text).ok()?;
    // Defaults that were left out may be written, so the text may grow beyond what a message may have.
    let written = encode(&message).ok()?;
    assert_eq!(decode::<M>(written.as_bytes()).as_ref(), Ok(&message));
    Some(message)
}

fn run(script: &Script, mut answers: Bytes<'_>) {
    let mut runner = Runner::new(script.clone());
    let mut given: Vec<&[u8]> = Vec::new();
    let mut sent = 0;
    while let Some(due) = runner.next_command() {
        let step = &script.steps[sent];
        assert_eq!((due.command, due.text), (step.c.as_bytes(), step.p.as_str()), "in their order");
        assert!(due.ms <= step.ms && due.ms <= script.budget_ms);
        assert!(given.iter().zip(&script.steps).all(|(answer, step)| may_go_on(step, answer)), "stops at a fault");
        sent += 1;
        assert!(runner.next_command().is_none(), "one command at a time");
        match answers.byte() {
            GONE => runner.stop(End::CardGone),
            length => {
                let answer = answers.take(usize::from(length));
                given.push(answer);
                runner.on_response(answer, u32::from(length));
            }
        }
    }
    runner.stop(End::Cancelled);
    let result = runner.result(1);
    told(script, &result, sent, &given);
}

fn told(script: &Script, result: &ScriptResult, sent: usize, given: &[&[u8]]) {
    assert!(sent <= script.steps.len() && sent <= STEPS_MAX);
    assert_eq!(usize::try_from(result.n).unwrap(), sent);
    assert!(result.r.iter().map(fuda_card::cardscript::HexBytes::as_bytes).eq(given.iter().copied()));
    let at = usize::try_from(result.at).unwrap();
    match result.end {
        End::Done => assert_eq!((at, given.len()), (script.steps.len(), script.steps.len())),
        End::Status | End::Match => assert_eq!(at + 1, given.len(), "the last answer is the fault"),
        End::Timeout => assert!(at <= given.len()),
        End::CardGone => assert_eq!(at, given.len()),
        End::Expired | End::Cancelled | End::NoCard => panic!("{:?} is nobody's reason here", result.end),
    }
    let text = encode(&TerminalMessage::Result(result.clone())).expect("a result fits a message");
    assert!(text.len() <= MESSAGE_BYTES_MAX);
    assert_eq!(decode(text.as_bytes()), Ok(TerminalMessage::Result(result.clone())));
}

/// Whether a step lets the script go on, said in another way than the runner does.
fn may_go_on(step: &Step, answer: &[u8]) -> bool {
    if step.stop == Fault::GoOn {
        return true;
    }
    let Some(data) = answer.len().checked_sub(2) else { return false };
    let (data, sw) = answer.split_at(data);
    let is_accepted = step.sw.iter().any(|accepted| sw[..accepted.len()] == *accepted.as_bytes());
    let is_met = step.matches.iter().all(|rule| {
        (0..rule.mask.len()).all(|number| {
            let found = data.get(usize::from(rule.offset) + number);
            found.is_some_and(|found| found & rule.mask.as_bytes()[number] == rule.value.as_bytes()[number])
        })
    });
    is_accepted && is_met
}
