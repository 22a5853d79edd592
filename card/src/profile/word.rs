//! Words of a profile and what they stand for; an unknown word is answered with the list of known ones.

use super::error::ProfileError;
use crate::fcp::{AccessRules, Operation, SecurityCondition};
use toml::Spanned;

/// Words for security conditions.
pub(super) const CONDITIONS: [(&str, SecurityCondition); 8] = [
    ("always", SecurityCondition::Always),
    ("never", SecurityCondition::Never),
    ("own", SecurityCondition::Own),
    ("issuer", SecurityCondition::Issuer),
    ("transport", SecurityCondition::Transport),
    ("recovery", SecurityCondition::Recovery),
    ("issuer|transport", SecurityCondition::IssuerOrTransport),
    ("own+pin", SecurityCondition::OwnAndPin),
];

/// The meaning of a word out of a table.
pub(super) fn lookup<T: Copy>(word: &Spanned<String>, what: &str, table: &[(&str, T)]) -> Result<T, ProfileError> {
    let found = table.iter().find(|(known, _)| known == word.get_ref());
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(|(known, _)| *known).collect();
        let what = format!("`{}` is no {what}", word.get_ref());
        ProfileError::new(word.span(), what, format!("write one of {}", known.join(", ")))
    })
}

/// Access rules: the words of a profile over what holds without them; `none` stands for no rule.
pub(super) fn access_rules(
    words: &[(Operation, &Option<Spanned<String>>, SecurityCondition)],
) -> Result<AccessRules, ProfileError> {
    words.iter().try_fold(AccessRules::none(), |rules, (operation, word, default)| {
        let condition = match word {
            Some(word) => lookup(word, "access condition", &CONDITIONS)?,
            None => *default,
        };
        // An operation without a rule is forbidden: `never` needs no byte.
        Ok(if condition == SecurityCondition::Never { rules } else { rules.allow(*operation, condition) })
    })
}
