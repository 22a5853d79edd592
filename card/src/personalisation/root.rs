//! Where every contact with a card begins, and whether the card is of the kind that a plan is for.

use crate::fcp::Fcp;
use crate::id::{DfName, Kvn};
use crate::profile::{Content, Profile};
use std::fmt;

/// Where every contact with a card begins: what is selected, and the key set that a blank chip has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Name of the MF, or of the security domain.
    pub df: DfName,
    /// Number of the only set of a blank chip.
    pub blank: Kvn,
    /// What the card must be.
    pub system: System,
}

/// What kind of card a plan works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum System {
    /// A file system, or a chip that takes one.
    Files,
    /// A security domain with keys and no file.
    Domain,
}

/// What the answer to the selection of the root says about the kind of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The card is of the kind.
    Yes,
    /// It is of another.
    No,
    /// A domain that tells nothing but its name, as blank chips of this house do. These tell their identity as card image
    /// number (0045), a domain does not before its owner has stored one.
    NamedOnly,
}

impl Root {
    /// The cards of this house.
    pub(super) fn of_house() -> Self {
        Self { df: DfName::mf(), blank: Kvn::INITIAL, system: System::Files }
    }

    pub(super) fn of(profile: &Profile) -> Self {
        match profile.content() {
            Content::Files(_) => Self::of_house(),
            Content::Keys(domain) => {
                Self { df: domain.aid.clone(), blank: domain.delivered.kvn(), system: System::Domain }
            }
        }
    }

    /// Whether a card is of the kind, by its answer to SELECT; `None` for an answer that is no file control information.
    #[must_use]
    pub fn fit(&self, selected: Option<&Fcp>) -> Fit {
        let has_file = selected.is_some_and(|selected| selected.descriptor.is_some());
        let names_only = selected.is_some_and(Fcp::is_name_only);
        match self.system {
            System::Files if has_file || names_only => Fit::Yes,
            System::Files => Fit::No,
            System::Domain if has_file => Fit::No,
            System::Domain if names_only => Fit::NamedOnly,
            System::Domain => Fit::Yes,
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "cards with files",
            Self::Domain => "cards with keys only",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fcp::FileDescriptor;

    fn root(system: System) -> Root {
        Root { df: DfName::mf(), blank: Kvn::INITIAL, system }
    }

    #[test]
    fn a_card_is_of_one_kind() {
        let chip = Fcp { df_name: Some(DfName::mf()), ..Fcp::default() };
        let domain = Fcp::parse(&[0x6F, 0x0A, 0x84, 0x01, 0xA0, 0xA5, 0x05, 0x9F, 0x65, 0x02, 0x00, 0xFF]).unwrap();
        let mf = Fcp { descriptor: Some(FileDescriptor::DF), ..chip.clone() };
        let both = |selected| [System::Files, System::Domain].map(|system| root(system).fit(selected));
        assert_eq!(both(Some(&chip)), [Fit::Yes, Fit::NamedOnly]);
        assert_eq!(both(Some(&mf)), [Fit::Yes, Fit::No]);
        assert_eq!(both(Some(&domain)), [Fit::No, Fit::Yes]);
        assert_eq!(both(None), [Fit::No, Fit::Yes], "an answer of its maker's own");
    }
}
