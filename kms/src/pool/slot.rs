//! The life of one place of the pool: start a worker, serve with it, replace it.

use super::House;
use super::child::{Asked, Leaving, Starting, Worker};
use super::copy::PrivateCopy;
use super::error::PoolError;
use super::pace::Pace;
use crate::error::Error;
use crate::fault::Fault;
use crate::metrics::{Event, WorkerState};
use crate::queue::{Job, Taken};
use crate::rv::Class;
use crate::worker::After;
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a place looks after its processes while no request comes.
const TICK: Duration = Duration::from_millis(100);

/// The same while a fresh worker is on its way.
const TICK_RENEWING: Duration = Duration::from_millis(5);

/// Workers that may crash or hang with one request: it might be what they crash of.
const FAILURES_MAX: u32 = 3;

/// Workers that others may kill while they have one request. It is hardly the request's fault, unless it eats memory.
const KILLS_MAX: u32 = 8;

/// Workers in a row that may die on their way to the token before the place is reported failed.
const SILENT_DEATHS_MAX: u32 = 3;

/// How long such deaths are borne after the place had a worker, however many they are: callers wait for an answer as long as that, and
/// on a busy machine all places may lose their starters within half a second.
const SILENCE_MAX: Duration = Duration::from_secs(4);

/// Longest wait for drained workers when the pool ends; they have nothing to do but to end.
const END_MAX: Duration = Duration::from_secs(6);

/// The same for one that may be in C_Login.
const START_END_MAX: Duration = Duration::from_secs(1);

/// One place.
#[derive(Debug)]
pub(super) struct Slot {
    number: usize,
    house: Arc<House>,
    /// Told once how the first start went.
    first: Option<Sender<Result<(), Error>>>,
    pace: Pace,
    /// Workers started so far.
    started: u64,
    silent_deaths: u32,
    /// When the place last lost a worker that served.
    lost: Option<Instant>,
    leaving: Vec<Leaving>,
}

/// A worker that is to take another's place.
#[derive(Debug, Default)]
struct Renewal {
    why: Option<Event>,
    /// Not tried before.
    after: Option<Instant>,
    under_way: Option<Starting>,
}

/// Why a worker does not serve any more.
#[derive(Debug)]
enum End {
    /// The pool ends.
    Closed,
    /// It died or was killed.
    Dead { served: Duration },
    /// It asked to be replaced before it answers this.
    Replace { job: Job, why: Event },
}

impl Slot {
    pub(super) fn new(number: usize, house: Arc<House>, first: Sender<Result<(), Error>>) -> Self {
        let (pace, leaving) = (Pace::default(), Vec::new());
        Self { number, house, first: Some(first), pace, started: 0, silent_deaths: 0, lost: None, leaving }
    }

