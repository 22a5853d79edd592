//! File control parameters: ISO/IEC 7816-4:2020 §7.4, and CREATE FILE of ISO/IEC 7816-9:2017.
//!
//! One canonical order of objects, `80 82 83 84 81 88 8B 8A 8C`, so that the parameters of a file are one byte string:
//! what CREATE FILE sent and what SELECT answers can be compared byte for byte.

mod access;
mod descriptor;
mod life_cycle;

pub use access::{AccessRules, Operation, SecurityCondition};
pub use descriptor::{FileDescriptor, Records, Sharing};
pub use life_cycle::LifeCycle;

use crate::id::{DfName, Fid, Sfi};
use crate::tlv::{Reader, TlvError, Writer};
use thiserror::Error;

/// Tag of an FCP template: CREATE FILE, and SELECT with P2 = 04.
const FCP: u16 = 0x62;
/// Tag of an FCI template: SELECT with P2 = 00.
const FCI: u16 = 0x6F;

/// File control parameters, all of them optional as the standard has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fcp {
    /// Tag 80: bytes of data in the file, without structural information.
    pub size: Option<u32>,
    /// Tag 82: what the file is.
    pub descriptor: Option<FileDescriptor>,
    /// Tag 83: file identifier.
    pub fid: Option<Fid>,
    /// Tag 84: DF name.
    pub df_name: Option<DfName>,
    /// Tag 81: bytes that the file takes, with what is in it.
    pub total_size: Option<u32>,
    /// Tag 88: short EF identifier.
    pub short_id: ShortId,
    /// Tag 8B: reference to access rules in EF.ARR, as it stands.
    pub access_reference: Option<Vec<u8>>,
    /// Tag 8A: life cycle status.
    pub life_cycle: Option<LifeCycle>,
    /// Tag 8C: access rules.
    pub access: Option<AccessRules>,
    /// Objects with other tags, in the order found.
    pub other: Vec<(u16, Vec<u8>)>,
}

/// What tag 88 says about short selection of an EF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShortId {
    /// Tag absent: the low five bits of the FID are the short identifier.
    #[default]
    FromFid,
    /// Tag empty: none.
    None,
    /// This one, in b8 to b4.
    Number(Sfi),
}

impl Fcp {
    /// Reads a template 62 (FCP) or 6F (FCI).
    ///
    /// # Errors
    /// [`FcpError::Template`] for another object or bytes after it, [`FcpError::Tlv`] for broken objects in it,
    /// [`FcpError::Twice`] and [`FcpError::Value`] for an object that stands twice or has an impossible value.
    pub fn parse(bytes: &[u8]) -> Result<Self, FcpError> {
        let mut outer = Reader::new(bytes);
        let template = outer.next().ok_or(FcpError::Template { offset: 0 })??;
        if !matches!(template.tag, FCP | FCI) {
            return Err(FcpError::Template { offset: 0 });
        }
        if outer.next().is_some() {
            return Err(FcpError::Template { offset: template.offset() + template.value.len() });
        }
        let mut fcp = Self::default();
        let mut seen = Vec::new();
        for object in template.children()? {
            let object = object?;
            if seen.contains(&object.tag) {
                return Err(FcpError::Twice { tag: object.tag, offset: object.offset() });
            }
            seen.push(object.tag);
            fcp.take(object.tag, object.value, object.offset())?;
        }
        Ok(fcp)
    }

    /// Whether it tells a DF name and nothing else, as a chip of this house does before it has files.
    #[must_use]
    pub fn is_name_only(&self) -> bool {
        self.df_name.is_some() && *self == Self { df_name: self.df_name.clone(), ..Self::default() }
    }

    fn take(&mut self, tag: u16, value: &[u8], offset: usize) -> Result<(), FcpError> {
        let malformed = FcpError::Value { tag, offset };
        match (tag, value) {
            (0x80, _) => self.size = Some(number(value).ok_or(malformed)?),
            (0x81, _) => self.total_size = Some(number(value).ok_or(malformed)?),
            (0x82, _) => self.descriptor = Some(FileDescriptor::parse(value, offset)?),
            (0x83, &[high, low]) => self.fid = Some(Fid::new(u16::from_be_bytes([high, low]))),
            (0x84, _) => self.df_name = Some(DfName::new(value).map_err(|_| malformed)?),
            (0x88, []) => self.short_id = ShortId::None,
            (0x88, &[byte]) if byte & 0x07 == 0 => {
                self.short_id = ShortId::Number(Sfi::new(byte >> 3).ok_or(malformed)?);
            }
            (0x8A, &[byte]) => self.life_cycle = Some(LifeCycle::from_u8(byte)),
            (0x8B, _) => self.access_reference = Some(value.to_vec()),
            (0x8C, _) => self.access = Some(AccessRules::parse(value, offset)?),
            (0x83 | 0x88 | 0x8A, _) => return Err(malformed),
            _ => self.other.push((tag, value.to_vec())),
        }
        Ok(())
    }

    /// The FCP template (62), objects in canonical order: what CREATE FILE carries.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut objects = Writer::new();
        let mut put = |tag, value: Option<Vec<u8>>| {
            if let Some(value) = value {
                objects = std::mem::take(&mut objects).put(tag, &value);
            }
        };
        put(0x80, self.size.map(number_bytes));
        put(0x82, self.descriptor.map(FileDescriptor::encode));
        put(0x83, self.fid.map(|fid| fid.to_bytes().to_vec()));
        put(0x84, self.df_name.as_ref().map(|name| name.as_bytes().to_vec()));
        put(0x81, self.total_size.map(number_bytes));
        put(
            0x88,
            match self.short_id {
                ShortId::FromFid => None,
                ShortId::None => Some(Vec::new()),
                ShortId::Number(sfi) => Some(vec![sfi.to_u8() << 3]),
            },
        );
        put(0x8B, self.access_reference.clone());
        put(0x8A, self.life_cycle.map(|life_cycle| vec![life_cycle.to_u8()]));
        put(0x8C, self.access.as_ref().map(AccessRules::encode));
        for (tag, value) in &self.other {
            put(*tag, Some(value.clone()));
        }
        Writer::new().put_constructed(FCP, &objects).finish()
    }
}

/// One to four bytes as a number.
fn number(value: &[u8]) -> Option<u32> {
    if value.is_empty() || value.len() > 4 {
        return None;
    }
    Some(value.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
}

/// A size in two bytes, or in four where two are not enough.
fn number_bytes(number: u32) -> Vec<u8> {
    u16::try_from(number).map_or_else(|_| number.to_be_bytes().to_vec(), |short| short.to_be_bytes().to_vec())
}

/// Bytes that are not file control parameters; offsets count from the start of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FcpError {
    /// The data objects are broken.
    #[error(transparent)]
    Tlv(#[from] TlvError),
    /// Not exactly one template 62 or 6F.
    #[error("one template 62 or 6F expected at byte {offset}")]
    Template {
        /// First byte that does not fit.
        offset: usize,
    },
    /// An object stands twice.
    #[error("object {tag:02X} stands a second time at byte {offset}")]
    Twice {
        /// Its tag.
        tag: u16,
        /// Where its value starts.
        offset: usize,
    },
    /// A value that the tag cannot have.
    #[error("object {tag:02X} at byte {offset} has an impossible value")]
    Value {
        /// Its tag.
        tag: u16,
        /// Where its value starts.
        offset: usize,
    },
}
