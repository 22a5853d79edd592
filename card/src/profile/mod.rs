//! Product profiles: what a card holds, as data (TOML, checked, versioned by hash).
//!
//! A profile names the applications of a product, their files, access rules, keys, fields and initial content. What every
//! card of this house has (MF, key files, state files, ATR file) is added here. With `files = "none"` it names key sets
//! alone, for GlobalPlatform cards that have no such file system. Profiles with comments for the card engineer lie in
//! `profiles/`.
//!
//! ```
//! let profile = fuda_card::profile::Profile::parse(r#"
//!     name = "library"
//!     version = 1
//!     [[df]]
//!     name = "library"
//!     fid = "1001"
//!     df_name = "F04655444101"
//!     key = "ap/library"
//!     [[df.wef]]
//!     name = "member"
//!     fid = "0011"
//!     sfi = 1
//!     structure = "transparent"
//!     size = 16
//!     [[df.wef.field]]
//!     name = "member_number"
//!     type = "digits"
//!     length = 12
//!     encoding = "bcd"
//!     check = "luhn"
//! "#).unwrap();
//! assert_eq!(profile.applications().len(), 1);
//! ```

mod canonical;
mod df;
mod domain;
mod error;
mod field;
mod file_system;
mod house;
mod initial;
mod raw;
mod wef;
mod word;

pub use canonical::ProfileHash;
pub use df::{Application, MasterFile, RecoverySet};
pub use domain::{Delivered, Domain, LoadedSet, OldSet};
pub use error::ProfileError;
pub use field::{Check, DigitEncoding, Field, FieldKind, Privacy, TextEncoding};
pub use file_system::FileSystem;
pub use house::{DF_WEF_PS, IEF, MF_SETS, MF_WEF_PS, WEF_ATR_BYTES, WEF_PS_RECORD_BYTES, WEF_PS_RECORDS, WEF_PS_SFI};
pub use initial::{Initial, Place};
pub use wef::{RECORD_BYTES_MAX, RECORDS_MAX, Structure, TRANSPARENT_BYTES_MAX, Wef};

use crate::fcp::Fcp;
use crate::personalisation::Stage;
use toml::Spanned;
use word::lookup;

/// A checked profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    name: String,
    version: u16,
    content: Content,
}

/// What a product's cards hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file system: MF, applications, files, and the keys in them.
    Files(FileSystem),
    /// Keys only, in a GlobalPlatform security domain.
    Keys(Domain),
}

/// A file with its name for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name in the profile, or `IEF`, `WEF-PS`, `WEF-ATR`.
    pub name: String,
    /// Control parameters, ready for CREATE FILE.
    pub fcp: Fcp,
}

impl File {
    pub(super) fn new(name: &str, fcp: Fcp) -> Self {
        Self { name: name.into(), fcp }
    }
}

impl Profile {
    /// Reads and checks a profile.
    ///
    /// # Errors
    /// [`ProfileError`] for the first thing that is wrong: TOML, an unknown member or word, a value out of range, something
    /// used twice, or a file that cannot hold what it should.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let raw: raw::Profile = toml::from_str(text)?;
        let content = match raw.files.as_ref().map(|word| lookup(word, "kind of files", &FILES)).transpose()? {
            None | Some(Files::Iso) => Content::Files(FileSystem::check(&raw)?),
            Some(Files::None) => Content::Keys(Domain::check(&raw)?),
        };
        Ok(Self { name: name(&raw.name)?, version: *raw.version.get_ref(), content })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, counted by its author.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// What the cards hold.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// The applications, in the order of their creation; a profile of keys only has none.
    #[must_use]
    pub fn applications(&self) -> &[Application] {
        match &self.content {
            Content::Files(files) => files.applications(),
            Content::Keys(_) => &[],
        }
    }

    /// The first stage that the profile has something to do in.
    #[must_use]
    pub const fn first_stage(&self) -> Stage {
        match &self.content {
            Content::Files(_) => Stage::Zeroth,
            Content::Keys(domain) => domain.first_stage(),
        }
    }
}

/// Choice of `files`.
#[derive(Clone, Copy)]
enum Files {
    Iso,
    None,
}

const FILES: [(&str, Files); 2] = [("iso", Files::Iso), ("none", Files::None)];

fn name(raw: &Spanned<String>) -> Result<String, ProfileError> {
    let name = raw.get_ref();
    let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_'));
    if letters && (1..=64).contains(&name.len()) {
        Ok(name.clone())
    } else {
        let what = format!("`{name}` is no profile name");
        Err(ProfileError::new(raw.span(), what, "write 1 to 64 of a-z, 0-9, -, . and _"))
    }
}
