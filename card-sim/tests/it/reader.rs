//! The feeder against a reader: the vpcd protocol, eject and interruption, the binary itself.

use crate::host::blank;
use fuda_card_sim::Card;
use fuda_card_sim::fault::Fault;
use fuda_card_sim::feeder::{Handling, Tally, feed};
use fuda_card_sim::stack::Stack;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

/// The reader's side of one connection.
struct Slot(TcpStream);

impl Slot {
    fn accept(listener: &TcpListener) -> Self {
        listener.set_nonblocking(true).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        let stream = loop {
            match listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "no card came: {error}"),
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Length and body in two writes, as the packaged driver does it.
    fn say(&mut self, message: &[u8]) {
        let length = u16::try_from(message.len()).unwrap();
        self.0.write_all(&length.to_be_bytes()).unwrap();
        self.0.write_all(message).unwrap();
    }

    /// The next message, `None` at the end of the connection.
    fn hear(&mut self) -> Option<String> {
        let mut length = [0; 2];
        self.0.read_exact(&mut length).ok()?;
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut body).ok()?;
        Some(hex::encode_upper(body))
    }

    fn exchange(&mut self, command: &str) -> Option<String> {
        self.say(&hex::decode(command).unwrap());
        self.hear()
    }

    /// Power on, ATR, and which chip it is.
    fn insert(&mut self) -> String {
        self.say(&[0x01]);
        self.say(&[0x04]);
        assert_eq!(self.hear().unwrap(), "3B8581018073F621C0E1", "ATR");
        self.exchange("00CA004500").unwrap()
    }

    fn eject(mut self) {
        self.say(&[0x00]);
    }
}

fn stack_of(folder: &Path, count: u8) {
    for number in 0..count {
        let kdd = fuda_card::id::Kdd::new([number; 10]);
        drop(Card::create(&folder.join(format!("{kdd}.card")), fuda_card_sim::Blank { kdd, ..blank() }).unwrap());
    }
}

fn name(number: u8) -> String {
    format!("{}9000", hex::encode_upper([number; 10]))
}

#[test]
fn eject_brings_the_next_card_and_anything_else_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let tray = tempfile::tempdir().unwrap();
    stack_of(folder.path(), 2);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Not a scoped thread: a test that fails must not wait for its feeder.
    let stack = Stack::of_folder(folder.path()).unwrap();
    let faults = vec!["2/4:pulled".parse::<Fault>().unwrap()];
    let handling = Handling { faults, eject_to: Some(tray.path().to_owned()), ..Handling::default() };
    let feeder = std::thread::spawn(move || {
        let tally = Tally::default();
        feed(address, &stack, &handling, &tally).unwrap();
        [tally.presented, tally.ejected, tally.unreadable].map(AtomicUsize::into_inner)
    });
    let mut slot = Slot::accept(&listener);
    assert_eq!(slot.insert(), name(0));
    drop(slot);
    let mut slot = Slot::accept(&listener);
    assert_eq!(slot.insert(), name(0), "the line died: the card is still in");
    slot.say(&[0x00]);
    assert_eq!(slot.insert(), name(0), "power off alone is no eject");
    slot.eject();
    let mut slot = Slot::accept(&listener);
    assert_eq!(slot.insert(), name(1), "the next one");
    assert_eq!(slot.exchange("00A4040000").unwrap().len(), 2 * 14);
    assert_eq!(slot.exchange("00A4040000").unwrap().len(), 2 * 14);
    assert_eq!(slot.exchange("00A4040000"), None, "pulled out at its fourth command");
    let mut slot = Slot::accept(&listener);
    assert_eq!(slot.insert(), name(1), "and pushed in again");
    slot.say(&[0x02]);
    assert_eq!(slot.exchange("00A40000023F00").unwrap(), "6A82");
    slot.eject();
    assert_eq!(feeder.join().unwrap(), [2, 2, 0]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(tray.path()).unwrap().count(), 2);
}

