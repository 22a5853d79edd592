//! A unit of work on its way to the database: an async closure, its name, and where its answer goes.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::oneshot;

use crate::{Conn, Error};

/// What a job asks for when it has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered `Ok`: keep its effects.
    Keep,
    /// It answered `Err` or panicked: undo its effects, and only its own.
    Undo,
}

/// A job that has run; its caller hears nothing before `settle` is called.
pub(crate) struct Ran {
    pub(crate) verdict: Verdict,
    /// The store error behind an `Err`, if there is one: it names why SQLite rolled back more than the job.
    pub(crate) cause: Option<Error>,
    /// `Ok`: the transaction ended as asked, hand out the answer. `Err`: it did not, hand out that instead.
    pub(crate) settle: Box<dyn FnOnce(Result<(), Error>)>,
}

pub(crate) type LocalFuture<'c, T> = Pin<Box<dyn Future<Output = T> + 'c>>;

/// A job whose result types are forgotten, so that different callers share one queue.
pub(crate) trait Job: Send {
    fn name(&self) -> &'static str;

    /// Runs the closure. The future stays on the store's thread, so it need not be `Send`.
    fn run<'c>(self: Box<Self>, conn: &'c mut Conn) -> LocalFuture<'c, Ran>
    where
        Self: 'c;

    /// Answers `error` without running.
    fn refuse(self: Box<Self>, error: Error);
}

pub(crate) struct Typed<T, E, F> {
    pub(crate) name: &'static str,
    pub(crate) body: F,
    pub(crate) answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Typed<T, E, F>
where
    T: Send + 'static,
    E: StdError + From<Error> + Send + 'static,
    F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn run<'c>(self: Box<Self>, conn: &'c mut Conn) -> LocalFuture<'c, Ran>
    where
        Self: 'c,
    {
        let Self { name, body, answer } = *self;
        Box::pin(async move {
            let result = catch(body(conn)).await.unwrap_or_else(|Panicked| Err(Error::Panicked { job: name }.into()));
            let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
            let cause = result.as_ref().err().and_then(|error| store_error(error));
            let settle = Box::new(move |ended: Result<(), Error>| {
                // A caller that went away does not want its answer.
                let _ = answer.send(ended.map_err(E::from).and(result));
            });
            Ran { verdict, cause, settle }
        })
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error.into()));
    }
}

/// Finds the store's error in a caller's: itself, or in its chain of sources (a transparent wrapper shows only our source).
fn store_error(error: &(dyn StdError + 'static)) -> Option<Error> {
    let mut next = Some(error);
    let mut found = None;
    while let (Some(error), None) = (next, &found) {
        found = match error.downcast_ref::<Arc<sqlx::Error>>() {
            Some(engine) => Some(Error::from_shared(Arc::clone(engine))),
            None => error.downcast_ref::<Error>().cloned(),
        };
        next = error.source();
    }
    // A panic says nothing about the database.
    found.filter(|error| !matches!(error, Error::Panicked { .. }))
}

/// The future panicked; the panic hook has printed why.
struct Panicked;

/// Drives a future and turns its panic into a value, so that one wrong job does not take the store down.
async fn catch<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = Box::pin(future);
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}
