//! The file system of a product: MF, applications, what the ATR file tells.

use super::df::{Application, MasterFile};
use super::error::ProfileError;
use super::house::{IEF, MF_WEF_PS};
use super::{File, raw};
use crate::atr::Atr;
use crate::id::{DfName, Fid};
use toml::Spanned;

/// Most applications on a card.
const APPLICATIONS_MAX: usize = 16;

/// A card's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystem {
    atr: Option<Vec<u8>>,
    mf: MasterFile,
    applications: Vec<Application>,
}

impl FileSystem {
    pub(super) fn check(raw: &raw::Profile) -> Result<Self, ProfileError> {
        if let Some(domain) = &raw.domain {
            let what = "a card with files has no `[domain]`";
            return Err(ProfileError::new(domain.span(), what, "write `files = \"none\"`, or leave the table out"));
        }
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
        let no_mf = raw::Mf::default();
        let mf = MasterFile::check(raw.mf.as_ref().map_or(&no_mf, Spanned::get_ref), &taken)?;
        let atr = raw.card.as_ref().and_then(|card| card.get_ref().atr.as_ref()).map(atr).transpose()?;
        Ok(Self { atr, mf, applications })
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
