//! Reading a card under R-MAC: what a step expects to find or asks for, and what was just written.

use super::ask::Mailbox;
use super::channel::Channel;
use super::foreseen::Expected;
use super::reading::Reading;
use crate::apdu::Length;
use crate::command::{
    EfTarget, GetKeyInformation, KeyInformation, ReadBinary, ReadRecord, RecordNumber, Select, SelectAnswer,
};
use crate::error::Error;
use crate::fcp::Fcp;
use crate::id::{Fid, Kvn};

/// Which bytes of a transparent file are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sought<'d> {
    /// These must be there.
    These(&'d [u8]),
    /// So many, whatever they are.
    Any(u16),
}

/// Control parameters of a file in reach.
pub(super) async fn file(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    wanted: Option<&Fcp>,
) -> Result<Channel, Error> {
    let (channel, found) = select_file(mailbox, channel, fid, wanted).await?;
    if let Some(found) = &found {
        mailbox.note(Reading::File(found.clone()));
    }
    as_wanted(channel, found.as_ref(), wanted, "file control parameters")
}

/// Bytes of a transparent file of the current DF.
pub(super) async fn binary(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    offset: u16,
    sought: Sought<'_>,
) -> Result<Channel, Error> {
    let channel = select_ef(mailbox, channel, fid).await?;
    let (channel, data) = read_binary(mailbox, channel, offset, sought).await?;
    let kept = check_binary(channel, &data, sought);
    mailbox.note(Reading::Binary { fid, offset, data });
    kept
}

/// A record of a file of the current DF.
pub(super) async fn record(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    record: u8,
    wanted: Option<&[u8]>,
) -> Result<Channel, Error> {
    let channel = select_ef(mailbox, channel, fid).await?;
    let (channel, data) = read_record(mailbox, channel, record, wanted).await?;
    let kept = as_wanted(channel, Some(data.as_slice()), wanted, RECORD);
    mailbox.note(Reading::Record { fid, record, data });
    kept
}

/// The key sets of the current DF.
pub(super) async fn key_sets(mailbox: &Mailbox, channel: Channel, wanted: Option<&[Kvn]>) -> Result<Channel, Error> {
    let (channel, found) = list_key_sets(mailbox, channel, wanted.unwrap_or_default()).await?;
    mailbox.note(Reading::KeySets(found.clone()));
    as_wanted(channel, Some(found.as_slice()), wanted, "list of key sets")
}

/// Reads back what was written into the current transparent file.
pub(super) async fn compare_binary(
    mailbox: &Mailbox,
    channel: Channel,
    offset: u16,
    data: &[u8],
) -> Result<Channel, Error> {
    let sought = Sought::These(data);
    let (channel, found) = read_binary(mailbox, channel, offset, sought).await?;
    check_binary(channel, &found, sought)
}

/// Reads back what was written into a record of the current file.
pub(super) async fn compare_record(
    mailbox: &Mailbox,
    channel: Channel,
    record: u8,
    data: &[u8],
) -> Result<Channel, Error> {
    let (channel, found) = read_record(mailbox, channel, record, Some(data)).await?;
    as_wanted(channel, Some(found.as_slice()), Some(data), RECORD)
}

const RECORD: &str = "content of a record";

/// Makes an EF of the current DF the current one.
pub(super) async fn select_ef(mailbox: &Mailbox, channel: Channel, fid: Fid) -> Result<Channel, Error> {
    let select = Select::ef(fid).answering(SelectAnswer::Nothing);
    Ok(channel.require(mailbox, &select, Expected::NOTHING).await?.0)
}

/// Selects a file in reach and reads its control parameters.
pub(super) async fn select_file(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    wanted: Option<&Fcp>,
) -> Result<(Channel, Option<Fcp>), Error> {
    let (like, exact);
    let expected = match wanted {
        Some(wanted) => {
            exact = wanted.encode();
            Expected::Data(&exact)
        }
        None => {
            like = Fcp { fid: Some(fid), ..Fcp::default() }.encode();
            Expected::Like(&like)
        }
    };
    channel.require(mailbox, &Select::fid(fid), expected).await
}

/// The numbers of the key sets of the current DF; `foreseen` are those that a forecast goes on with. How a card wraps and orders its list
/// is its own affair.
pub(super) async fn list_key_sets(
    mailbox: &Mailbox,
    channel: Channel,
    foreseen: &[Kvn],
) -> Result<(Channel, Vec<Kvn>), Error> {
    let list = KeyInformation::list_of_sets(foreseen);
    let (channel, keys) = channel.require(mailbox, &GetKeyInformation, Expected::Like(&list)).await?;
    Ok((channel, KeyInformation::sets(&keys)))
}

async fn read_record(
    mailbox: &Mailbox,
    channel: Channel,
    record: u8,
    wanted: Option<&[u8]>,
) -> Result<(Channel, Vec<u8>), Error> {
    let read = ReadRecord::new(EfTarget::Current, RecordNumber::new(record)?);
    channel.require(mailbox, &read, wanted.map_or(Expected::ANYTHING, Expected::Data)).await
}

/// Reads the current transparent file in as many commands as it takes; a piece that is not what was sought, or not whole, is the last.
async fn read_binary(
    mailbox: &Mailbox,
    mut channel: Channel,
    start: u16,
    sought: Sought<'_>,
) -> Result<(Channel, Vec<u8>), Error> {
    const BEYOND: Error = Error::Plan { what: "a content beyond 65,535 bytes" };
    let piece_max = channel.plain_data_max(Length::Short);
    let mut found = Vec::new();
    while found.len() < sought.bytes() {
        let offset = u16::try_from(usize::from(start) + found.len()).map_err(|_| BEYOND)?;
        let bytes = piece_max.min(sought.bytes() - found.len());
        let expected = sought.piece(found.len(), bytes);
        // A forecast goes on with as many bytes as were asked for: a shorter piece would be the last.
        let like = vec![0; if expected.is_none() { bytes } else { 0 }];
        let ne = u32::try_from(bytes).map_err(|_| BEYOND)?;
        let read = ReadBinary::new(EfTarget::Current, offset, ne)?;
        let (next, piece) =
            channel.require(mailbox, &read, expected.map_or(Expected::Like(&like), Expected::Data)).await?;
        channel = next;
        found.extend_from_slice(&piece);
        if piece.len() < bytes || expected.is_some_and(|expected| expected != piece) {
            break;
        }
    }
    Ok((channel, found))
}

impl<'d> Sought<'d> {
    fn bytes(self) -> usize {
        match self {
            Self::These(data) => data.len(),
            Self::Any(bytes) => usize::from(bytes),
        }
    }

    fn piece(self, start: usize, bytes: usize) -> Option<&'d [u8]> {
        match self {
            Self::These(data) => data.get(start..start + bytes),
            Self::Any(_) => None,
        }
    }
}

fn check_binary(channel: Channel, found: &[u8], sought: Sought<'_>) -> Result<Channel, Error> {
    match sought {
        Sought::These(data) => as_wanted(channel, Some(found), Some(data), "content of a transparent file"),
        Sought::Any(_) => Ok(channel),
    }
}

/// The channel goes on when the card holds what was wanted, or nothing special was.
fn as_wanted<T: PartialEq + ?Sized>(
    channel: Channel,
    found: Option<&T>,
    wanted: Option<&T>,
    what: &'static str,
) -> Result<Channel, Error> {
    if wanted.is_none() || found == wanted { Ok(channel) } else { Err(Error::ReadBack { what }) }
}
