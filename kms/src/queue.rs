//! The queue between callers and workers: bounded for callers, who wait for a place, and with a way back for a request whose worker died.
//!
//! What is given back goes to the front and needs no place. That stays bounded: whoever takes gets the returned requests first, so there
//! are never more of them than there are takers.

use crate::error::Error;
use crate::worker::Reply;
use crate::worker::Task;
use crossbeam_channel::Sender;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// A request with the time it was put into the queue, and where its one answer goes. A caller that has gone away loses it.
#[derive(Debug)]
pub(crate) struct Job {
    /// What to do.
    pub(crate) task: Task,
    /// When the caller put it into the queue.
    pub(crate) since: Instant,
    /// Workers that crashed or hung with it, or had to be replaced.
    pub(crate) failures: u32,
    /// Workers that somebody else killed while they had it.
    pub(crate) kills: u32,
    asker: Asker,
}

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Asker {
    /// A thread.
    Thread(Sender<Result<Reply, Error>>),
    /// A task of an async runtime.
    Task(oneshot::Sender<Result<Reply, Error>>),
}

impl Job {
    pub(crate) fn new(task: Task, asker: Asker) -> Self {
        Self { task, since: Instant::now(), failures: 0, kills: 0, asker }
    }

    /// Answers; the job is gone with it, so nobody answers twice.
    pub(crate) fn answer(self, outcome: Result<Reply, Error>) {
        match self.asker {
            Asker::Thread(answer) => drop(answer.send(outcome)),
            Asker::Task(answer) => drop(answer.send(outcome)),
        }
    }
}

/// What a taker gets.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A request.
    Job(Job),
    /// Nothing came in the time it would wait.
    Nothing,
    /// The queue is closed and empty.
    Closed,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// A request came, or the queue was closed.
    filled: Condvar,
    /// A place became free: for threads, and for tasks.
    freed: Condvar,
    freed_for_tasks: Notify,
    places: usize,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: Closed,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Closed {
    #[default]
    No,
    Yes,
}

