//! Reader names as a person abbreviates them: `*` is any text, `?` one character; letters count alike, large and small.

use std::fmt;
use std::str::FromStr;

/// A pattern for reader names. It must fit the whole name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Fits every reader.
    #[must_use]
    pub fn any() -> Self {
        Self { text: "*".to_owned() }
    }

    /// Whether a name fits.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        let lower = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
        fits(&lower(&self.text), &lower(name))
    }
}

/// Walks both from the left; where they part, the last `*` takes one more character.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = name.get(read) {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                at = place + 1;
                read = taken + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

impl FromStr for Pattern {
    type Err = EmptyPattern;

    fn from_str(text: &str) -> Result<Self, EmptyPattern> {
        if text.is_empty() { Err(EmptyPattern) } else { Ok(Self { text: text.to_owned() }) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A pattern without a character, which no name fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reader's name is missing: write it, or `*` for any")]
pub struct EmptyPattern;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_fit_as_in_a_shell() {
        let name = "Virtual PCD 00 01";
        for pattern in ["*", "Virtual PCD 00 01", "virtual*", "*01", "*PCD*", "*0? 0?", "**00**01*"] {
            assert!(pattern.parse::<Pattern>().unwrap().fits(name), "{pattern}");
        }
        for pattern in ["Virtual", "*02", "?", "*PCD", "Virtual PCD 00 01 ?", "PCD*"] {
            assert!(!pattern.parse::<Pattern>().unwrap().fits(name), "{pattern}");
        }
        assert!(Pattern::any().fits(""));
        assert_eq!("".parse::<Pattern>(), Err(EmptyPattern));
    }
}
