//! `fuda-kms worker`: an HSM worker as a process of its own. Its standard input is the socket to the pool that started it.
//!
//! It holds the PIN from the frame that brings it to C_Login, and no longer. It ends when the socket does.

use crate::duty::{Duty, NewestEpoch};
use crate::error::Error;
use crate::fault::Fault;
use crate::frame::{Arrived, Framed};
use crate::login::{Login, TokenConfig};
use crate::pin::PinSource;
use crate::protocol::{Build, FromWorker, Hello, On, ToWorker};
use crate::provider::Provider;
use crate::registry::Registry;
use crate::secret::Pin;
use crate::worker;
use fuda_cli::{Exit, Failure};
use fuda_store::{Options, SchemaPolicy, Store};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

/// Serves the pool at the other end of standard input, until that end is closed.
///
/// # Errors
/// `USAGE` when standard input is no socket: this is no command for people. Everything else is told to the pool.
pub fn run() -> Result<Exit, Failure> {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let pipe = socket.map_err(|error| Error::Message { text: error.to_string() }).and_then(Framed::new);
    let Ok(mut pipe) = pipe else {
        let what = "`worker` is started by the programs that need an HSM, with a socket as standard input";
        return Err(Failure::new("USAGE", Exit::Usage, what));
    };
    match start(&mut pipe) {
        Ok(Some(duty)) => {
            // A socket that broke is as good as one that was closed.
            let _ = serve(duty, &mut pipe);
            Ok(Exit::Done)
        }
        Ok(None) => Ok(Exit::Done),
        Err(error) => {
            let _ = FromWorker::Refused(Fault::of(&error)).to_wire().and_then(|message| pipe.send(&message));
            Ok(error.exit())
        }
    }
}

/// From the first message to the last check of a key; nothing when the pool went away.
fn start(pipe: &mut Framed) -> Result<Option<Duty>, Error> {
    let Arrived::Frame(bytes) = pipe.receive_next()? else { return Ok(None) };
    let ToWorker::Hello(hello) = ToWorker::from_wire(&bytes)? else { return Err(out_of_turn()) };
    pipe.send(&FromWorker::Hello(Build::ours()).to_wire()?)?;
    hello.build.check()?;
    let Arrived::Frame(bytes) = pipe.receive_next()? else { return Ok(None) };
    let pin = std::str::from_utf8(&bytes).map_err(|_| Error::PinInput { text: "it is not UTF-8".to_owned() })?;
    let pin = Pin::new(pin.to_owned());
    drop(bytes);
    let duty = open(&hello, || pool_is_there(pipe).map(|()| pin))?;
    // Only now may anybody kill this process: the token is not in the midst of a login.
    end_with_the_pool();
    pipe.send(&FromWorker::Ready { epoch: duty.epoch() }.to_wire()?)?;
    Ok(Some(duty))
}

/// A worker may have waited for the start-up lock for long: nobody logs in for a pool that is gone.
fn pool_is_there(pipe: &Framed) -> Result<(), Error> {
    let silent = !pipe.readable(Instant::now())?;
    if silent { Ok(()) } else { Err(Error::Message { text: "the pool went away".to_owned() }) }
}

fn open(hello: &Hello, pin: impl FnOnce() -> Result<Pin, Error>) -> Result<Duty, Error> {
    let token = TokenConfig {
        module: hello.module.clone(),
        label: hello.label()?,
        // Never read: the PIN came by the socket.
        pin: PinSource::Prompt,
        state_dir: hello.state_dir.clone(),
        mode: hello.mode.into(),
        provider: Provider::named(&hello.provider)?,
    };
    let options = Options { schema: SchemaPolicy::MustMatch, ..Options::default() };
    let registry = Registry::open(Store::open_with(&hello.store, &options)?);
    let login = Arc::new(Login::once(&token, pin)?);
    let duty = Duty::start(login, registry, Arc::new(NewestEpoch::default()))?;
    Ok(match hello.on {
        On::Token => duty,
        On::Copy => duty.on_a_copy(),
    })
}

/// The kernel ends this process with the thread that started it; should it be too late for that, the socket is closed already.
fn end_with_the_pool() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        tracing::warn!(%error, "the worker will end by its socket alone");
    }
}

fn serve(mut duty: Duty, pipe: &mut Framed) -> Result<(), Error> {
    loop {
        let Arrived::Frame(bytes) = pipe.receive_next()? else { return Ok(()) };
        match ToWorker::from_wire(&bytes)? {
            ToWorker::Request { id, task } => {
                let done = worker::perform(&mut duty, &task);
                pipe.send(&FromWorker::Answer { id, epoch: duty.epoch(), done }.to_wire()?)?;
            }
            ToWorker::Drain => return Ok(()),
            ToWorker::Hello(_) => return Err(out_of_turn()),
        }
    }
}

fn out_of_turn() -> Error {
    Error::Message { text: "a message out of turn".to_owned() }
}