impl Queue {
    /// A queue with room for so many requests.
    pub(crate) fn new(places: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            freed: Condvar::new(),
            freed_for_tasks: Notify::new(),
            places,
        }
    }

    /// Puts a request at the end, when a place is or becomes free in time.
    pub(crate) fn push_blocking(&self, job: Job, wait_max: Duration) -> Result<(), Error> {
        let until = Instant::now() + wait_max;
        let mut state = self.state();
        while self.is_full(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Deadline { waited_s: wait_max.as_secs() });
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.put(state, job)
    }

    /// The same for a task; whoever has tasks bounds how many of them wait. One that stops waiting has asked nothing.
    pub(crate) async fn push(&self, job: Job) -> Result<(), Error> {
        loop {
            // It hears of every place that becomes free from here on.
            let mut freed = pin!(self.freed_for_tasks.notified());
            freed.as_mut().enable();
            {
                let state = self.state();
                if !self.is_full(&state) {
                    return self.put(state, job);
                }
            }
            freed.await;
        }
    }

    fn is_full(&self, state: &State) -> bool {
        state.jobs.len() >= self.places && state.closed == Closed::No
    }

    fn put(&self, mut state: MutexGuard<'_, State>, job: Job) -> Result<(), Error> {
        if state.closed == Closed::Yes {
            return Err(Error::NoWorker);
        }
        state.jobs.push_back(job);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Puts a request back to the front: another worker takes it next.
    pub(crate) fn give_back(&self, job: Job) {
        self.state().jobs.push_front(job);
        self.filled.notify_one();
    }

    /// Takes the first request, waiting for one at most so long.
    pub(crate) fn take(&self, wait_max: Duration) -> Taken {
        let until = Instant::now() + wait_max;
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                self.freed.notify_one();
                self.freed_for_tasks.notify_one();
                return Taken::Job(job);
            }
            if state.closed == Closed::Yes {
                return Taken::Closed;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::Nothing;
            }
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes everything that waits, for somebody who answers it with an error.
    pub(crate) fn take_all(&self) -> Vec<Job> {
        let jobs = self.state().jobs.drain(..).collect();
        self.freed.notify_all();
        self.freed_for_tasks.notify_waiters();
        jobs
    }

    /// No request comes any more; those that wait are still served.
    pub(crate) fn close(&self) {
        self.state().closed = Closed::Yes;
        self.filled.notify_all();
        self.freed.notify_all();
        self.freed_for_tasks.notify_waiters();
    }

    /// Waits so long, or until the queue is closed; says whether it is.
    pub(crate) fn closed_within(&self, wait_max: Duration) -> bool {
        let state = self.state();
        let open = |state: &mut State| state.closed == Closed::No;
        let waited = self.freed.wait_timeout_while(state, wait_max, open).unwrap_or_else(PoisonError::into_inner);
        waited.0.closed == Closed::Yes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Epoch;
    use crossbeam_channel::{Receiver, bounded};

    const SOON: Duration = Duration::from_millis(20);

    fn job(number: u64) -> (Job, Receiver<Result<Reply, Error>>) {
        let (answer, outcome) = bounded(1);
        let key = "receipt@1".parse().unwrap();
        (Job::new(Task::PublicKey { epoch: Epoch::new(number), key }, Asker::Thread(answer)), outcome)
    }

    fn number(taken: Taken) -> u64 {
        match taken {
            Taken::Job(Job { task: Task::PublicKey { epoch, .. }, .. }) => epoch.number(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_given_back_comes_first_and_needs_no_place() {
        let queue = Queue::new(2);
        queue.push_blocking(job(1).0, SOON).unwrap();
        queue.push_blocking(job(2).0, SOON).unwrap();
        assert!(matches!(queue.push_blocking(job(3).0, SOON), Err(Error::Deadline { .. })), "it is full");
        queue.give_back(job(0).0);
        assert_eq!([0; 3].map(|_| number(queue.take(SOON))), [0, 1, 2]);
        assert!(matches!(queue.take(SOON), Taken::Nothing));
    }

    #[test]
    fn a_closed_queue_is_emptied_and_takes_nothing_more() {
        let queue = Queue::new(2);
        assert!(!queue.closed_within(SOON));
        queue.push_blocking(job(1).0, SOON).unwrap();
        queue.close();
        assert!(matches!(queue.push_blocking(job(2).0, SOON), Err(Error::NoWorker)));
        assert_eq!(number(queue.take(SOON)), 1);
        assert!(matches!(queue.take(SOON), Taken::Closed));
        assert!(queue.closed_within(SOON));
    }

    #[test]
    fn a_caller_gets_the_place_that_another_frees() {
        let queue = Queue::new(1);
        queue.push_blocking(job(1).0, SOON).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| queue.push_blocking(job(2).0, Duration::from_secs(10)));
            assert_eq!(number(queue.take(SOON)), 1);
            second.join().unwrap().unwrap();
        });
        let (job, outcome) = job(3);
        drop(job);
        assert!(outcome.recv().is_err(), "a job that is dropped is seen by its caller");
    }

    #[tokio::test]
    async fn tasks_get_the_places_that_are_freed_one_each() {
        let queue = Queue::new(1);
        queue.push_blocking(job(0).0, SOON).unwrap();
        let waiting = futures_util::future::join_all((1..=5).map(|number| queue.push(job(number).0)));
        let taken = async {
            let mut taken = Vec::new();
            while taken.len() < 6 {
                if let Taken::Job(Job { task: Task::PublicKey { epoch, .. }, .. }) = queue.take(Duration::ZERO) {
                    taken.push(epoch.number());
                }
                tokio::task::yield_now().await;
            }
            taken
        };
        let (pushed, mut taken) = tokio::join!(waiting, taken);
        assert!(pushed.iter().all(Result::is_ok));
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2, 3, 4, 5]);
    }

    #[tokio::test]
    async fn a_task_that_waits_is_told_that_the_queue_is_closed() {
        let queue = Queue::new(1);
        queue.push_blocking(job(0).0, SOON).unwrap();
        let closing = async {
            tokio::task::yield_now().await;
            queue.close();
        };
        let (pushed, ()) = tokio::join!(queue.push(job(1).0), closing);
        assert!(matches!(pushed, Err(Error::NoWorker)));
    }
}
