//! A worker process from the outside: started, greeted, asked, drained, and in the end gone.

use super::copy::PrivateCopy;
use super::error::PoolError;
use super::pin::Keeper;
use crate::error::Error;
use crate::frame::{Arrived, Framed};
use crate::message::Epoch;
use crate::protocol::{Build, FromWorker, Hello, ToWorker};
use crate::worker::{Done, Task};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Signals by which others end a process; no library sends them to itself.
const KILL: i32 = rustix::process::Signal::KILL.as_raw();
const TERM: i32 = rustix::process::Signal::TERM.as_raw();

/// Longest wait for a drained worker; then it is killed.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// A process with the socket to it.
#[derive(Debug)]
struct Process {
    child: Child,
    pipe: Framed,
    copy: Option<PrivateCopy>,
}

impl Process {
    fn spawn(program: &Path, copy: Option<PrivateCopy>) -> Result<Self, Error> {
        let failed = |error: std::io::Error| PoolError::Program { path: program.into(), text: error.to_string() };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new(program);
        // A group of its own: Ctrl-C at the terminal is for the line, which finishes its cards with these workers.
        command.arg("worker").stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).process_group(0);
        if let Some(copy) = &copy {
            command.env("SOFTHSM2_CONF", copy.configuration());
        }
        let child = command.spawn().map_err(failed)?;
        // The command held the worker's end; dropped with it, only the worker has it now, and its death is seen here.
        drop(command);
        Ok(Self { child, pipe: Framed::new(ours)?, copy })
    }

    fn leave(self, killable: Killable) -> Leaving {
        // Its socket closes here: that is the sign to end.
        let Self { child, copy, pipe: _ } = self;
        Leaving { child, copy, since: Instant::now(), killable }
    }
}

/// A worker on its way to the token.
#[derive(Debug)]
pub(super) struct Starting {
    process: Process,
    until: Instant,
    limit: Duration,
    greeted: Greeted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Greeted {
    No,
    /// It has the PIN and may be in C_Login.
    Yes,
    /// It said its last word.
    Over,
}

impl Starting {
    /// Starts the program and says hello.
    pub(super) fn spawn(
        program: &Path,
        copy: Option<PrivateCopy>,
        hello: Hello,
        limit: Duration,
    ) -> Result<Self, Error> {
        let mut process = Process::spawn(program, copy)?;
        // A program that ended at once has no open socket; that is told when its answer is awaited.
        let _ = process.pipe.send(&ToWorker::Hello(Box::new(hello)).to_wire()?);
        Ok(Self { process, until: Instant::now() + limit, limit, greeted: Greeted::No })
    }

    /// Goes on with the start, waiting until a moment at most. After an error the caller lets the process [`leave`](Self::leave).
    pub(super) fn poll(&mut self, until: Instant, pin: &Keeper) -> Result<Option<Epoch>, Error> {
        loop {
            match self.process.pipe.receive(until.min(self.until))? {
                Arrived::Frame(bytes) => {
                    if let Some(epoch) = self.heard(FromWorker::from_wire(&bytes), pin)? {
                        return Ok(Some(epoch));
                    }
                }
                Arrived::Nothing if Instant::now() >= self.until => {
                    return Err(PoolError::Late { waited_s: self.limit.as_secs() }.into());
                }
                Arrived::Nothing => return Ok(None),
                Arrived::End => return Err(ended(&mut self.process.child).into()),
            }
        }
    }

    fn heard(&mut self, message: Result<FromWorker, Error>, pin: &Keeper) -> Result<Option<Epoch>, Error> {
        match (self.greeted, message) {
            (Greeted::No, Ok(FromWorker::Hello(build))) => {
                build.check()?;
                self.greeted = Greeted::Yes;
                pin.send(&mut self.process.pipe).map(|()| None)
            }
            (_, Ok(FromWorker::Refused(fault))) => {
                self.greeted = Greeted::Over;
                Err(Error::Worker(Box::new(fault)))
            }
            (Greeted::Yes, Ok(FromWorker::Ready { epoch })) => Ok(Some(epoch)),
            (Greeted::No, _) => {
                let found = "a program that greets in another way".to_owned();
                Err(PoolError::Version { found, ours: Build::ours().to_string() }.into())
            }
            (_, Err(error)) => Err(error),
            (_, Ok(_)) => Err(Error::Message { text: "a message out of turn".to_owned() }),
        }
    }

    /// A worker that said ready.
    pub(super) fn into_worker(self) -> Worker {
        Worker { process: self.process, since: Instant::now(), last_id: 0, answered: 0, derived: 0 }
    }

