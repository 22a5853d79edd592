//! File control parameters: what CREATE FILE is given and SELECT gives back.
//!
//! ISO/IEC 7816-4:2020 §7.4.3 and table 10, template 62: 80/81 size, 82 descriptor, 83 FID, 84 DF name, 88 SFI,
//! 8A life cycle, 8C access rules in compact format. Any other tag is refused.

use crate::access::AccessRules;
use crate::tree::LifeCycle;
use fuda_card::id::{DfName, Fid};
use fuda_card::tlv::{self, Tlv};
use thiserror::Error;

/// Template of file control parameters.
pub const TEMPLATE: u16 = 0x62;
/// Tag of the life cycle status byte.
pub(crate) const LIFE_CYCLE: u16 = 0x8A;
/// Tag of the DF name.
pub(crate) const DF_NAME: u16 = 0x84;

/// The kind and size of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// A DF (38).
    Folder,
    /// A transparent WEF (01).
    Transparent {
        /// Bytes of the file.
        size: usize,
    },
    /// A WEF of records of one length (02).
    LinearFixed {
        /// Bytes of a record.
        record: usize,
        /// Number of records.
        count: usize,
    },
    /// An internal EF (09, 0A, 0C): keys.
    Internal {
        /// Bytes of the file.
        size: usize,
    },
}

/// Parsed file control parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fcp {
    /// Kind and size.
    pub structure: Structure,
    /// File identifier.
    pub fid: Fid,
    /// DF name; DFs only.
    pub name: Option<DfName>,
    /// Short file identifier.
    pub sfi: Sfi,
    /// Life cycle status as asked for.
    pub life: Option<LifeCycle>,
    /// Access rules.
    pub access: AccessRules,
}

/// Short file identifier of an EF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sfi {
    /// Tag 88 says so (1 to 30).
    Given(u8),
    /// No tag 88: the five low bits of the FID.
    FromFid,
    /// An empty tag 88: the file has none.
    Absent,
}

/// Parameters that this card cannot make a file of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} at byte {offset}")]
pub struct FcpError {
    /// What is wrong.
    pub what: &'static str,
    /// Position in the template, counted from its tag.
    pub offset: usize,
}

impl From<tlv::TlvError> for FcpError {
    fn from(error: tlv::TlvError) -> Self {
        let (tlv::TlvError::Truncated { offset }
        | tlv::TlvError::TagTooLong { offset }
        | tlv::TlvError::BadLength { offset }
        | tlv::TlvError::TooDeep { offset }) = error;
        Self { what: "not a BER-TLV data object", offset }
    }
}

/// The objects as found, each at most once.
#[derive(Default)]
struct Found<'a> {
    size: Option<Tlv<'a>>,
    total: Option<Tlv<'a>>,
    descriptor: Option<Tlv<'a>>,
    fid: Option<Tlv<'a>>,
    name: Option<Tlv<'a>>,
    sfi: Option<Tlv<'a>>,
    life: Option<Tlv<'a>>,
    access: Option<Tlv<'a>>,
}

impl Fcp {
    /// Parses a whole template 62 with nothing behind it.
    ///
    /// # Errors
    /// [`FcpError`] with the offset of the object that is unknown, repeated, missing or out of range.
    pub fn parse(template: &[u8]) -> Result<Self, FcpError> {
        let mut objects = tlv::Reader::new(template);
        let outer = objects.next().ok_or(FcpError { what: "no template", offset: 0 })??;
        if outer.tag != TEMPLATE {
            return Err(FcpError { what: "not a template 62", offset: 0 });
        }
        if objects.next().is_some() {
            return Err(FcpError { what: "bytes behind the template", offset: outer.offset() + outer.value.len() });
        }
        Self::from_objects(outer.children()?)
    }

    /// Parses the value field of a template, as the card keeps it.
    pub(crate) fn parse_value(value: &[u8]) -> Result<Self, FcpError> {
        Self::from_objects(tlv::Reader::new(value))
    }

    fn from_objects(objects: tlv::Reader<'_>) -> Result<Self, FcpError> {
        let mut found = Found::default();
        for object in objects {
            let object = object?;
            let slot = match object.tag {
                0x80 => &mut found.size,
                0x81 => &mut found.total,
                0x82 => &mut found.descriptor,
                0x83 => &mut found.fid,
                DF_NAME => &mut found.name,
                0x88 => &mut found.sfi,
                LIFE_CYCLE => &mut found.life,
                0x8C => &mut found.access,
                _ => return Err(at(object, "unknown tag")),
            };
            if slot.replace(object).is_some() {
                return Err(at(object, "repeated tag"));
            }
        }
        found.parse()
    }

    /// The short file identifier that commands use; `None` when the file has none.
    #[must_use]
    pub const fn short_id(&self) -> Option<u8> {
        match self.sfi {
            Sfi::Given(number) => Some(number),
            Sfi::FromFid => match self.fid.to_bytes()[1] & 0x1F {
                0 | 31 => None,
                number => Some(number),
            },
            Sfi::Absent => None,
        }
    }
}

