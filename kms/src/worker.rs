//! One worker: takes work from the queue, does what a return value asks for before it gives up, answers.

use crate::duty::Duty;
use crate::error::Error;
use crate::message::{CardAnswer, CardRequest, Epoch};
use crate::metrics::Counters;
use crate::name::KeyVersion;
use crate::rv::Class;
use crossbeam_channel::{Receiver, Sender};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits before a call is tried again that met a token out of sessions or memory; together below a second.
const BACK_OFF_MS: [u64; 4] = [20, 60, 180, 540];

/// Something to do, and where the answer goes. A caller that has gone away loses it.
#[derive(Debug)]
pub(crate) enum Work {
    Card { request: CardRequest, answer: Sender<Result<CardAnswer, Error>> },
    Sign { epoch: Epoch, key: KeyVersion, digest: [u8; 32], answer: Sender<Result<[u8; 64], Error>> },
    PublicKey { epoch: Epoch, key: KeyVersion, answer: Sender<Result<p256::PublicKey, Error>> },
}

/// Work with the time it was put into the queue.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) since: Instant,
    pub(crate) work: Work,
}

/// Serves until the queue is closed and empty.
pub(crate) fn serve(mut duty: Duty, jobs: &Receiver<Job>, counters: &Counters) {
    for Job { since, work } in jobs {
        match work {
            Work::Card { request, answer } => answered(&mut duty, counters, since, &answer, |duty| {
                let done = duty.card(&request)?;
                counters.calls(done.calls);
                Ok(done)
            }),
            Work::Sign { epoch, key, digest, answer } => {
                answered(&mut duty, counters, since, &answer, |duty| duty.sign(epoch, &key, &digest));
            }
            Work::PublicKey { epoch, key, answer } => {
                answered(&mut duty, counters, since, &answer, |duty| duty.public_key(epoch, &key));
            }
        }
    }
}

/// Does the work, counts it, and only then answers: a caller that has its answer finds it counted.
fn answered<T>(
    duty: &mut Duty,
    counters: &Counters,
    since: Instant,
    answer: &Sender<Result<T, Error>>,
    work: impl Fn(&mut Duty) -> Result<T, Error>,
) {
    let taken = Instant::now();
    let outcome = persist(duty, counters, work);
    let failed = if outcome.is_err() { Failed::Yes } else { Failed::No };
    counters.request(taken - since, taken.elapsed(), failed);
    let _ = answer.send(outcome);
}

/// Whether a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    Yes,
    No,
}

/// Tries work again as far as its return value's class allows (`rv.rs`).
fn persist<T>(duty: &mut Duty, counters: &Counters, work: impl Fn(&mut Duty) -> Result<T, Error>) -> Result<T, Error> {
    let mut pauses = BACK_OFF_MS.into_iter();
    let mut reopened = false;
    loop {
        let error = match work(duty) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let again = match error.class() {
            Class::ReopenOnce => !reopened,
            // A failed call says little; a failed known answer says that the session or the token is gone.
            Class::Reset => !reopened && duty.test().is_err(),
            Class::BackOff => match pauses.next() {
                Some(pause) => {
                    sleep(Duration::from_millis(pause));
                    counters.retry();
                    continue;
                }
                None => false,
            },
            Class::Fine | Class::NeverRetry | Class::Configuration | Class::Other => false,
        };
        if !again {
            return Err(error);
        }
        tracing::warn!(%error, "HSM session is opened anew");
        counters.retry();
        reopened = true;
        duty.reopen()?;
    }
}
