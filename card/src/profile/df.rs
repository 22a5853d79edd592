//! MF and applications: their files, keys and rules.

use super::error::ProfileError;
use super::wef::{self, Surroundings, Wef};
use super::word::{access_rules, lookup};
use super::{File, house, raw};
use crate::fcp::{AccessRules, Fcp, FileDescriptor, LifeCycle, Operation, SecurityCondition};
use crate::id::{DfName, Fid, Kvn, Sfi};
use crate::key_name::{ApplicationName, KeyName};
use toml::Spanned;

use SecurityCondition::{Always, Issuer, IssuerOrTransport, Never, Own};

/// Most WEFs in a DF: one short identifier each.
const WEFS_MAX: usize = 29;
/// Most WEFs with two slots in a DF: one bit each in a record of its WEF-PS.
const TWO_SLOT_WEFS_MAX: usize = 8;

/// The root of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterFile {
    pub(super) access: AccessRules,
    /// Whether 1st issuance loads a recovery set.
    pub recovery: RecoverySet,
    /// The profile's own WEFs in the MF.
    pub wefs: Vec<Wef>,
}

/// The last resort for a card whose other keys are lost or known to others: key set 3F of the MF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoverySet {
    /// The cards have none.
    None,
    /// Each card has its own, made where the recovery key is and brought to the line sealed.
    PerCard,
}

const RECOVERY_SETS: [(&str, RecoverySet); 2] = [("none", RecoverySet::None), ("per-card", RecoverySet::PerCard)];

/// An application: a DF with its files and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its name.
    pub name: ApplicationName,
    /// File identifier of its DF.
    pub fid: Fid,
    /// Name (AID) of its DF.
    pub df_name: DfName,
    /// Its key, `ap/…`.
    pub key: KeyName,
    /// The KVN of its first key set.
    pub kvn: Kvn,
    /// Key sets that its IEF has room for.
    pub sets: u8,
    pub(super) access: AccessRules,
    /// Its WEFs.
    pub wefs: Vec<Wef>,
}

impl MasterFile {
    /// The MF's control parameters; `applications` are what it must have room for.
    pub(super) fn fcp(&self, applications: &[Application]) -> Fcp {
        let mut inside: Vec<Fcp> = self.files().into_iter().map(|file| file.fcp).collect();
        inside.extend(applications.iter().map(Application::fcp));
        df(Fid::MF, DfName::mf(), &inside, &self.access)
    }

    /// The MF's EFs in the order of their creation.
    pub(super) fn files(&self) -> Vec<File> {
        let mut files = vec![
            File::new("IEF", house::ief(house::MF_SETS)),
            File::new("WEF-PS", house::wef_ps(house::MF_WEF_PS, Always, IssuerOrTransport)),
            File::new("WEF-ATR", house::wef_atr()),
        ];
        files.extend(self.wefs.iter().map(|wef| File::new(&wef.name, wef.fcp())));
        files
    }

    pub(super) fn check(raw: &raw::Mf, fids: &[(Fid, &str)]) -> Result<Self, ProfileError> {
        let access = df_access(
            &raw.access,
            [IssuerOrTransport, IssuerOrTransport, IssuerOrTransport, Issuer, Issuer, IssuerOrTransport],
        )?;
        let surroundings = Surroundings {
            read: Always,
            update: IssuerOrTransport,
            writer: &[Always, Own, Issuer, IssuerOrTransport],
            slots_max: 1,
        };
        let recovery = raw.recovery.as_ref().map(|word| lookup(word, "kind of recovery set", &RECOVERY_SETS));
        Ok(Self {
            access,
            recovery: recovery.transpose()?.unwrap_or(RecoverySet::None),
            wefs: check_wefs(&raw.wef, fids, &surroundings)?,
        })
    }
}

impl Application {
    /// The DF's control parameters: CREATE FILE, and what SELECT must answer until it is activated.
    #[must_use]
    pub fn fcp(&self) -> Fcp {
        let inside: Vec<Fcp> = self.files().into_iter().map(|file| file.fcp).collect();
        df(self.fid, self.df_name.clone(), &inside, &self.access)
    }

    /// The DF's EFs in the order of their creation: IEF, WEF-PS, then the profile's.
    #[must_use]
    pub fn files(&self) -> Vec<File> {
        let mut files = vec![
            File::new("IEF", house::ief(self.sets)),
            File::new("WEF-PS", house::wef_ps(house::DF_WEF_PS, Own, Own)),
        ];
        files.extend(self.wefs.iter().map(|wef| File::new(&wef.name, wef.fcp())));
        files
    }

    pub(super) fn check(raw: &raw::Df) -> Result<Self, ProfileError> {
        let name = parsed::<ApplicationName>(&raw.name)?;
        let fid = fid(&raw.fid)?;
        let df_name = parsed::<DfName>(&raw.df_name)?;
        let key = parsed::<KeyName>(&raw.key)?;
        if !matches!(key, KeyName::Application(_)) {
            return Err(ProfileError::new(
                raw.key.span(),
                format!("`{key}` is not an application's key"),
                "write `ap/` and a name",
            ));
        }
        let kvn = raw.kvn.as_ref().map(kvn).transpose()?.unwrap_or(Kvn::AP_FIRST);
        let sets = raw.sets.as_ref().map_or(2, |sets| *sets.get_ref());
        if let (Some(sets), false) = (&raw.sets, (1..=2).contains(&sets)) {
            let what = format!("`sets` is {}", sets.get_ref());
            return Err(ProfileError::new(sets.span(), what, "write 2, or 1 for a key that is never exchanged"));
        }
        let access = df_access(&raw.access, [Issuer, Issuer, Never, Issuer, Own, Issuer])?;
        let surroundings = Surroundings { read: Own, update: Own, writer: &[Always, Own], slots_max: 2 };
        let reserved =
            [(house::IEF, "the IEF"), (house::DF_WEF_PS, "the WEF-PS"), (Fid::MF, "the MF"), (fid, "the DF itself")];
        let wefs = check_wefs(&raw.wef, &reserved, &surroundings)?;
        Ok(Self { name, fid, df_name, key, kvn, sets, access, wefs })
    }
}

