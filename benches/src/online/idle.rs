//! `online.idle_session_bytes`: what a session costs a node while its member looks for the card.
//!
//! The slope of the node's memory between two numbers of open WebSockets, so that what the node has anyway does not count.

use super::node::Node;
use super::terminal;
use crate::doing::{Doing, failed};
use crate::report::Entry;
use crate::rounds::number;
use fuda_cli::Failure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::Mutex;

/// Sessions at the two ends of the slope.
const FEW: u64 = 2_000;
const MANY: u64 = 8_000;
/// What a session may cost: ten thousand of them are 300 MB.
const LIMIT_BYTES: f64 = 30_000.0;
/// Threads that open sessions.
const OPENERS: u64 = 8;
/// Descriptors that either side needs besides its sessions.
const SPARE: u64 = 512;

/// Lets this process, and a node that it starts afterwards, have as many connections as are to be opened.
///
/// # Errors
/// When the system allows no more.
pub fn make_room() -> Result<(), Failure> {
    let wanted = MANY + SPARE;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if maximum.is_some_and(|maximum| maximum < wanted) {
        return Err(failed(format!("this system allows a process {maximum:?} files; {wanted} are needed")));
    }
    if current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
            .doing("raise the limit of open files")?;
    }
    Ok(())
}

/// Measures with a node that was started after [`make_room`].
///
/// # Errors
/// When a session cannot be opened.
pub fn measure(node: &Node) -> Result<Entry, Failure> {
    let sessions = Mutex::new(Vec::new());
    let open = |until: u64| {
        std::thread::scope(|scope| {
            let opener = || {
                loop {
                    let session = terminal::idle(&node.way)?;
                    let mut sessions = sessions.lock().map_err(|_| failed("an opener panicked".to_owned()))?;
                    sessions.push(session);
                    if u64::try_from(sessions.len()).unwrap_or(u64::MAX) + OPENERS > until {
                        return Ok::<_, Failure>(());
                    }
                }
            };
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(opener)).collect();
            openers.into_iter().try_for_each(|o| o.join().unwrap_or_else(|_| Err(failed("panic".to_owned()))))
        })?;
        let count = sessions.lock().map_err(|_| failed("an opener panicked".to_owned()))?.len();
        Ok::<_, Failure>((number(u64::try_from(count).unwrap_or_default()), node.memory_bytes()?))
    };
    let (few, before) = open(FEW)?;
    let (many, after) = open(MANY)?;
    Ok(Entry {
        name: "online.idle_session_bytes",
        value: (after - before) / (many - few),
        unit: "bytes",
        bound: Some(LIMIT_BYTES),
        note: format!(
            "lower is better; slope of the node's memory between {few:.0} and {many:.0} WebSockets over TLS 1.3, each after one answer; \
             {:.0} MB with {many:.0}; bound: what is aimed at",
            after / 1e6
        ),
    })
}
