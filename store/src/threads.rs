//! The threads of a store: writers and readers, each with a connection and a small runtime of its own.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::durability::Durability;
use crate::engine::{Engine, Role};
use crate::job::Job;
use crate::metrics::Counters;
use crate::migrate::migrate;
use crate::reader::{Reader, Reads};
use crate::writer::Writer;
use crate::{Conn, Error, Options};

/// Starts the first writer and waits until its database is ready.
pub(crate) fn spawn_first_writer(
    engine: &Arc<Engine>,
    options: &Options,
    counters: Arc<Counters>,
    queue: mpsc::Receiver<Box<dyn Job>>,
) -> Result<(Durability, JoinHandle<()>), Error> {
    let runtime = runtime()?;
    let (engine, options) = (Arc::clone(engine), options.clone());
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    let thread = spawn("store-writer", move || {
        runtime.block_on(async move {
            match prepare(&engine, &options).await {
                Ok((conn, durability)) => {
                    let _ = ready.send(Ok(durability));
                    write(engine, &options, counters, Some(conn), queue).await;
                }
                Err(error) => {
                    let _ = ready.send(Err(engine.at_its_place(error)));
                }
            }
        });
    })?;
    let durability = started.recv().unwrap_or(Err(Error::Closed))?;
    Ok((durability, thread))
}

async fn prepare(engine: &Engine, options: &Options) -> Result<(Conn, Durability), Error> {
    let (mut conn, durability) = engine.connect(Role::Writer).await?;
    migrate(&mut conn, engine, options).await?;
    engine.forget_marks(&mut conn).await?;
    engine.remember()?;
    Ok((conn, durability))
}

/// Starts another writer, which connects when it has something to write.
pub(crate) fn spawn_writer(
    engine: &Arc<Engine>,
    options: &Options,
    counters: Arc<Counters>,
    queue: mpsc::Receiver<Box<dyn Job>>,
) -> Result<JoinHandle<()>, Error> {
    let runtime = runtime()?;
    let (engine, options) = (Arc::clone(engine), options.clone());
    spawn("store-writer", move || runtime.block_on(write(engine, &options, counters, None, queue)))
}

async fn write(
    engine: Arc<Engine>,
    options: &Options,
    counters: Arc<Counters>,
    conn: Option<Conn>,
    queue: mpsc::Receiver<Box<dyn Job>>,
) {
    let patience = engine.patience(options);
    if let Some(conn) = Writer::new(engine, patience, counters, conn).serve(queue).await {
        conn.close().await;
    }
}

/// Starts a reader, which connects when it has something to read.
pub(crate) fn spawn_reader(
    engine: &Arc<Engine>,
    options: &Options,
    counters: Arc<Counters>,
    queue: Reads,
) -> Result<JoinHandle<()>, Error> {
    let runtime = runtime()?;
    let (engine, patience) = (Arc::clone(engine), engine.patience(options));
    let reader = Reader::new(engine, patience, counters);
    spawn("store-reader", move || runtime.block_on(reader.serve(queue)))
}

pub(crate) fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread().enable_all().build().map_err(from_system)
}

pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(from_system)
}

fn from_system(error: std::io::Error) -> Error {
    Error::Disk { source: Arc::new(sqlx::Error::Io(error)) }
}
