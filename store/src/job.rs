//! A unit of work on its way to the database: an async closure, its name, what it is about, and where its answer goes.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::oneshot;

use crate::scope::Scope;
use crate::{Conn, Error};

/// What a job asks for when it has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered `Ok`: keep its effects.
    Keep,
    /// It answered `Err` or panicked: undo its effects, and only its own.
    Undo,
}

/// How a job ran; its caller hears nothing before [`Job::settle`].
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) verdict: Verdict,
    /// The store error behind an `Err`, if there is one: it says whether more than the job is lost.
    pub(crate) cause: Option<Error>,
}

pub(crate) type LocalFuture<'c, T> = Pin<Box<dyn Future<Output = T> + 'c>>;

/// A job whose result types are forgotten, so that different callers share one queue.
pub(crate) trait Job: Send {
    fn name(&self) -> &'static str;

    fn scope(&self) -> &Scope;

    /// Runs a copy of the closure: a transaction that was lost is run again. The future stays on the store's thread, so it need not be
    /// `Send`.
    fn run<'c>(&'c mut self, conn: &'c mut Conn) -> LocalFuture<'c, Ran>;

    /// `Ok`: the transaction ended as asked, hand out the answer. `Err`: it did not, hand out that instead.
    fn settle(self: Box<Self>, ended: Result<(), Error>);
}

pub(crate) struct Typed<T, E, F> {
    pub(crate) name: &'static str,
    pub(crate) scope: Scope,
    pub(crate) body: F,
    pub(crate) result: Option<Result<T, E>>,
    pub(crate) answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Typed<T, E, F>
where
    T: Send + 'static,
    E: StdError + From<Error> + Send + 'static,
    F: AsyncFnOnce(&mut Conn) -> Result<T, E> + Clone + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn run<'c>(&'c mut self, conn: &'c mut Conn) -> LocalFuture<'c, Ran> {
        let body = self.body.clone();
        Box::pin(async move {
            let result =
                catch(body(conn)).await.unwrap_or_else(|Panicked| Err(Error::Panicked { job: self.name }.into()));
            let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
            let cause = result.as_ref().err().and_then(|error| store_error(error));
            self.result = Some(result);
            Ran { verdict, cause }
        })
    }

    fn settle(self: Box<Self>, ended: Result<(), Error>) {
        let answer = match (ended, self.result) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Error::Closed.into()),
        };
        // A caller that went away does not want its answer.
        let _ = self.answer.send(answer);
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
