//! The dialogues of `card-sim/tests/dialogues` once more, over PC/SC: pcscd, its vpcd driver, a simulated card in a process of its own, and a
//! client in Python that knows no card. What the card answers there is what it answers in memory, byte for byte.

use super::pcscd::Pcsc;
use fuda_card::Transport;
use fuda_card::scp03::Mode;
use fuda_tests::Running;
use fuda_tests::running::until;
use fuda_tests::site::repository;
use fuda_tests::skip::needs;
use player::{Bench, ChipForm, Played, Unable, play};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

#[path = "../../../card-sim/tests/dialogues/player/mod.rs"]
mod player;

/// Identity of every chip of the dialogues.
const KDD: &str = "00010203040506070809";

#[test]
fn every_dialogue_is_the_same_over_pcsc() {
    let test = "peers::dialogues::every_dialogue_is_the_same_over_pcsc";
    let Some(python) = needs(test, "python3") else { return };
    let Some(pcsc) = Pcsc::start(test) else { return };
    let folder = repository("card-sim/tests/dialogues");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.filter_map(|name| Some(name.strip_suffix(".dialogue")?.to_owned())).collect();
    names.sort();
    assert!(names.len() >= 20, "{names:?}");
    let mut left_out = Vec::new();
    for name in names {
        let mut reader = Reader { pcsc: &pcsc, python: &python, card: None };
        match play(&folder, &name, &mut reader) {
            Ok(Played::Whole(_)) => {}
            Ok(Played::LeftOut(_)) => left_out.push(name),
            Err(what) => panic!("{what}"),
        }
    }
    assert_eq!(left_out, ["torn_writes", "try_delay"], "a reader's faults and clock are not in our hand");
}

/// The reader, and who holds the card and who talks to it.
struct Reader<'p> {
    pcsc: &'p Pcsc,
    python: &'p std::path::Path,
    card: Option<(Client, Running)>,
}

/// The client, which takes words and answers lines.
struct Client {
    child: Child,
    words: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Client {
    fn start(reader: &Reader<'_>) -> Self {
        let script = repository("tests/peers/relay.py");
        let mut command = reader.pcsc.command(reader.python, &[script.to_str().unwrap()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (words, lines) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Self { child, words: Some(words), lines };
        assert_eq!(client.line(), "ready");
        client
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn say(&mut self, word: &str) -> String {
        writeln!(self.words.as_mut().unwrap(), "{word}").unwrap();
        self.line()
    }
}

impl Drop for Client {
    /// The end of its input is the client's end: it lets go of the card first.
    fn drop(&mut self) {
        drop(self.words.take());
        let _ = self.child.wait();
    }
}

impl Reader<'_> {
    fn control(&mut self, word: &str) -> Result<(), Unable> {
        let (client, _) = self.card.as_mut().ok_or(Unable("a card"))?;
        if client.say(word) == "done" { Ok(()) } else { Err(Unable("a card that stays")) }
    }

    fn take_out(&mut self) {
        if self.card.take().is_some() {
            until("the card is out", || self.pcsc.slot() == "empty");
        }
    }
}

impl Transport for Reader<'_> {
    type Error = String;

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, String> {
        let (client, _) = self.card.as_mut().ok_or("there is no card")?;
        let answer = client.say(&hex::encode(command));
        hex::decode(&answer).map_err(|_| answer)
    }
}

impl Bench for Reader<'_> {
    fn blank(&mut self, form: ChipForm) -> Result<(), Unable> {
        self.take_out();
        let _ = std::fs::remove_dir_all(self.pcsc.site.path("stack"));
        let (atr, scp) = (if form.t0 { "t0" } else { "t1" }, if form.mode == Mode::S8 { "s8" } else { "s16" });
        let blank = ["blank", "--count", "1", "--dir", "stack", "--kdd-from", KDD, "--atr", atr, "--scp", scp];
        let _ = self.pcsc.site.sim(&blank).done();
        let feeder = self.pcsc.put_in(&[]);
        self.card = Some((Client::start(self), feeder));
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Unable> {
        self.control("reset")
    }

    fn power(&mut self) -> Result<(), Unable> {
        self.control("power")
    }

    fn fault(&mut self, _: &str) -> Result<(), Unable> {
        Err(Unable("faults at a chosen command"))
    }

    fn took(&self) -> Option<Duration> {
        None
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.take_out();
    }
}
