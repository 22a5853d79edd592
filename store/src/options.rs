//! How a store is opened.

use std::sync::Arc;
use std::time::Duration;

use crate::{Clock, SystemClock};

/// Whether opening may change the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SchemaPolicy {
    /// A new or older file is migrated: right for one machine with one file, where no older program runs beside.
    #[default]
    Migrate,
    /// A file that needs a migration is refused.
    MustMatch,
}

/// How a store is opened; the defaults are right for the line.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait for another process that writes. Default 5 s: longer than any commit, shorter than an operator's patience.
    pub busy_timeout: Duration,
    /// Whether opening may migrate.
    pub schema: SchemaPolicy,
    /// Whose time is written.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), schema: SchemaPolicy::default(), clock: Arc::new(SystemClock) }
    }
}
