//! `[keys]`: which version of each key this order writes.

use fuda_cli::{Failure, Source};
use fuda_kms::name::{KeyKind, KeyName, KeyRef, NameError};
use std::path::PathBuf;
use toml::de::DeTable;

use super::fields::{Fields, Located};

const ALLOWED: &str = "the key's own name for its ACTIVE version, or NAME@N for version N";

/// One line of `[keys]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChoice {
    /// The key.
    pub key: KeyName,
    /// `Name`: the version that is ACTIVE when the job is made; `Version`: this one.
    pub wanted: KeyRef,
    offset: usize,
}

/// `[keys]` as a whole: each key at most once. What is left out is used in its ACTIVE version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    choices: Vec<KeyChoice>,
    recovery: Option<RecoverySets>,
    offset: usize,
}

/// `recovery = { sets = "FILE" }`: a line never has the recovery key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoverySets {
    /// The file that `fuda-kms key sets` made, as written: relative to the order's folder.
    pub path: PathBuf,
    /// Where the order says so.
    pub offset: usize,
}

impl KeyPlan {
    pub(super) fn parse(source: &Source, table: Located<&DeTable<'_>>) -> Result<Self, Failure> {
        let names: Vec<&str> = table.value.keys().map(|key| &**key.get_ref()).collect();
        let fields = Fields::new(source, table.value, table.offset, "keys.", &names)?;
        let (mut choices, mut recovery) = (Vec::new(), None);
        for key in table.value.keys() {
            let offset = key.span().start;
            let key = card_key(key.get_ref())
                .map_err(|what| Failure::input(source, offset, what, format!("give {CARD_KEYS}")))?;
            let name = key.to_string();
            if key == KeyName::Recovery {
                recovery = Some(recovery_sets(source, &fields)?);
                continue;
            }
            let text = fields.required_text(&name, ALLOWED)?;
            let wrong = |what: String| fields.wrong(text.offset, &name, what, ALLOWED);
            let wanted: KeyRef =
                text.value.parse().map_err(|error: NameError| wrong(format!("is not understood: {error}")))?;
            let of = match &wanted {
                KeyRef::Name(of) => of,
                KeyRef::Version(version) => &version.name,
            };
            // A free mapping would let two keys be swapped by a slip of the pen, and the cards would carry them.
            if *of != key {
                return Err(wrong(format!("names another key, {of}")));
            }
            choices.push(KeyChoice { key, wanted, offset: text.offset });
        }
        choices.sort_by_key(|choice| choice.offset);
        Ok(Self { choices, recovery, offset: table.offset })
    }

    /// The choices in the order of the file.
    #[must_use]
    pub fn choices(&self) -> &[KeyChoice] {
        &self.choices
    }

    /// What was chosen for `key`.
    #[must_use]
    pub fn choice(&self, key: &KeyName) -> Option<&KeyChoice> {
        self.choices.iter().find(|choice| choice.key == *key)
    }

    /// The recovery sets of the order's cards.
    #[must_use]
    pub const fn recovery(&self) -> Option<&RecoverySets> {
        self.recovery.as_ref()
    }

    /// The recovery sets, where the profile wants one on each card.
    ///
    /// # Errors
    /// `INPUT_INVALID` (exit 5) when the profile wants them and the order names none, or the other way round.
    pub fn recovery_for(&self, source: &Source, needed: &[KeyName]) -> Result<Option<&RecoverySets>, Failure> {
        match (&self.recovery, needed.contains(&KeyName::Recovery)) {
            (Some(sets), true) => Ok(Some(sets)),
            (None, false) => Ok(None),
            (None, true) => {
                let what = "the profile puts a recovery set onto each card, and the order names no file of them";
                Err(Failure::input(source, self.offset, what, format!("add recovery = {SETS}")))
            }
            (Some(sets), false) => {
                let what = "`keys.recovery` is not written by this profile in these stages";
                Err(Failure::input(source, sets.offset, what, "leave it out"))
            }
        }
    }

    /// Holds the choices against what profile and stages need: none may be left over. A key that is not named is used in its ACTIVE version.
    ///
    /// # Errors
    /// `INPUT_INVALID` (exit 5) at the line that is too many.
    pub fn only(&self, source: &Source, needed: &[KeyName]) -> Result<(), Failure> {
        let spare = self.choices.iter().find(|choice| choice.key != KeyName::Initial && !needed.contains(&choice.key));
        spare.map_or(Ok(()), |choice| {
            let what = format!("`keys.{}` is not written by this profile in these stages", choice.key);
            let needed: Vec<String> = needed.iter().map(ToString::to_string).collect();
            Err(Failure::input(source, choice.offset, what, format!("needed are: {}", needed.join(", "))))
        })
    }
}

/// The one form of `keys.recovery`.
const SETS: &str = "{ sets = \"FILE\" }: what `fuda-kms key sets` made for these cards";

fn recovery_sets(source: &Source, keys: &Fields<'_>) -> Result<RecoverySets, Failure> {
    if let Some(text) = keys.text("recovery", SETS).ok().flatten() {
        return Err(keys.wrong(text.offset, "recovery", "names a key that no line has", SETS));
    }
    let table = keys.table("recovery")?;
    let fields = Fields::new(source, table.value, table.offset, "keys.recovery.", &["sets"])?;
    let path = fields.required_text("sets", "the name of a file")?;
    if path.value.is_empty() {
        return Err(fields.wrong(path.offset, "sets", "is empty", "the name of a file"));
    }
    Ok(RecoverySets { path: path.value.into(), offset: path.offset })
}

const CARD_KEYS: &str = "transport, issuer, recovery, initial or ap/NAME (quoted)";

fn card_key(text: &str) -> Result<KeyName, String> {
    let key: KeyName = text.parse().map_err(|error: NameError| error.to_string())?;
    if key.kind() == KeyKind::Derivation { Ok(key) } else { Err(format!("`{text}` is no key that a card carries")) }
}
