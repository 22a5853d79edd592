//! `serve`: one feeder per reader, all drawing from one stack.

use clap::Args;
use fuda_card_sim::Error;
use fuda_card_sim::fault::{Fault, GRAMMAR, duration};
use fuda_card_sim::feeder::{Handling, Tally, feed};
use fuda_card_sim::stack::Stack;
use fuda_card_sim::trace::Trace;
use fuda_cli::{Exit, Failure, Globals, output};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How often the main thread looks whether it was told to stop.
const POLL: Duration = Duration::from_millis(20);

/// The arguments.
#[derive(Debug, Args)]
#[command(after_long_help = "Faults:\n".to_owned() + GRAMMAR)]
pub(crate) struct Serve {
    /// Folder of the card files; each card is put in once
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Readers to connect to, one port each
    #[arg(long, value_name = "HOST:PORT[-PORT]")]
    connect: String,
    /// Time that every command takes
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration)]
    latency: Duration,
    /// Something that goes wrong; can be given again (see --help for the grammar)
    #[arg(long, value_name = "[CHIP/]STEP:KIND")]
    fault: Vec<Fault>,
    /// Append one line per APDU to a file, with all its bytes
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Move the file of an ejected card to this folder [default: leave it]
    #[arg(long, value_name = "DIR")]
    eject_to: Option<PathBuf>,
}

impl Serve {
    /// Feeds until the stack is empty or a signal comes.
    pub(crate) fn run(self, globals: &Globals) -> Result<Exit, Failure> {
        let told_to_stop = stop_flag()?;
        let readers = readers(&self.connect)?;
        let stack = Arc::new(Stack::of_folder(&self.dir)?);
        if let Some(folder) = &self.eject_to {
            std::fs::create_dir_all(folder).map_err(|source| Error::CardFile { path: folder.clone(), source })?;
        }
        let handling = Arc::new(Handling {
            latency: self.latency,
            faults: self.fault,
            trace: self.trace.as_deref().map(Trace::append).transpose()?,
            eject_to: self.eject_to,
        });
        let tally = Arc::new(Tally::default());
        let (done, ended) = channel::<()>();
        for reader in readers {
            let (stack, handling, tally) = (Arc::clone(&stack), Arc::clone(&handling), Arc::clone(&tally));
            let done = done.clone();
            std::thread::spawn(move || {
                while let Err(error) = feed(reader, &stack, &handling, &tally) {
                    output::note(&Failure::from(error).to_string());
                    tally.unreadable.fetch_add(1, Ordering::Relaxed);
                }
                drop(done);
            });
        }
        drop(done);
        wait(&ended, &told_to_stop);
        Ok(report(globals, &tally))
    }
}

/// Until the last feeder has dropped its end, or a signal comes. Every card is saved before it answers, so the feeders
/// may be left where they are.
fn wait(ended: &Receiver<()>, told_to_stop: &AtomicBool) {
    while !told_to_stop.load(Ordering::Relaxed) {
        if ended.recv_timeout(POLL) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn report(globals: &Globals, tally: &Tally) -> Exit {
    let [presented, ejected, unreadable] =
        [&tally.presented, &tally.ejected, &tally.unreadable].map(|count| count.load(Ordering::Relaxed));
    if globals.json {
        output::json(&json!({ "presented": presented, "ejected": ejected, "unreadable": unreadable }));
    } else {
        output::line(&format!("{presented} cards put in, {ejected} ejected, {unreadable} unreadable"));
    }
    if unreadable == 0 { Exit::Done } else { Exit::Incomplete }
}

fn stop_flag() -> Result<Arc<AtomicBool>, Error> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|_| Error::System { what: "a signal handler" })?;
    }
    Ok(flag)
}

/// HOST:PORT or HOST:PORT-PORT, both ends included.
fn readers(text: &str) -> Result<Vec<SocketAddr>, Error> {
    let wrong = || Error::Argument { text: text.to_owned(), expected: "HOST:PORT or HOST:PORT-PORT" };
    let (host, ports) = text.rsplit_once(':').ok_or_else(wrong)?;
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong);
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(wrong());
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let failed = |source| Error::Address { address: text.to_owned(), source };
    let address = (host, first).to_socket_addrs().map_err(failed)?.next().ok_or_else(wrong)?;
    Ok((first..=last).map(|port| SocketAddr::new(address.ip(), port)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_is_a_reader_each() {
        let ports = |text: &str| readers(text).unwrap().iter().map(SocketAddr::port).collect::<Vec<_>>();
        assert_eq!(ports("127.0.0.1:7001"), [7001]);
        assert_eq!(ports("[::1]:7001-7003"), [7001, 7002, 7003]);
        for wrong in ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:9-8", "127.0.0.1:70000"] {
            assert!(readers(wrong).is_err(), "{wrong}");
        }
    }
}
