//! A lock among all processes that have a store open: a file beside the database, or a session of its own on the server.

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::engine::{Engine, Role};
use crate::postgres::Postgres;
use crate::threads::{runtime, spawn};
use crate::{Conn, Error};

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The operating system lets go when the process ends.
    File(File),
    /// The server lets go when the session ends.
    Session { done: Option<oneshot::Sender<()>>, thread: Option<JoinHandle<()>> },
}

impl Lock {
    pub(crate) fn take(engine: &Arc<Engine>, name: &str) -> Result<Option<Self>, Error> {
        match &**engine {
            Engine::Sqlite(sqlite) => beside(&sqlite.file.path, name),
            Engine::Postgres(_) => on_server(Arc::clone(engine), name.to_owned()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever asks next must find it free.
        match &mut self.held {
            // Closing would not do: a process that is being started at this moment has a copy of the descriptor until its program is loaded.
            Held::File(file) => drop(file.unlock()),
            Held::Session { done, thread } => {
                drop(done.take());
                let _ = thread.take().map(JoinHandle::join);
            }
        }
    }
}

fn beside(database: &std::path::Path, name: &str) -> Result<Option<Lock>, Error> {
    let file_name = database.file_name().unwrap_or_default().to_string_lossy();
    let path: PathBuf = database.with_file_name(format!("{file_name}.{name}.lock"));
    let failed = |error| Error::Disk { source: Arc::new(sqlx::Error::Io(error)) };
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { held: Held::File(file) })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn on_server(engine: Arc<Engine>, name: String) -> Result<Option<Lock>, Error> {
    let runtime = runtime()?;
    let (done, until_done) = oneshot::channel();
    let (ready, taken) = std::sync::mpsc::sync_channel(1);
    let thread = spawn("store-lock", move || {
        runtime.block_on(async move {
            let held = hold(&engine, &name).await.map_err(|error| engine.at_its_place(error));
            let _ = ready.send(held.as_ref().map(Option::is_some).map_err(Clone::clone));
            if let Ok(Some(conn)) = held {
                let _ = until_done.await;
                conn.close().await;
            }
        });
    })?;
    let is_held = taken.recv().unwrap_or(Err(Error::Closed))?;
    Ok(is_held.then_some(Lock { held: Held::Session { done: Some(done), thread: Some(thread) } }))
}

/// A session that has the lock, or none.
async fn hold(engine: &Engine, name: &str) -> Result<Option<Conn>, Error> {
    let (mut conn, _) = engine.connect(Role::Writer).await?;
    Ok(Postgres::try_hold(&mut conn, name).await?.then_some(conn))
}

#[cfg(test)]
mod tests {
    use super::{Held, beside};

    #[test]
    fn a_dropped_lock_is_free_though_a_child_has_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("fuda.db");
        let lock = beside(&database, "line").unwrap().unwrap();
        let Held::File(file) = &lock.held else { unreachable!("the lock is a file") };
        let inherited = file.try_clone().unwrap();
        drop(lock);
        assert!(beside(&database, "line").unwrap().is_some());
        drop(inherited);
    }
}