impl Found<'_> {
    fn parse(self) -> Result<Fcp, FcpError> {
        let size = self.size.map(number).transpose()?;
        let total = self.total.map(number).transpose()?;
        let structure = structure(self.descriptor.ok_or(missing("no file descriptor"))?, size)?;
        if let (Some(total), Some(object)) = (total, self.total)
            && total < structure.size_bytes()
        {
            return Err(at(object, "total size below the data size"));
        }
        let fid = fid(self.fid.ok_or(missing("no file identifier"))?)?;
        let name = self.name.map(df_name).transpose()?;
        let is_folder = structure == Structure::Folder;
        match (self.name, self.sfi) {
            (Some(object), _) if !is_folder => return Err(at(object, "a DF name on an EF")),
            (_, Some(object)) if is_folder => return Err(at(object, "a short identifier on a DF")),
            _ => {}
        }
        Ok(Fcp {
            structure,
            fid,
            name,
            sfi: self.sfi.map_or(Ok(Sfi::FromFid), sfi)?,
            life: self.life.map(|object| life(object, structure)).transpose()?,
            access: self.access.map_or(Ok(AccessRules::NOTHING), |object| {
                AccessRules::parse(object.value).ok_or(at(object, "access rules this card does not know"))
            })?,
        })
    }
}

fn at(object: Tlv<'_>, what: &'static str) -> FcpError {
    FcpError { what, offset: object.offset() }
}

const fn missing(what: &'static str) -> FcpError {
    FcpError { what, offset: 0 }
}

/// Tags 80 and 81: a size in one or two bytes.
fn number(object: Tlv<'_>) -> Result<usize, FcpError> {
    match *object.value {
        [low] => Ok(usize::from(low)),
        [high, low] => Ok(usize::from(u16::from_be_bytes([high, low]))),
        _ => Err(at(object, "a size that is not one or two bytes")),
    }
}

/// Tag 82: descriptor byte, data coding byte 21, record length, number of records (ISO/IEC 7816-4:2020 table 12).
fn structure(object: Tlv<'_>, size: Option<usize>) -> Result<Structure, FcpError> {
    let (records, descriptor) = match *object.value {
        [descriptor] | [descriptor, 0x21] => (None, descriptor),
        [descriptor, 0x21, high, low, count] => {
            (Some((usize::from(u16::from_be_bytes([high, low])), usize::from(count))), descriptor)
        }
        [descriptor, 0x21, high, low, count_high, count_low] => {
            let record = u16::from_be_bytes([high, low]);
            (Some((usize::from(record), usize::from(u16::from_be_bytes([count_high, count_low])))), descriptor)
        }
        _ => return Err(at(object, "a file descriptor of unknown form")),
    };
    let records_size = records.map(|(record, count)| record * count);
    if let (Some(size), Some(records_size)) = (size, records_size)
        && size != records_size
    {
        return Err(at(object, "records that do not fill the size"));
    }
    let any_size = size.or(records_size);
    // Bit 7 says "shareable", which means nothing on a card with one logical channel.
    match (descriptor & 0xBF, any_size, records) {
        (0x38, _, None) => Ok(Structure::Folder),
        (0x01, Some(size @ 1..), None) => Ok(Structure::Transparent { size }),
        (0x02, _, Some((record @ 1..=255, count @ 1..=254))) => Ok(Structure::LinearFixed { record, count }),
        (0x09 | 0x0A | 0x0C, Some(size @ 1..), _) => Ok(Structure::Internal { size }),
        _ => Err(at(object, "a file structure this card does not make")),
    }
}

fn fid(object: Tlv<'_>) -> Result<Fid, FcpError> {
    let &[high, low] = object.value else { return Err(at(object, "a file identifier that is not two bytes")) };
    match u16::from_be_bytes([high, low]) {
        // ISO/IEC 7816-4:2020 §7.1.1: reserved identifiers.
        0x0000 | 0x3FFF | 0xFFFF => Err(at(object, "a reserved file identifier")),
        number => Ok(Fid::new(number)),
    }
}

fn df_name(object: Tlv<'_>) -> Result<DfName, FcpError> {
    DfName::new(object.value).map_err(|_| at(object, "a DF name that is not 1 to 16 bytes"))
}

fn sfi(object: Tlv<'_>) -> Result<Sfi, FcpError> {
    match *object.value {
        [] => Ok(Sfi::Absent),
        [byte] if byte & 0x07 == 0 && matches!(byte >> 3, 1..=30) => Ok(Sfi::Given(byte >> 3)),
        _ => Err(at(object, "a short identifier out of range")),
    }
}

/// Tag 8A: a DF is born in 03, an EF in 03 or 05.
fn life(object: Tlv<'_>, structure: Structure) -> Result<LifeCycle, FcpError> {
    match (object.value, structure) {
        ([0x03], _) => Ok(LifeCycle::Initialisation),
        ([0x05], Structure::Transparent { .. } | Structure::LinearFixed { .. } | Structure::Internal { .. }) => {
            Ok(LifeCycle::Activated)
        }
        _ => Err(at(object, "a life cycle in which no file is born")),
    }
}

impl Structure {
    /// Bytes of data that the file takes in memory.
    #[must_use]
    pub const fn size_bytes(self) -> usize {
        match self {
            Self::Folder => 0,
            Self::Transparent { size } | Self::Internal { size } => size,
            Self::LinearFixed { record, count } => record * count,
        }
    }
}
