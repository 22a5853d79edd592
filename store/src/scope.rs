//! What a transaction is about: transactions of one scope follow one another, in every process of the store.

use std::sync::Arc;

/// The part of the store that a transaction reads to decide, or changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it: nothing else is written meanwhile. The default, so that a function is right without knowing of engines.
    Store,
    /// A part with a name, such as a job: parts with other names are written at the same time, where the engine can.
    Part(Arc<str>),
}

impl Scope {
    pub(crate) fn part(name: &str) -> Self {
        Self::Part(name.into())
    }

    /// A number for the part's name, the same in every process and version; 0 is the whole store. Two names that share one only wait
    /// for each other. FNV-1a, 32 bits: <http://www.isthe.com/chongo/tech/comp/fnv/>.
    pub(crate) fn number(&self) -> u32 {
        const OFFSET_BASIS: u32 = 0x811C_9DC5;
        const PRIME: u32 = 0x0100_0193;
        match self {
            Self::Store => 0,
            Self::Part(name) => {
                let hash = name.bytes().fold(OFFSET_BASIS, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
                hash.max(1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_hash_and_never_the_whole_store() {
        assert_eq!(Scope::Store.number(), 0);
        assert_eq!(Scope::part("a").number(), 0xE40C_292C);
        assert_eq!(Scope::part("foobar").number(), 0xBF9C_F968);
    }
}
