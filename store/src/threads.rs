//! The two threads of a store: one owns the connection that writes, one serves the readers; each has a small runtime of its own.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::job::Job;
use crate::location::{Identity, Location};
use crate::metrics::Counters;
use crate::migrate::migrate;
use crate::sqlite::{self, Durability, Role};
use crate::writer::Writer;
use crate::{Conn, Error, Options, reader};

/// Starts the writer and waits until its database is ready.
pub(crate) fn spawn_writer(
    location: Location,
    connect: AnyConnectOptions,
    options: Options,
    counters: Arc<Counters>,
    queue: mpsc::Receiver<Box<dyn Job>>,
) -> Result<(Durability, JoinHandle<()>), Error> {
    let runtime = runtime()?;
    let (ready, started) = std::sync::mpsc::sync_channel(1);
    let thread = spawn("store-writer", move || {
        runtime.block_on(async move {
            match prepare(&location, &connect, &options).await {
                Ok((conn, identity, durability)) => {
                    let _ = ready.send(Ok(durability));
                    let conn = Writer { conn, identity, counters }.serve(queue).await;
                    // The last connection to close folds the write-ahead log back into the file.
                    let _ = conn.close().await;
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            }
        });
    })?;
    let durability = started.recv().unwrap_or(Err(Error::Closed))?;
    Ok((durability, thread))
}

async fn prepare(
    location: &Location,
    connect: &AnyConnectOptions,
    options: &Options,
) -> Result<(Conn, Identity, Durability), Error> {
    let mut conn = connect.connect().await?;
    let durability = sqlite::configure(&mut conn, Role::Writer, options.busy_timeout).await?;
    migrate(&mut conn, options.schema, &*options.clock).await?;
    let identity = Identity::of(location)?;
    Ok((conn, identity, durability))
}

pub(crate) fn spawn_reader(
    connect: AnyConnectOptions,
    busy_timeout: Duration,
    counters: Arc<Counters>,
    queue: mpsc::Receiver<Box<dyn Job>>,
) -> Result<JoinHandle<()>, Error> {
    let runtime = runtime()?;
    spawn("store-reader", move || {
        LocalSet::new().block_on(&runtime, async move {
            reader::serve(reader::pool(connect, busy_timeout), counters, queue).await;
        });
    })
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread().enable_all().build().map_err(|error| sqlx::Error::Io(error).into())
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|error| sqlx::Error::Io(error).into())
}