    /// Lets go of it. When it may be in C_Login nobody kills it: it ends when it finds its socket closed. Before it had the PIN, and after
    /// it was refused, it has nothing to do with the token.
    pub(super) fn leave(self) -> Leaving {
        self.process.leave(if self.greeted == Greeted::Yes { Killable::No } else { Killable::Yes })
    }
}

/// A worker that serves.
#[derive(Debug)]
pub(super) struct Worker {
    process: Process,
    since: Instant,
    last_id: u64,
    /// Requests answered.
    pub(super) answered: u64,
    /// Objects derived.
    pub(super) derived: u64,
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Asked {
    /// The answer, and the epoch that the worker works by.
    Answered(Epoch, Box<Done>),
    /// Nothing in time.
    Hung,
    /// It ended, or speaks nonsense.
    Died(Error),
}

impl Worker {
    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// How long it has served.
    pub(super) fn served(&self) -> Duration {
        self.since.elapsed()
    }

    /// What became of it, when it ended between two requests.
    pub(super) fn gone(&mut self) -> Option<Error> {
        match self.process.pipe.receive(Instant::now()) {
            Ok(Arrived::Nothing) => None,
            Ok(Arrived::End) => Some(ended(&mut self.process.child).into()),
            Ok(Arrived::Frame(_)) => Some(Error::Message { text: "an answer to no request".to_owned() }),
            Err(error) => Some(error),
        }
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, task: &Task, limit: Duration) -> Asked {
        self.last_id += 1;
        let request = ToWorker::Request { id: self.last_id, task: task.clone() };
        if let Err(error) = request.to_wire().and_then(|message| self.process.pipe.send(&message)) {
            return Asked::Died(self.gone().unwrap_or(error));
        }
        match self.process.pipe.receive(Instant::now() + limit) {
            Ok(Arrived::Frame(bytes)) => match FromWorker::from_wire(&bytes) {
                Ok(FromWorker::Answer { id, epoch, done }) if id == self.last_id => {
                    self.answered += 1;
                    self.derived += task.derivations();
                    Asked::Answered(epoch, Box::new(done))
                }
                Ok(_) => Asked::Died(Error::Message { text: "an answer to another request".to_owned() }),
                Err(error) => Asked::Died(error),
            },
            Ok(Arrived::Nothing) => Asked::Hung,
            Ok(Arrived::End) => Asked::Died(ended(&mut self.process.child).into()),
            Err(error) => Asked::Died(error),
        }
    }

    /// Tells it to end.
    pub(super) fn drain(mut self) -> Leaving {
        let _ = ToWorker::Drain.to_wire().and_then(|message| self.process.pipe.send(&message));
        self.process.leave(Killable::Yes)
    }

    /// Kills it. It said ready, so it is not in C_Login.
    pub(super) fn kill(mut self) -> Leaving {
        let _ = self.process.child.kill();
        self.process.leave(Killable::Yes)
    }
}

/// A process that is to end.
#[derive(Debug)]
pub(super) struct Leaving {
    child: Child,
    copy: Option<PrivateCopy>,
    since: Instant,
    killable: Killable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killable {
    No,
    Yes,
}

impl Leaving {
    /// Whether it is gone; a drained worker that does not go is killed. With its end its copy of the token is removed.
    pub(super) fn is_gone(&mut self) -> bool {
        match self.child.try_wait() {
            Ok(None) if self.killable == Killable::Yes && self.since.elapsed() > LEAVE_MAX => {
                let _ = self.child.kill();
                false
            }
            Ok(None) => false,
            Ok(Some(_)) | Err(_) => {
                self.copy = None;
                true
            }
        }
    }

    /// Whether it is still on its way to the token, which no second worker of the place may be then.
    pub(super) fn is_starting(&self) -> bool {
        self.killable == Killable::No
    }

    /// Its copy stays when it outlives us: the next start on this machine removes it.
    pub(super) fn abandon(mut self) {
        if let Some(copy) = self.copy.take() {
            copy.keep();
        }
    }
}

/// How a process ended whose socket is closed.
fn ended(child: &mut Child) -> PoolError {
    // The socket closes a little before the process is a zombie.
    for _ in 0..50 {
        match child.try_wait() {
            Ok(Some(status)) if matches!(status.signal(), Some(KILL | TERM)) => {
                return PoolError::Killed { how: status.to_string() };
            }
            Ok(Some(status)) => return PoolError::Gone { how: status.to_string() },
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Err(error) => return PoolError::Gone { how: error.to_string() },
        }
    }
    PoolError::Gone { how: "it closed its socket".to_owned() }
}