#[test]
fn two_writes_per_message_do_not_wait_for_an_acknowledgement() {
    let folder = tempfile::tempdir().unwrap();
    stack_of(folder.path(), 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stack = Stack::of_folder(folder.path()).unwrap();
    std::thread::spawn(move || feed(address, &stack, &Handling::default(), &Tally::default()));
    let mut slot = Slot::accept(&listener);
    slot.0.set_nodelay(false).unwrap();
    slot.insert();
    let started = Instant::now();
    for _ in 0..200 {
        slot.exchange("00CA004500").unwrap();
    }
    // With delayed acknowledgements 200 exchanges take at least 8 s.
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    slot.eject();
}

/// A simulator process that does not outlive its test.
struct Serve(Child);

impl Drop for Serve {
    fn drop(&mut self) {
        // It has ended already when the test went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_fuda-card-sim"))
}

fn json(command: &mut Command) -> (i32, serde_json::Value) {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), serde_json::from_str(text.lines().last().unwrap()).unwrap())
}

#[test]
fn the_binary_makes_serves_and_shows() {
    let folder = tempfile::tempdir().unwrap();
    let stack = folder.path().join("stack");
    let blank =
        |from: &str| json(binary().args(["blank", "--count", "2", "--json", "--kdd-from", from, "--dir"]).arg(&stack));
    assert_eq!(blank("000000000000000000FF").0, 0);
    let (exit, error) = blank("00000000000000000100");
    assert_eq!((exit, error["error"]["code"].as_str()), (9, Some("CARD_FILE_UNREADABLE")), "no chip is overwritten");
    assert_eq!(std::fs::read_dir(&stack).unwrap().count(), 2, "00FF and 0100");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let trace = folder.path().join("trace");
    let port = listener.local_addr().unwrap().port();
    let mut serve = binary();
    serve
        .args(["serve", "--connect", &format!("127.0.0.1:{port}")])
        .arg("--dir")
        .arg(&stack)
        .arg("--trace")
        .arg(&trace);
    let mut serve = Serve(serve.spawn().unwrap());
    for chip in ["000000000000000000FF", "00000000000000000100"] {
        let mut slot = Slot::accept(&listener);
        assert_eq!(slot.insert(), format!("{chip}9000"));
        assert!(slot.exchange("8050FF00085A5A5A5A5A5A5A5A00").unwrap().ends_with("0000019000"));
        slot.eject();
    }
    assert!(serve.0.wait().unwrap().success());
    let lines = std::fs::read_to_string(&trace).unwrap();
    assert_eq!(lines.lines().count(), 4);
    assert!(lines.contains("00000000000000000100 8050FF00085A5A5A5A5A5A5A5A00 -> "), "{lines}");

    let file = stack.join("000000000000000000FF.card");
    let (exit, shown) = json(binary().args(["show", "--json"]).arg(&file));
    assert_eq!((exit, shown["key_sets"][0]["counter"].as_str()), (0, Some("000001")));
    assert!(shown["key_sets"][0].get("keys").is_none());
    let (_, shown) = json(binary().args(["show", "--json", "--with-keys"]).arg(&file));
    assert_eq!(shown["key_sets"][0]["keys"].as_array().unwrap().len(), 3);
}

#[test]
fn told_to_stop_it_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    stack_of(folder.path(), 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let serve = binary().args(["serve", "--connect", &address]).arg("--dir").arg(folder.path()).spawn().unwrap();
    let mut serve = Serve(serve);
    let mut slot = Slot::accept(&listener);
    slot.insert();
    let pid = rustix::process::Pid::from_child(&serve.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(serve.0.wait().unwrap().success());
    assert_eq!(slot.hear(), None);
}

#[test]
fn wrong_arguments_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for (arguments, exit, code) in [
        (["serve", "--dir", dir, "--connect", "nowhere"], 2, "USAGE"),
        (["serve", "--dir", "/nonexistent", "--connect", "127.0.0.1:1"], 9, "CARD_FILE_UNREADABLE"),
        (["blank", "--count=1", "--dir", dir, "--initial-kdk=00"], 2, "USAGE"),
        (["serve", "--dir", dir, "--connect=127.0.0.1:1", "--fault=1:burn"], 2, "USAGE"),
    ] {
        let (status, error) = json(binary().arg("--json").args(arguments));
        assert_eq!((status, error["error"]["code"].as_str()), (exit, Some(code)), "{arguments:?}");
    }
}
