//! Command line by hand: each command takes out what it knows, and what is left over is an error.

use std::str::FromStr;

use crate::fail::Failure;

/// The words of a command line that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Args {
    words: Vec<String>,
}

impl Args {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Args {
        Args { words: words.collect() }
    }

    /// Takes the flag `name` out; true when it was there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes the first word that is not an option.
    pub(crate) fn word(&mut self) -> Option<String> {
        let at = self.words.iter().position(|word| !word.starts_with('-'))?;
        Some(self.words.remove(at))
    }

    /// Takes `name VALUE` or `name=VALUE` out.
    ///
    /// # Errors
    /// Usage when the value is missing or is not a `T`.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str, wanted: &str) -> Result<Option<T>, Failure> {
        let Some(at) = self.words.iter().position(|word| is_option(word, name)) else { return Ok(None) };
        let word = self.words.remove(at);
        let text = match word.split_once('=') {
            Some((_, value)) => value.to_owned(),
            None if at < self.words.len() => self.words.remove(at),
            None => return Err(Failure::usage(format!("{name} needs {wanted}"), format!("write {name} {wanted}"))),
        };
        text.parse()
            .map(Some)
            .map_err(|_| Failure::usage(format!("{name} {text}: not {wanted}"), format!("write {name} and {wanted}")))
    }

    /// The end of the command line.
    ///
    /// # Errors
    /// Usage when a word is left that nobody took.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => {
                Err(Failure::usage(format!("`{word}` is not an option of this command"), "--help lists the options"))
            }
        }
    }
}

fn is_option(word: &str, name: &str) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn takes_what_it_knows_and_refuses_the_rest() {
        let mut line = args("demo --cards 12 --json --spares=3");
        assert_eq!(line.word().as_deref(), Some("demo"));
        assert_eq!(line.value::<u32>("--cards", "a number").unwrap(), Some(12));
        assert_eq!(line.value::<u32>("--spares", "a number").unwrap(), Some(3));
        assert_eq!(line.value::<u32>("--seed", "a number").unwrap(), None);
        assert!(line.flag("--json") && !line.flag("--json"));
        line.finish().unwrap();
        assert!(args("--jsno").finish().is_err());
    }

    #[test]
    fn a_value_that_is_missing_or_wrong_is_a_usage_error() {
        assert!(args("--cards").value::<u32>("--cards", "a number").is_err());
        assert!(args("--cards many").value::<u32>("--cards", "a number").is_err());
        assert!(args("--cards=-1").value::<u32>("--cards", "a number").is_err());
    }
}
