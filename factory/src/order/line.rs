//! `[line]`: how carefully the line works. All of it has the defaults of the house.

use fuda_cli::Failure;
use fuda_cli::config::Mode;

use super::fields::Fields;

/// The rules of the line for one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineRules {
    first_article: Option<u32>,
    /// Every Nth card is audited in full. Default 100.
    pub audit_every: u32,
    /// Consecutive failures that stop the line. Default 5.
    pub stop_after: u32,
    /// Consecutive failures that take an encoder out. Default 3.
    pub quarantine_after: u32,
    /// Whether chips from the reject bin may be put in again. Default no.
    pub rework: bool,
}

/// Cards that a second person looks at first: beyond this an order would be all samples.
const FIRST_ARTICLE_MAX: u32 = 100;
/// Rarest audit: one in a job of the largest size.
const AUDIT_EVERY_MAX: u32 = 1_000_000;
/// A line that goes on after more consecutive failures than this has no rule at all.
const FAILURES_MAX: u32 = 1_000;

impl LineRules {
    pub(super) const KEYS: [&str; 5] = ["first_article", "audit_every", "stop_after", "quarantine_after", "rework"];

    pub(super) fn parse(fields: &Fields<'_>) -> Result<Self, Failure> {
        Ok(Self {
            first_article: fields.integer("first_article", 0..=FIRST_ARTICLE_MAX)?,
            audit_every: fields.integer("audit_every", 1..=AUDIT_EVERY_MAX)?.unwrap_or(Self::default().audit_every),
            stop_after: fields.integer("stop_after", 1..=FAILURES_MAX)?.unwrap_or(Self::default().stop_after),
            quarantine_after: fields
                .integer("quarantine_after", 1..=FAILURES_MAX)?
                .unwrap_or(Self::default().quarantine_after),
            rework: fields.truth("rework")?.unwrap_or(Self::default().rework),
        })
    }

    /// Cards that are made and looked at before the rest: as ordered, else 3 in production and 0 in test.
    #[must_use]
    pub fn first_article(&self, mode: Mode) -> u32 {
        self.first_article.unwrap_or(match mode {
            Mode::Production => 3,
            Mode::Test => 0,
        })
    }
}

impl Default for LineRules {
    fn default() -> Self {
        Self { first_article: None, audit_every: 100, stop_after: 5, quarantine_after: 3, rework: false }
    }
}
