//! Random moments that can be had again: a seed that every failing test prints.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64 (Steele, Lea, Flood, 2014).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// From `$FUDA_TEST_SEED`, else from the operating system. Says the seed, which the harness shows when the test fails.
    #[must_use]
    pub fn seeded() -> Self {
        let (seed, random) = Self::told();
        eprintln!("again with FUDA_TEST_SEED={seed}");
        random
    }

    /// The same, for a test that says the seed itself.
    #[must_use]
    pub fn told() -> (u64, Self) {
        let given = std::env::var("FUDA_TEST_SEED").ok().map(|text| text.parse().unwrap());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(0));
        (seed, Self::of(seed))
    }

    /// From a seed.
    #[must_use]
    pub const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number in the range.
    pub fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        range.start + (mixed ^ (mixed >> 31)) % (range.end - range.start)
    }
}
