//! How often and how long is measured, and the median that is told.

use std::time::Duration;

/// How much time a report may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Under three minutes.
    Quick,
    /// What a page about this machine would quote.
    Full,
}

impl Scale {
    /// Rounds of each measurement: odd, so that the median was really measured.
    #[must_use]
    pub const fn rounds(self) -> u32 {
        match self {
            Self::Quick => 3,
            Self::Full => 7,
        }
    }

    /// Length of a round.
    #[must_use]
    pub const fn round(self) -> Duration {
        match self {
            Self::Quick => Duration::from_millis(1500),
            Self::Full => Duration::from_secs(5),
        }
    }

    /// Cards of one run of the line.
    #[must_use]
    pub const fn cards(self) -> u32 {
        match self {
            Self::Quick => 500,
            Self::Full => 5000,
        }
    }
}

/// The middle value; of an even number the lower of the two in the middle. 0 for none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// A count as a number to divide by; counts here stay far below 2⁵³.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rate needs six digits")]
pub fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_was_measured() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0]), 1.0);
        assert_eq!(median(&[]), 0.0);
    }
}
