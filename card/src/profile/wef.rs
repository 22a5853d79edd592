//! Working files: shape, fields, initial content, control parameters.

use super::error::ProfileError;
use super::field::{Field, FieldKind, Privacy};
use super::initial::Initial;
use super::raw;
use super::word::{access_rules, lookup};
use crate::fcp::{AccessRules, Fcp, FileDescriptor, LifeCycle, Operation, SecurityCondition, ShortId};
use crate::id::{Fid, Sfi};
use toml::Spanned;

/// Largest record: what one short command carries at level 33.
pub const RECORD_BYTES_MAX: u16 = 239;
/// Largest transparent file: what 15 bits of offset reach.
pub const TRANSPARENT_BYTES_MAX: u16 = 0x7FFF;
/// Most records in a file.
pub const RECORDS_MAX: u16 = 254;

/// A working file of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wef {
    /// Its name in the profile.
    pub name: String,
    /// File identifier.
    pub fid: Fid,
    /// Short identifier.
    pub sfi: Option<Sfi>,
    /// Shape of one slot.
    pub structure: Structure,
    /// Copies of the content, of which one is live: 1 or 2.
    pub slots: u8,
    /// Access rules.
    pub access: AccessRules,
    /// What first issuance writes into slot 0.
    pub initial: Vec<Initial>,
    /// What second issuance writes.
    pub fields: Vec<Field>,
}

/// Shape of one slot of a WEF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// Bytes.
    Transparent {
        /// How many; slot k starts at byte k × size.
        size: u16,
    },
    /// Records of one size.
    LinearFixed {
        /// Bytes in a record.
        record_size: u16,
        /// How many; slot k starts at record k × records + 1.
        records: u8,
    },
}

impl Structure {
    /// Bytes that fields may fill: the slot, or one record.
    #[must_use]
    pub const fn field_room(&self) -> u16 {
        match self {
            Self::Transparent { size } => *size,
            Self::LinearFixed { record_size, .. } => *record_size,
        }
    }
}

impl Wef {
    /// Bytes of data in the file, all slots.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        let slot = match self.structure {
            Structure::Transparent { size } => u32::from(size),
            Structure::LinearFixed { record_size, records } => u32::from(record_size) * u32::from(records),
        };
        slot * u32::from(self.slots)
    }

    /// The control parameters for CREATE FILE, and what SELECT must answer.
    #[must_use]
    pub fn fcp(&self) -> Fcp {
        let (size, descriptor) = match self.structure {
            Structure::Transparent { .. } => (Some(self.bytes()), FileDescriptor::WEF_TRANSPARENT),
            Structure::LinearFixed { record_size, records } => {
                (None, FileDescriptor::wef_records(record_size, records.saturating_mul(self.slots)))
            }
        };
        Fcp {
            size,
            descriptor: Some(descriptor),
            fid: Some(self.fid),
            short_id: self.sfi.map_or(ShortId::None, ShortId::Number),
            life_cycle: Some(LifeCycle::Activated),
            access: Some(self.access.clone()),
            ..Fcp::default()
        }
    }
}

/// What a WEF's place in the card means for it.
pub(super) struct Surroundings {
    /// READ where the profile says nothing.
    pub(super) read: SecurityCondition,
    /// UPDATE where the profile says nothing.
    pub(super) update: SecurityCondition,
    /// Conditions that the channel which writes initial content fulfils.
    pub(super) writer: &'static [SecurityCondition],
    /// Most slots.
    pub(super) slots_max: u8,
}

pub(super) fn check(raw: &raw::Wef, fid: Fid, sfi: Option<Sfi>, at: &Surroundings) -> Result<Wef, ProfileError> {
    let slots = slots(raw, at)?;
    let structure = structure(raw, slots)?;
    let raw::EfAccess { read, update, append, deactivate, activate, terminate } = &raw.access;
    let never = SecurityCondition::Never;
    let access = access_rules(&[
        (Operation::READ, read, at.read),
        (Operation::UPDATE, update, at.update),
        (Operation::APPEND, append, never),
        (Operation::Deactivate, deactivate, never),
        (Operation::Activate, activate, never),
        (Operation::Terminate, terminate, never),
    ])?;
    let fields = fields(raw, &structure)?;
    let public = access.condition(Operation::READ) == SecurityCondition::Always;
    if let (Some(field), true) = (raw.field.iter().find(|field| field.personal), public) {
        let what = format!("`{}` is personal and anybody can read `{}`", field.name.get_ref(), raw.name.get_ref());
        return Err(ProfileError::new(field.name.span(), what, "give the WEF a read condition other than \"always\""));
    }
    let initial = Initial::check(raw, &structure)?;
    if let (Some(first), false) = (raw.initial.first(), at.writer.contains(&access.condition(Operation::UPDATE))) {
        let what = format!("first issuance cannot write initial content into `{}`", raw.name.get_ref());
        return Err(ProfileError::new(
            first.span(),
            what,
            "let the set of its own DF update it, or leave the content out",
        ));
    }
    Ok(Wef { name: raw.name.get_ref().clone(), fid, sfi, structure, slots, access, initial, fields })
}