/// Control parameters of the MF or a DF in life cycle 03.
fn df(fid: Fid, name: DfName, inside: &[Fcp], access: &AccessRules) -> Fcp {
    Fcp {
        descriptor: Some(FileDescriptor::DF),
        fid: Some(fid),
        df_name: Some(name),
        total_size: Some(house::df_size(inside)),
        life_cycle: Some(LifeCycle::Initialisation),
        access: Some(access.clone()),
        ..Fcp::default()
    }
}

/// `defaults` in the order of the members: delete_child, create_ef, create_df, deactivate, activate, terminate.
fn df_access(raw: &raw::DfAccess, defaults: [SecurityCondition; 6]) -> Result<AccessRules, ProfileError> {
    let raw::DfAccess { delete_child, create_ef, create_df, deactivate, activate, terminate } = raw;
    let [child, ef, df, off, on, end] = defaults;
    access_rules(&[
        (Operation::DELETE_CHILD, delete_child, child),
        (Operation::CREATE_EF, create_ef, ef),
        (Operation::CREATE_DF, create_df, df),
        (Operation::Deactivate, deactivate, off),
        (Operation::Activate, activate, on),
        (Operation::Terminate, terminate, end),
    ])
}

fn check_wefs(raws: &[raw::Wef], reserved: &[(Fid, &str)], at: &Surroundings) -> Result<Vec<Wef>, ProfileError> {
    let mut wefs: Vec<Wef> = Vec::with_capacity(raws.len());
    for raw in raws {
        let name = raw.name.get_ref();
        let fid = fid(&raw.fid)?;
        if let Some((_, holder)) = reserved.iter().find(|(taken, _)| *taken == fid) {
            let what = format!("file identifier {fid} is that of {holder}");
            return Err(ProfileError::new(raw.fid.span(), what, "choose another one"));
        }
        let sfi = raw.sfi.as_ref().map(sfi).transpose()?;
        for other in &wefs {
            let what = match other {
                other if other.name == *name => (raw.name.span(), format!("a second WEF is named `{name}`")),
                other if other.fid == fid => {
                    (raw.fid.span(), format!("`{}` has file identifier {fid} too", other.name))
                }
                other if sfi.is_some() && other.sfi == sfi => (
                    raw.sfi.as_ref().map_or(0..0, Spanned::span),
                    format!("`{}` has this short identifier too", other.name),
                ),
                _ => continue,
            };
            return Err(ProfileError::new(what.0, what.1, "name, fid and sfi of a WEF are unique in its DF"));
        }
        wefs.push(wef::check(raw, fid, sfi, at)?);
        let two_slots = wefs.iter().filter(|wef| wef.slots == 2).count();
        if wefs.len() > WEFS_MAX || two_slots > TWO_SLOT_WEFS_MAX {
            let what = format!("`{name}` is one WEF too many");
            let remedy = format!("a DF has at most {WEFS_MAX} WEFs, of which {TWO_SLOT_WEFS_MAX} with two slots");
            return Err(ProfileError::new(raw.name.span(), what, remedy));
        }
    }
    Ok(wefs)
}

fn sfi(raw: &Spanned<u8>) -> Result<Sfi, ProfileError> {
    let number = *raw.get_ref();
    let found = Sfi::new(number).filter(|_| number != house::WEF_PS_SFI);
    found.ok_or_else(|| ProfileError::new(raw.span(), format!("`sfi` is {number}"), "write 1 to 29; 30 is the WEF-PS"))
}

/// File identifiers that ISO/IEC 7816-4:2020 §7.4.1 reserves.
fn fid(raw: &Spanned<String>) -> Result<Fid, ProfileError> {
    let fid: Fid = parsed(raw)?;
    if matches!(fid.to_u16(), 0x0000 | 0x3F00 | 0x3FFF | 0xFFFF) {
        return Err(ProfileError::new(
            raw.span(),
            format!("file identifier {fid} is reserved"),
            "write another of 0003 to FFFE",
        ));
    }
    Ok(fid)
}

fn kvn(raw: &Spanned<String>) -> Result<Kvn, ProfileError> {
    let number = u8::from_str_radix(raw.get_ref(), 16).ok().filter(|number| (0x30..=0x3E).contains(number));
    number.map(Kvn::new).ok_or_else(|| {
        ProfileError::new(raw.span(), format!("`kvn` is `{}`", raw.get_ref()), "write \"30\" to \"3E\", hexadecimal")
    })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(raw: &Spanned<String>) -> Result<T, ProfileError> {
    raw.get_ref().parse().map_err(|error: T::Err| ProfileError::new(raw.span(), error.to_string(), "correct the value"))
}
