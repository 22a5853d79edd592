//! How a store is opened.

use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, SystemClock};

/// Whether opening may change the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaPolicy {
    /// A file is migrated: one machine, no older program beside. A server's database must match: other lines may be using it.
    #[default]
    ByEngine,
    /// A new or older database is migrated.
    Migrate,
    /// A database that needs a migration is refused.
    MustMatch,
}

/// What is asked of the engine before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DurabilityPolicy {
    /// What was acknowledged survives a power cut, or the store is refused.
    #[default]
    Required,
    /// A server that does not sync is taken: for a test's own cluster, which is deleted after it.
    ThrowAway,
}

/// How a store is opened; the defaults are right for the line.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait for another process that writes. Default 5 s: longer than any commit, shorter than an operator's patience.
    pub busy_timeout: Duration,
    /// How long a lost connection to a server is sought before the jobs that wait are told. Default 20 s: a restart of the server is
    /// waited out, an operator is told within the minute. A file is never waited for.
    pub reconnect_timeout: Duration,
    /// How long a server may take for one transaction, network included. Default 2 min: the largest one names the cards of a delivery.
    pub answer_timeout: Duration,
    /// The least time between the beginnings of two transactions in a file, in which jobs gather that share the next one. Default none: a line
    /// has as many jobs under way as it has encoders, and each would wait. Many people who do not wait for each other gain by it.
    pub pace: Duration,
    /// Whether opening may migrate.
    pub schema: SchemaPolicy,
    /// Whether a server that does not sync is taken.
    pub durability: DurabilityPolicy,
    /// Whose time is written.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            reconnect_timeout: Duration::from_secs(20),
            answer_timeout: Duration::from_secs(120),
            pace: Duration::ZERO,
            schema: SchemaPolicy::default(),
            durability: DurabilityPolicy::default(),
            clock: Arc::new(SystemClock),
        }
    }
}
