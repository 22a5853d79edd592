//! A TOML table read key by key, with every complaint at its place.

use std::fmt::Display;
use std::ops::RangeInclusive;

use fuda_cli::{Failure, Source};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and the byte offset where it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) offset: usize,
}

/// A table whose keys are known beforehand.
pub(super) struct Fields<'a> {
    source: &'a Source,
    /// `[serial].` in front of a key's name in reports; empty at the top.
    prefix: &'static str,
    offset: usize,
    entries: Vec<(&'a str, &'a Spanned<DeValue<'a>>)>,
}

impl<'a> Fields<'a> {
    /// `table`, which begins at `offset`; a key that is not in `allowed` is a mistake.
    pub(super) fn new(
        source: &'a Source,
        table: &'a DeTable<'a>,
        offset: usize,
        prefix: &'static str,
        allowed: &[&str],
    ) -> Result<Self, Failure> {
        let mut entries = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !allowed.contains(&name) {
                let what = format!("unknown key `{prefix}{name}`");
                return Err(Failure::input(source, key.span().start, what, format!("allowed: {}", allowed.join(", "))));
            }
            entries.push((name, value));
        }
        Ok(Self { source, prefix, offset, entries })
    }

    pub(super) fn wrong(&self, offset: usize, key: &str, what: impl Display, allowed: impl Display) -> Failure {
        Failure::input(self.source, offset, format!("`{}{key}` {what}", self.prefix), format!("give {allowed}"))
    }

    pub(super) fn missing(&self, key: &str, allowed: impl Display) -> Failure {
        let what = format!("`{}{key}` is missing", self.prefix);
        Failure::input(self.source, self.offset, what, format!("add {key} = {allowed}"))
    }

    fn find(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.entries.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn mistyped(&self, key: &str, value: &Spanned<DeValue<'_>>, allowed: impl Display) -> Failure {
        self.wrong(value.span().start, key, format_args!("is of type {}", value.get_ref().type_str()), allowed)
    }

    pub(super) fn text(&self, key: &str, allowed: impl Display) -> Result<Option<Located<&'a str>>, Failure> {
        let Some(value) = self.find(key) else { return Ok(None) };
        match value.get_ref().as_str() {
            Some(text) => Ok(Some(Located { value: text, offset: value.span().start })),
            None => Err(self.mistyped(key, value, format_args!("text in quotes: {allowed}"))),
        }
    }

    pub(super) fn required_text(&self, key: &str, allowed: impl Display + Copy) -> Result<Located<&'a str>, Failure> {
        self.text(key, allowed)?.ok_or_else(|| self.missing(key, format_args!("\"…\": {allowed}")))
    }

    /// A required text that `parse` accepts.
    pub(super) fn named<T>(&self, key: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        let text = self.required_text(key, allowed)?;
        parse(text.value).ok_or_else(|| self.wrong(text.offset, key, format_args!("is {:?}", text.value), allowed))
    }

    pub(super) fn integer(&self, key: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, Failure> {
        let Some(value) = self.find(key) else { return Ok(None) };
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(digits) = value.get_ref().as_integer() else { return Err(self.mistyped(key, value, allowed)) };
        let number = u32::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.wrong(value.span().start, key, format_args!("is {}", digits.as_str()), allowed))
    }

    pub(super) fn required_integer(&self, key: &str, range: RangeInclusive<u32>) -> Result<u32, Failure> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.integer(key, range)?.ok_or_else(|| self.missing(key, allowed))
    }

    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, Failure> {
        let Some(value) = self.find(key) else { return Ok(None) };
        value.get_ref().as_bool().map(Some).ok_or_else(|| self.mistyped(key, value, "true or false"))
    }

    /// A required list of whole numbers; anything else in it reads as `None`.
    pub(super) fn numbers(&self, key: &str, allowed: &str) -> Result<Located<Option<Vec<u32>>>, Failure> {
        let value = self.find(key).ok_or_else(|| self.missing(key, allowed))?;
        let Some(array) = value.get_ref().as_array() else { return Err(self.mistyped(key, value, allowed)) };
        let number =
            |item: &Spanned<DeValue<'_>>| item.get_ref().as_integer().and_then(|digits| digits.as_str().parse().ok());
        Ok(Located { value: array.iter().map(number).collect(), offset: value.span().start })
    }

    /// A required table with the place where it begins.
    pub(super) fn table(&self, key: &str) -> Result<Located<&'a DeTable<'a>>, Failure> {
        self.optional_table(key)?.ok_or_else(|| {
            let what = format!("[{key}] is missing");
            Failure::input(self.source, self.offset, what, format!("add a line [{key}] and its keys"))
        })
    }

    pub(super) fn optional_table(&self, key: &str) -> Result<Option<Located<&'a DeTable<'a>>>, Failure> {
        let Some(value) = self.find(key) else { return Ok(None) };
        match value.get_ref().as_table() {
            Some(table) => Ok(Some(Located { value: table, offset: value.span().start })),
            None => Err(self.mistyped(key, value, format_args!("a table: [{key}]"))),
        }
    }
}