fn slots(raw: &raw::Wef, at: &Surroundings) -> Result<u8, ProfileError> {
    let Some(slots) = &raw.slots else { return Ok(1) };
    let count = *slots.get_ref();
    if (1..=at.slots_max).contains(&count) {
        Ok(count)
    } else {
        let remedy = if at.slots_max == 1 { "WEFs of the MF have one slot" } else { "write 1 or 2" };
        Err(ProfileError::new(slots.span(), format!("`slots` is {count}"), remedy))
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Transparent,
    LinearFixed,
}

fn structure(raw: &raw::Wef, slots: u8) -> Result<Structure, ProfileError> {
    let shapes = [("transparent", Shape::Transparent), ("linear-fixed", Shape::LinearFixed)];
    let shape = lookup(&raw.structure, "structure of a WEF", &shapes)?;
    let slots = u16::from(slots);
    Ok(match shape {
        Shape::Transparent => {
            refuse(raw, "record_size", &raw.record_size)?;
            refuse(raw, "records", &raw.records)?;
            Structure::Transparent { size: number(raw, "size", &raw.size, TRANSPARENT_BYTES_MAX / slots)? }
        }
        Shape::LinearFixed => {
            refuse(raw, "size", &raw.size)?;
            let record_size = number(raw, "record_size", &raw.record_size, RECORD_BYTES_MAX)?;
            let records = number(raw, "records", &raw.records, RECORDS_MAX / slots)?;
            Structure::LinearFixed { record_size, records: u8::try_from(records).unwrap_or(u8::MAX) }
        }
    })
}

fn refuse(raw: &raw::Wef, member: &str, value: &Option<Spanned<u16>>) -> Result<(), ProfileError> {
    let Some(value) = value else { return Ok(()) };
    let what = format!("a {} WEF has no `{member}`", raw.structure.get_ref());
    Err(ProfileError::new(
        value.span(),
        what,
        "write `size` for transparent, `record_size` and `records` for linear-fixed",
    ))
}

fn number(raw: &raw::Wef, member: &str, value: &Option<Spanned<u16>>, max: u16) -> Result<u16, ProfileError> {
    let Some(value) = value else {
        let what = format!("the {} WEF `{}` has no `{member}`", raw.structure.get_ref(), raw.name.get_ref());
        return Err(ProfileError::new(raw.structure.span(), what, format!("add `{member}`, 1 to {max}")));
    };
    let number = *value.get_ref();
    if (1..=max).contains(&number) {
        Ok(number)
    } else {
        Err(ProfileError::new(value.span(), format!("`{member}` is {number}"), format!("write 1 to {max}")))
    }
}

/// Fields lie one after the other, in the order of the profile.
fn fields(raw: &raw::Wef, structure: &Structure) -> Result<Vec<Field>, ProfileError> {
    let room = u32::from(structure.field_room());
    let mut fields: Vec<Field> = Vec::with_capacity(raw.field.len());
    let mut end = 0;
    for field in &raw.field {
        let kind = FieldKind::check(field)?;
        let name = field.name.get_ref();
        if name.is_empty() || fields.iter().any(|other| other.name == *name) {
            let what = format!("a second field `{name}` in WEF `{}`, or one without a name", raw.name.get_ref());
            return Err(ProfileError::new(field.name.span(), what, "give each field of a WEF a name of its own"));
        }
        let offset = end;
        end += u32::from(kind.size());
        if end > room {
            let what = format!("field `{name}` ends at byte {end} of {room} in `{}`", raw.name.get_ref());
            return Err(ProfileError::new(field.name.span(), what, "enlarge the WEF or shorten its fields"));
        }
        let privacy = if field.personal { Privacy::Personal } else { Privacy::Ordinary };
        let offset = u16::try_from(offset).unwrap_or(u16::MAX);
        fields.push(Field { name: name.clone(), kind, offset, privacy });
    }
    Ok(fields)
}
