//! The terminal of these tests: an honest one, with a card in its reader whose power may go.

use crate::cuts::host::Contact;
use fuda_card::apdu::Command;
use fuda_card::cardscript::{End, Runner, Script, ScriptResult};

/// Runs a script as far as card and script go.
pub(super) fn run(script: Script, contact: &mut Contact) -> ScriptResult {
    let mut runner = Runner::new(script);
    while let Some(due) = runner.next_command() {
        let command = Command::decode(due.command).unwrap();
        match contact.transmit(&command) {
            Ok(response) => runner.on_response(&response.encode(), 1),
            Err(_) => runner.stop(End::CardGone),
        }
    }
    runner.result(1)
}
