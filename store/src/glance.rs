//! Short reads in the thread of their caller, where the database is a file: to hand one to another thread and back takes as long as it does.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use sqlx::raw_sql;

use crate::engine::{Engine, Role};
use crate::metrics::Counters;
use crate::{Conn, Error};

/// Connections that are kept for the next ones: as many callers look at the same time on a machine of a few cores.
const CONNECTIONS_KEPT: usize = 4;

/// Connections to a file that cannot write.
#[derive(Debug)]
pub(crate) struct Glances {
    engine: Arc<Engine>,
    counters: Arc<Counters>,
    kept: Mutex<Vec<Conn>>,
}

impl Glances {
    pub(crate) const fn new(engine: Arc<Engine>, counters: Arc<Counters>) -> Self {
        Self { engine, counters, kept: Mutex::new(Vec::new()) }
    }

    /// Runs a job on one snapshot, here and now. A connection whose job panicked is not used again.
    pub(crate) fn read<T, E, F>(&self, name: &'static str, job: F) -> Result<T, E>
    where
        E: StdError + From<Error>,
        F: AsyncFnOnce(&mut Conn) -> Result<T, E>,
    {
        let read = async {
            let mut conn = match self.take() {
                Some(conn) => conn,
                None => self.engine.connect(Role::Reader).await?.0,
            };
            self.engine.begin_read(&mut conn).await?;
            let result = job(&mut conn).await;
            if raw_sql("ROLLBACK").execute(&mut conn).await.is_ok() {
                self.keep(conn);
            }
            result
        };
        // Statements on a file are done when they are first polled. Whatever else a job waited for would hold up its caller's thread.
        let result = read.now_or_never().unwrap_or_else(|| Err(Error::Panicked { job: name }.into()));
        self.counters.read();
        result
    }

    fn take(&self) -> Option<Conn> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, conn: Conn) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < CONNECTIONS_KEPT {
            kept.push(conn);
        }
    }

    /// Closes the connections.
    pub(crate) fn close(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