    /// Lives until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut kept = None;
        let mut wait = Duration::ZERO;
        while !(self.house.shared.queue.closed_within(wait) && kept.is_none()) {
            match self.start() {
                Ok(Some(worker)) => match self.serve(worker, kept.take()) {
                    End::Closed => break,
                    End::Dead { served } => wait = self.pace.after_end(served),
                    End::Replace { job, why } => {
                        kept = Some(job);
                        wait =
                            if why == Event::Reset { self.pace.before_reset(Instant::now()) } else { Duration::ZERO };
                    }
                },
                Ok(None) => break,
                Err(error) => {
                    self.failed(error, kept.take());
                    wait = self.pace.after_failure();
                }
            }
        }
        self.wind_up();
    }

    /// Starts a worker and waits until it is ready; nothing when the pool ends meanwhile.
    fn start(&mut self) -> Result<Option<Worker>, Error> {
        // A worker that hangs on its way to the token is neither killed nor joined by others.
        self.reap();
        if self.leaving.iter().any(Leaving::is_starting) {
            return Err(PoolError::Late { waited_s: self.house.start_max().as_secs() }.into());
        }
        let mut starting = self.spawn()?;
        loop {
            match starting.poll(Instant::now() + TICK, &self.house.pin) {
                Ok(Some(epoch)) => {
                    self.house.shared.freshness.seen(epoch);
                    return Ok(Some(starting.into_worker()));
                }
                Ok(None) if self.house.shared.queue.closed_within(Duration::ZERO) => {
                    self.leaving.push(starting.leave());
                    return Ok(None);
                }
                Ok(None) => {}
                Err(error) => {
                    self.leaving.push(starting.leave());
                    return Err(error);
                }
            }
        }
    }

    fn spawn(&mut self) -> Result<Starting, Error> {
        let shared = &self.house.shared;
        // No process is needed to learn that nobody may log in.
        shared.token.files().refuse_if_latched()?;
        self.started += 1;
        let made = PrivateCopy::make(&shared.token, &format!("{}-{}", self.number, self.started))?;
        let copy = made.map(|(copy, copied)| {
            self.house.copied(copied);
            copy
        });
        Starting::spawn(&shared.program, copy, self.house.hello(), self.house.start_max())
    }

    /// Serves with a worker until it is to be replaced at once.
    fn serve(&mut self, mut worker: Worker, mut next: Option<Job>) -> End {
        self.serving(&worker);
        let mut renewal = Renewal::default();
        loop {
            self.reap();
            if let Some(fresh) = self.renew(&mut renewal) {
                let old = std::mem::replace(&mut worker, fresh);
                self.leaving.push(old.drain());
                self.serving(&worker);
            }
            let tick = if renewal.under_way.is_some() { TICK_RENEWING } else { TICK };
            let job = match next.take() {
                Some(job) => job,
                None => match self.house.shared.queue.take(tick) {
                    Taken::Job(job) => job,
                    Taken::Nothing => match worker.gone() {
                        None => continue,
                        Some(error) => {
                            self.house.shared.counters.event(Event::Death);
                            return self.dead(worker, &error, renewal);
                        }
                    },
                    Taken::Closed => {
                        self.leaving.push(worker.drain());
                        self.leaving.extend(renewal.under_way.map(Starting::leave));
                        return End::Closed;
                    }
                },
            };
            if let Some(error) = worker.gone() {
                self.house.shared.counters.event(Event::Death);
                // It never saw the request.
                self.house.shared.queue.give_back(job);
                return self.dead(worker, &error, renewal);
            }
            if let Some(end) = self.ask(&mut worker, job, &mut renewal) {
                return match end {
                    Ended::Lost(error) => self.dead(worker, &error, renewal),
                    Ended::Replace(job, why) => {
                        self.house.shared.counters.event(why);
                        self.leaving.push(worker.drain());
                        self.leaving.extend(renewal.under_way.map(Starting::leave));
                        End::Replace { job, why }
                    }
                };
            }
        }
    }

    /// Has one request answered.
    fn ask(&mut self, worker: &mut Worker, mut job: Job, renewal: &mut Renewal) -> Option<Ended> {
        let shared = &self.house.shared;
        // What waited long may have been asked for before a key was suspended.
        match shared.freshness.epoch_blocking() {
            Ok(epoch) => job.task.raise(epoch),
            Err(error) => {
                shared.counters.refused(job.since.elapsed());
                job.answer(Err(error));
                return None;
            }
        }
        let taken = Instant::now();
        let limit = self.house.answer_max();
        match worker.ask(&job.task, limit) {
            Asked::Answered(epoch, done) => {
                shared.freshness.seen(epoch);
                let lost = done.outcome.as_ref().is_err_and(|error| error.class() == Class::ReopenOnce);
                let replace = match done.after {
                    After::Replace => Some(Event::Reset),
                    After::Renew if lost => Some(Event::Renewal),
                    After::Renew | After::GoOn => None,
                };
                if let Some(why) = replace.filter(|_| job.failures + 1 < FAILURES_MAX) {
                    job.failures += 1;
                    return Some(Ended::Replace(job, why));
                }
                shared.counters.done(&done, taken - job.since, taken.elapsed());
                shared
                    .counters
                    .worker(self.number, |told| (told.requests, told.derived) = (worker.answered, worker.derived));
                if done.outcome.is_ok() {
                    self.pace.answered();
                }
                job.answer(done.outcome);
                let recycle = shared.token.provider.profile.recycle_derivations;
                if done.after == After::Renew {
                    renewal.want(Event::Renewal);
                } else if recycle > 0 && worker.derived >= recycle {
                    renewal.want(Event::Recycle);
                }
                None
            }
            Asked::Hung => {
                let error = Error::Deadline { waited_s: limit.as_secs() };
                shared.counters.event(Event::Timeout);
                self.hand_over(job, &error);
                Some(Ended::Lost(error))
            }
            Asked::Died(error) => {
                shared.counters.event(Event::Death);
                self.hand_over(job, &error);
                Some(Ended::Lost(error))
            }
        }
    }

    /// Gives a request to another worker, unless it has cost enough of them.
    fn hand_over(&self, mut job: Job, error: &Error) {
        let shared = &self.house.shared;
        match error {
            Error::Pool(PoolError::Killed { .. }) => job.kills += 1,
            _ => job.failures += 1,
        }
        if job.failures < FAILURES_MAX && job.kills < KILLS_MAX {
            shared.counters.event(Event::HandedOver);
            shared.queue.give_back(job);
        } else {
            shared.counters.refused(job.since.elapsed());
            let attempts = job.failures + job.kills;
            job.answer(Err(PoolError::GivenUp { attempts, why: error.to_string() }.into()));
        }
    }

    /// What it was lost by is counted already: before its request is answered by another.
    fn dead(&mut self, worker: Worker, error: &Error, renewal: Renewal) -> End {
        tracing::warn!(place = self.number, pid = worker.pid(), %error, "an HSM worker is replaced");
        let served = worker.served();
        self.lost = Some(Instant::now());
        self.house.shared.counters.worker(self.number, |told| (told.state, told.pid) = (WorkerState::Starting, None));
        self.leaving.push(worker.kill());
        self.leaving.extend(renewal.under_way.map(Starting::leave));
        End::Dead { served }
    }

    /// Goes on with a renewal; gives the fresh worker once it is ready.
    fn renew(&mut self, renewal: &mut Renewal) -> Option<Worker> {
        let why = renewal.why?;
        if renewal.under_way.is_none() {
            let early = renewal.after.is_some_and(|after| Instant::now() < after);
            if early || self.leaving.iter().any(Leaving::is_starting) {
                return None;
            }
            match self.spawn() {
                Ok(starting) => renewal.under_way = Some(starting),
                Err(error) => self.renewal_failed(renewal, &error),
            }
        }
        let mut starting = renewal.under_way.take()?;
        match starting.poll(Instant::now(), &self.house.pin) {
            Ok(Some(epoch)) => {
                self.house.shared.freshness.seen(epoch);
                self.house.shared.counters.event(why);
                *renewal = Renewal::default();
                return Some(starting.into_worker());
            }
            Ok(None) => renewal.under_way = Some(starting),
            Err(error) => {
                self.leaving.push(starting.leave());
                self.renewal_failed(renewal, &error);
            }
        }
        None
    }

    /// The old worker goes on meanwhile.
    fn renewal_failed(&mut self, renewal: &mut Renewal, error: &Error) {
        tracing::warn!(place = self.number, %error, "a fresh HSM worker cannot start; the old one goes on");
        self.house.shared.counters.event(Event::FailedStart);
        renewal.after = Some(Instant::now() + self.pace.after_failure());
    }

    fn serving(&mut self, worker: &Worker) {
        self.silent_deaths = 0;
        self.house.shared.counters.event(Event::Start);
        let pid = Some(worker.pid());
        self.house.shared.counters.worker(self.number, |told| {
            (told.state, told.pid, told.requests, told.derived, told.fault) = (WorkerState::Serving, pid, 0, 0, None);
        });
        self.house.note(self.number, None);
        if let Some(first) = self.first.take() {
            let _ = first.send(Ok(()));
        }
    }

    /// A start failed. One that was killed on its way is no news of the token, a few of them are.
    fn failed(&mut self, error: Error, kept: Option<Job>) {
        let shared = &self.house.shared;
        shared.counters.event(Event::FailedStart);
        tracing::warn!(place = self.number, %error, "an HSM worker cannot start");
        self.silent_deaths += 1;
        let silent = matches!(error, Error::Pool(PoolError::Gone { .. } | PoolError::Killed { .. }));
        let borne = self.lost.is_some_and(|lost| lost.elapsed() < SILENCE_MAX);
        if silent && (borne || self.silent_deaths < SILENT_DEATHS_MAX) {
            if let Some(job) = kept {
                shared.queue.give_back(job);
            }
            return;
        }
        let fault = Fault::of(&error);
        shared.counters.worker(self.number, |told| {
            (told.state, told.pid, told.fault) = (WorkerState::Failed, None, Some(fault.clone()));
        });
        if let Some(job) = kept {
            shared.counters.refused(job.since.elapsed());
            job.answer(Err(Error::Worker(Box::new(fault.clone()))));
        }
        self.house.note(self.number, Some(fault));
        if let Some(first) = self.first.take() {
            let _ = first.send(Err(error));
        }
    }

    fn reap(&mut self) {
        self.leaving.retain_mut(|leaving| !leaving.is_gone());
    }

    /// Waits for the drained; what is still on its way to the token ends by itself, soon if it does not hang.
    fn wind_up(&mut self) {
        let (since, limit) =
            (Instant::now(), |left: &Leaving| if left.is_starting() { START_END_MAX } else { END_MAX });
        self.reap();
        while self.leaving.iter().any(|left| since.elapsed() < limit(left)) {
            std::thread::sleep(Duration::from_millis(2));
            self.reap();
        }
        for leaving in self.leaving.drain(..) {
            leaving.abandon();
        }
        self.house.shared.counters.worker(self.number, |told| (told.state, told.pid) = (WorkerState::Ended, None));
    }
}

/// How a request ended its worker's service.
#[derive(Debug)]
enum Ended {
    /// It died or hung.
    Lost(Error),
    Replace(Job, Event),
}

impl Renewal {
    fn want(&mut self, why: Event) {
        self.why.get_or_insert(why);
    }
}
