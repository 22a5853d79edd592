//! The files that every card of this house has, whatever its profile: MF, IEF, WEF-PS, WEF-ATR.

use crate::fcp::{AccessRules, Fcp, FileDescriptor, LifeCycle, Operation, SecurityCondition, ShortId};
use crate::id::{Fid, Sfi};

/// The key file (IEF) of the MF and of each DF.
pub const IEF: Fid = Fid::new(0x0001);
/// The personalisation state file (WEF-PS) of the MF: stage records.
pub const MF_WEF_PS: Fid = Fid::new(0x2F02);
/// The personalisation state file (WEF-PS) of a DF.
pub const DF_WEF_PS: Fid = Fid::new(0x0002);
/// Short identifier of every WEF-PS, out of the way of a profile's own.
pub const WEF_PS_SFI: u8 = 0x1E;
/// Records of a WEF-PS, written alternately.
pub const WEF_PS_RECORDS: u8 = 2;
/// Bytes in a record of a WEF-PS: what a card writes whole or not at all.
pub const WEF_PS_RECORD_BYTES: u16 = 32;
/// Bytes in the WEF-ATR: the longest ATR is 33.
pub const WEF_ATR_BYTES: u32 = 64;
/// Key sets of the MF: initial, transport, two of the issuer; once the first two are gone, the recovery set and two or three of the issuer.
pub const MF_SETS: u8 = 4;
/// Bytes of an IEF for each key set.
const SET_BYTES: u32 = 64;
/// What a card may need for the control parameters of a file.
const FILE_OVERHEAD_BYTES: u32 = 64;

/// The IEF for so many key sets. Its keys are never read; PUT KEY and DELETE KEY have rules of their own.
pub(super) fn ief(sets: u8) -> Fcp {
    Fcp {
        size: Some(u32::from(sets) * SET_BYTES),
        descriptor: Some(FileDescriptor::IefLinearVariable),
        fid: Some(IEF),
        short_id: ShortId::None,
        life_cycle: Some(LifeCycle::Activated),
        access: Some(wef_access(SecurityCondition::Never, SecurityCondition::Never)),
        ..Fcp::default()
    }
}

/// The WEF-PS of the MF (read by anybody) or of a DF (read under its own set).
pub(super) fn wef_ps(fid: Fid, read: SecurityCondition, update: SecurityCondition) -> Fcp {
    Fcp {
        descriptor: Some(FileDescriptor::wef_records(WEF_PS_RECORD_BYTES, WEF_PS_RECORDS)),
        fid: Some(fid),
        short_id: Sfi::new(WEF_PS_SFI).map_or(ShortId::None, ShortId::Number),
        life_cycle: Some(LifeCycle::Activated),
        access: Some(wef_access(read, update)),
        ..Fcp::default()
    }
}

/// The WEF-ATR (EF.ATR) of the MF.
pub(super) fn wef_atr() -> Fcp {
    Fcp {
        size: Some(WEF_ATR_BYTES),
        descriptor: Some(FileDescriptor::WEF_TRANSPARENT),
        fid: Some(Fid::WEF_ATR),
        short_id: ShortId::None,
        life_cycle: Some(LifeCycle::Activated),
        access: Some(wef_access(SecurityCondition::Always, SecurityCondition::IssuerOrTransport)),
        ..Fcp::default()
    }
}

/// Rules for READ and UPDATE; both stand even where they forbid, so that a card need not guess.
fn wef_access(read: SecurityCondition, update: SecurityCondition) -> AccessRules {
    AccessRules::none().allow(Operation::READ, read).allow(Operation::UPDATE, update)
}

/// Tag 81 of a DF: what its files need, with their control parameters, in steps of 256 bytes.
pub(super) fn df_size(files: &[Fcp]) -> u32 {
    let needed: u32 = files.iter().map(|fcp| FILE_OVERHEAD_BYTES + bytes(fcp)).sum();
    (needed + FILE_OVERHEAD_BYTES).next_multiple_of(256)
}

fn bytes(fcp: &Fcp) -> u32 {
    let records = match fcp.descriptor {
        Some(FileDescriptor::WefLinearFixed { records, .. }) => records.bytes(),
        _ => 0,
    };
    fcp.size.unwrap_or(0) + fcp.total_size.unwrap_or(0) + records
}
