//! The database behind one door: connection, transactions, migrations, clock.
//!
//! Every write of the house goes through [`Store::run_tx`] (or [`Store::run_tx_blocking`] in threads), every read through [`Store::read`] (or
//! [`Store::read_blocking`]; [`Store::look`] for a few rows). A job is an async closure over a connection; it answers `Ok` to keep what it wrote and `Err` to undo it. The writer
//! joins the jobs that wait into one transaction (group commit, at most 5 ms) and **answers none of them before COMMIT returned**.
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let url = format!("sqlite:{}/factory.db", dir.path().display());
//! use fuda_store::{Error, Store};
//!
//! let store = Store::open(&url)?;                                  // creates (0600), migrates, asserts WAL and synchronous=FULL
//! println!("{}", store.durability());                              // SQLite 3.…, journal_mode=wal, synchronous=FULL
//! # store.run_tx_blocking("doc.table", async |tx| { sqlx::raw_sql("CREATE TABLE doc_job (id TEXT PRIMARY KEY, cards BIGINT NOT NULL)").execute(tx).await?; Ok::<_, Error>(()) })?;
//!
//! let id = "2026-0417-A".to_owned();
//! store.run_tx_blocking("job.create", async move |tx| {            // durable when this returns Ok
//!     sqlx::query("/* job.create */ INSERT INTO doc_job (id, cards) VALUES ($1, $2)").bind(id).bind(1000_i64).execute(&mut *tx).await?;
//!     Ok::<_, Error>(())
//! })?;
//!
//! let cards: i64 = store.read_blocking("job.cards", async |tx| {   // one snapshot for all queries of the job
//!     Ok::<_, Error>(sqlx::query_scalar("/* job.cards */ SELECT cards FROM doc_job WHERE id = $1").bind("2026-0417-A").fetch_one(&mut *tx).await?)
//! })?;
//! assert_eq!(cards, 1000);
//! # Ok::<(), Error>(())
//! ```
//!
//! The error type of a job is the caller's own, if it is an `Error` and `From<fuda_store::Error>`; `?` on an `sqlx::Error` inside a job wants `Error` itself or
//! a `From<sqlx::Error>` of the caller. A job must only touch the database: it runs on a store's writer thread, and whatever it
//! waits for, every other job there waits for too; and it may run more than once, when a server's connection is lost before COMMIT.
//!
//! The connection ([`Conn`]) takes the queries and gives the rows of `sqlx::Any`, so one text serves SQLite and PostgreSQL: `TEXT` (bytes as hex), `BIGINT`, `$1`, nothing else.
//! `Any` was chosen over an enum of engines because an enum would give every query two texts and two row types; its price is one copy per
//! value, which is far below one fsync. What differs per engine is in `engine.rs`, `sqlite/` and `postgres/`: settings, the beginning of a
//! transaction, how a lost COMMIT is resolved.
//!
//! Left out: network file systems, encryption of the file.

pub mod clock;
mod conn;
mod durability;
mod engine;
mod engine_error;
mod error;
mod glance;
mod job;
mod location;
mod lock;
mod metrics;
mod migrate;
mod options;
mod postgres;
mod reader;
pub mod rows;
mod scope;
mod sqlite;
mod store;
mod threads;
mod tries;
mod writer;

pub use clock::{Clock, SetClock, SystemClock};
pub use conn::Conn;
pub use durability::{Durability, Keeps};
pub use engine::skip_locked;
pub use error::{ConstraintKind, Error};
pub use lock::Lock;
pub use metrics::Metrics;
pub use migrate::{AppliedMigration, SchemaVersion};
pub use options::{DurabilityPolicy, Options, SchemaPolicy};
pub use store::{Part, Store};
