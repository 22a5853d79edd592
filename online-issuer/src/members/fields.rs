//! What a member says of themselves: fields by name, as text. Whoever holds a [`MemberFields`] holds personal data: it is wiped on drop and
//! prints nothing.

use super::MemberError;
use crate::error::Error;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Most fields of one member: a form that a person fills in.
const FIELDS_MAX: usize = 32;
/// Longest name of a field, in characters.
const NAME_CHARS_MAX: usize = 32;
/// Longest value, in characters: a postal address.
const VALUE_CHARS_MAX: usize = 256;

/// Name of a field: 1 to 32 of a–z, 0–9 and _, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(String);

impl FromStr for FieldName {
    type Err = MemberError;

    fn from_str(text: &str) -> Result<Self, MemberError> {
        let letters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if letters && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.len() <= NAME_CHARS_MAX {
            Ok(Self(text.to_owned()))
        } else {
            // What is no name may be a value in the wrong place.
            Err(MemberError::Field {
                field: "?".to_owned(),
                what: "a name is 1 to 32 of a-z, 0-9 and _, a letter first",
            })
        }
    }
}

impl FieldName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The fields of a member.
#[derive(Default)]
pub struct MemberFields(BTreeMap<FieldName, Zeroizing<String>>);

impl MemberFields {
    /// Checks names and values. Spaces around a value do not count.
    ///
    /// # Errors
    /// [`MemberError::Field`].
    pub fn new(fields: impl IntoIterator<Item = (String, String)>) -> Result<Self, MemberError> {
        let mut checked = BTreeMap::new();
        for (name, value) in fields {
            let (name, value) = (name.parse::<FieldName>()?, Zeroizing::new(value));
            let wrong = |what| MemberError::Field { field: name.0.clone(), what };
            let trimmed = Zeroizing::new(value.trim().to_owned());
            if trimmed.is_empty() {
                return Err(wrong("is empty"));
            }
            if trimmed.chars().count() > VALUE_CHARS_MAX {
                return Err(wrong("has more than 256 characters"));
            }
            if trimmed.chars().any(char::is_control) {
                return Err(wrong("holds a control character"));
            }
            checked.insert(name, trimmed);
        }
        if checked.len() > FIELDS_MAX {
            return Err(MemberError::Field { field: "?".to_owned(), what: "a member has at most 32 fields" });
        }
        Ok(Self(checked))
    }

    /// The value of a field.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field.as_str() == name).map(|(_, value)| value.as_str())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&FieldName, &str)> {
        self.0.iter().map(|(name, value)| (name, value.as_str()))
    }

    /// As a JSON object, for the vault.
    ///
    /// # Errors
    /// [`Error::StoreContent`] when it cannot be written.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let plain: BTreeMap<&str, &str> = self.iter().map(|(name, value)| (name.as_str(), value)).collect();
        serde_json::to_vec(&plain)
            .map(Zeroizing::new)
            .map_err(|_| Error::StoreContent { what: "fields of a member".to_owned() })
    }

    /// From the JSON object in the vault.
    ///
    /// # Errors
    /// [`Error::StoreContent`].
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let unreadable = || Error::StoreContent { what: "fields of a member".to_owned() };
        let fields: BTreeMap<String, String> = serde_json::from_slice(json).map_err(|_| unreadable())?;
        Self::new(fields).map_err(|_| unreadable())
    }
}

impl fmt::Debug for MemberFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} fields redacted]", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(name: &str, value: &str) -> Result<MemberFields, MemberError> {
        MemberFields::new([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn fields_survive_the_vault_and_are_not_printed() {
        let read =
            MemberFields::from_json(&fields("name_kana", " ヤマダ ハナコ ").unwrap().to_json().unwrap()).unwrap();
        assert_eq!(read.value("name_kana"), Some("ヤマダ ハナコ"));
        assert_eq!(format!("{read:?}"), "[1 fields redacted]");
    }

    #[test]
    fn a_refusal_names_the_field_and_never_its_value() {
        for (name, value) in [("name", ""), ("name", "a\nb"), ("name", &"a".repeat(257)), ("Hanako", "x"), ("", "x")] {
            let text = fields(name, value).unwrap_err().to_string();
            assert!(!text.contains("Hanako") && !text.contains("a\nb"), "{text}");
        }
    }
}
