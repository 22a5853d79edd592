//! Product profiles: what a card holds, as data (TOML, checked, versioned by hash).
//!
//! A profile names the applications of a product, their files, access rules, keys, fields and initial content. What every
//! card of this house has (MF, key files, state files, ATR file) is added here. Two profiles with comments for the card
//! engineer lie in `profiles/`.
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
mod error;
mod field;
mod house;
mod initial;
mod raw;
mod wef;
mod word;

pub use canonical::ProfileHash;
pub use df::{Application, MasterFile};
pub use error::ProfileError;
pub use field::{Check, DigitEncoding, Field, FieldKind, Privacy, TextEncoding};
pub use house::{DF_WEF_PS, IEF, MF_SETS, MF_WEF_PS, WEF_ATR_BYTES, WEF_PS_RECORD_BYTES, WEF_PS_RECORDS, WEF_PS_SFI};
pub use initial::{Initial, Place};
pub use wef::{RECORD_BYTES_MAX, RECORDS_MAX, Structure, TRANSPARENT_BYTES_MAX, Wef};

use crate::atr::Atr;
use crate::fcp::Fcp;
use crate::id::{DfName, Fid};
use toml::Spanned;

/// Most applications on a card.
const APPLICATIONS_MAX: usize = 16;

/// A checked profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    name: String,
    version: u16,
    atr: Option<Vec<u8>>,
    mf: MasterFile,
    applications: Vec<Application>,
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
        let applications = applications(&raw.df)?;
        let mut taken = vec![
            (IEF, "the IEF"),
            (MF_WEF_PS, "the WEF-PS"),
            (Fid::WEF_ATR, "the WEF-ATR"),
            (Fid::new(0x2F00), "EF.DIR"),
        ];
        for (application, raw) in applications.iter().zip(&raw.df) {
            if let Some((fid, holder)) = taken.iter().find(|(fid, _)| *fid == application.fid) {
                let what = format!("file identifier {fid} is that of {holder}");
                return Err(ProfileError::new(raw.fid.span(), what, "choose another one"));
            }
        }
        taken.extend(applications.iter().map(|application| (application.fid, "an application")));
        let mf = MasterFile::check(&raw.mf, &taken)?;
        let name = name(&raw.name)?;
        let atr = raw.card.atr.as_ref().map(atr).transpose()?;
        Ok(Self { name, version: *raw.version.get_ref(), atr, mf, applications })
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

    /// The ATR that the WEF-ATR tells, where the profile says one.
    #[must_use]
    pub fn atr(&self) -> Option<&[u8]> {
        self.atr.as_deref()
    }

    /// The MF.
    #[must_use]
    pub const fn mf(&self) -> &MasterFile {
        &self.mf
    }

    /// The applications, in the order of their creation.
    #[must_use]
    pub fn applications(&self) -> &[Application] {
        &self.applications
    }

    /// The MF itself, in life cycle 03.
    #[must_use]
    pub fn mf_file(&self) -> File {
        File::new("MF", self.mf.fcp(&self.applications))
    }

    /// The MF's EFs in the order of their creation: IEF, WEF-PS, WEF-ATR, then the profile's.
    #[must_use]
    pub fn mf_files(&self) -> Vec<File> {
        self.mf.files()
    }
}

fn applications(raws: &[raw::Df]) -> Result<Vec<Application>, ProfileError> {
    let mut applications: Vec<Application> = Vec::with_capacity(raws.len());
    for raw in raws {
        let new = Application::check(raw)?;
        for other in &applications {
            let (span, what) = match other {
                other if other.name == new.name => {
                    (raw.name.span(), format!("a second application is named `{}`", new.name))
                }
                other if other.fid == new.fid => {
                    (raw.fid.span(), format!("`{}` has file identifier {} too", other.name, new.fid))
                }
                other if other.key == new.key => {
                    (raw.key.span(), format!("`{}` has key `{}` too", other.name, new.key))
                }
                other if ambiguous(&other.df_name, &new.df_name) => (
                    raw.df_name.span(),
                    format!("one of {} and {} is the beginning of the other", other.df_name, new.df_name),
                ),
                _ => continue,
            };
            return Err(ProfileError::new(span, what, "name, fid, df_name and key of an application are its own"));
        }
        if ambiguous(&new.df_name, &DfName::mf()) {
            let what = format!("{} cannot be told from the MF's name {}", new.df_name, DfName::mf());
            return Err(ProfileError::new(
                raw.df_name.span(),
                what,
                "choose a name that does not begin as the MF's does",
            ));
        }
        if applications.len() == APPLICATIONS_MAX {
            let what = format!("`{}` is one application too many", new.name);
            return Err(ProfileError::new(raw.name.span(), what, format!("a card has at most {APPLICATIONS_MAX}")));
        }
        applications.push(new);
    }
    Ok(applications)
}

/// SELECT finds a DF by the first bytes of its name, so no name may begin another.
fn ambiguous(one: &DfName, other: &DfName) -> bool {
    one.as_bytes().starts_with(other.as_bytes()) || other.as_bytes().starts_with(one.as_bytes())
}

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

fn atr(raw: &Spanned<String>) -> Result<Vec<u8>, ProfileError> {
    let bytes = hex::decode(raw.get_ref()).map_err(|_| {
        ProfileError::new(raw.span(), format!("`{}` is no ATR", raw.get_ref()), "write 2 to 33 bytes in hex")
    })?;
    match Atr::parse(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let what = format!("`{}` is no ATR: {error}", raw.get_ref());
            Err(ProfileError::new(raw.span(), what, "write 2 to 33 bytes as ISO/IEC 7816-3 §8.2 has them"))
        }
    }
}
