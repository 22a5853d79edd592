//! The steps of a plan, each so that doing it again changes nothing.

use super::ask::Mailbox;
use super::channel::Channel;
use super::{ScriptError, Standing};
use crate::apdu::Length;
use crate::command::{
    ActivateFile, CreateFile, DeleteFile, DeleteKey, EfTarget, GetKeyInformation, Placement, PutKey, ReadBinary,
    ReadRecord, RecordNumber, Select, SelectAnswer, UpdateBinary, UpdateRecord,
};
use crate::error::Error;
use crate::fcp::Fcp;
use crate::id::{Fid, Kvn};
use crate::personalisation::{Action, ChannelId, Plan, Step};
use crate::scp03::SecurityLevel;
use crate::status::StatusWord;
use std::sync::Arc;

/// Every command and response of a script is encrypted and authenticated.
const LEVEL: SecurityLevel = SecurityLevel::CMacCEncRMacREnc;

/// Walks the plan to its end.
pub(super) async fn walk(
    mailbox: Arc<Mailbox>,
    plan: Arc<Plan>,
    from: usize,
    standing: Standing,
) -> Result<(), ScriptError> {
    let mut open: Option<Channel> = None;
    let mut steps = plan.steps().iter().skip(from).peekable();
    while let Some(step) = steps.next() {
        mailbox.enter(&step.name);
        let failed = |error| ScriptError { step: step.name.clone(), error };
        let channel = match open.take() {
            Some(channel) if *channel.id() == step.channel => channel,
            _ => Channel::open(&mailbox, &step.channel, LEVEL).await.map_err(failed)?,
        };
        open = Some(perform(&mailbox, channel, step, standing).await.map_err(failed)?);
        if steps.peek().is_none_or(|next| next.stage != step.stage) {
            mailbox.stage_done(step.stage).await.map_err(failed)?;
        }
    }
    Ok(())
}

async fn perform(mailbox: &Mailbox, channel: Channel, step: &Step, standing: Standing) -> Result<Channel, Error> {
    match &step.action {
        Action::SelectMf => Ok(channel.require(mailbox, &Select::mf().answering(SelectAnswer::Nothing)).await?.0),
        Action::SelectDf(fid) => {
            Ok(channel.require(mailbox, &Select::fid(*fid).answering(SelectAnswer::Nothing)).await?.0)
        }
        Action::CreateFile(fcp) => create(mailbox, channel, fcp).await,
        Action::UpdateBinary { fid, data } => update_binary(mailbox, channel, *fid, data).await,
        Action::UpdateRecord { fid, record, data } => update_record(mailbox, channel, *fid, *record, data).await,
        Action::PutKey(set) => put_key(mailbox, channel, set, standing).await,
        Action::DeleteKey(kvn) => delete_key(mailbox, channel, *kvn).await,
        Action::Activate => {
            let activate = ActivateFile::current(channel.proof());
            Ok(channel.require(mailbox, &activate).await?.0)
        }
        Action::ExpectFile(fcp) => {
            let (channel, found) = channel.require(mailbox, &Select::fid(fid_of(fcp)?)).await?;
            if found.as_ref() == Some(fcp) {
                Ok(channel)
            } else {
                Err(Error::ReadBack { what: "file control parameters" })
            }
        }
        Action::ExpectBinary { fid, data } => {
            let (channel, _) = channel.require(mailbox, &Select::ef(*fid).answering(SelectAnswer::Nothing)).await?;
            compare_binary(mailbox, channel, data).await
        }
        Action::ExpectRecord { fid, record, data } => {
            let (channel, _) = channel.require(mailbox, &Select::ef(*fid).answering(SelectAnswer::Nothing)).await?;
            compare_record(mailbox, channel, *record, data).await
        }
        Action::ExpectKeySets(kvns) => {
            let (channel, found) = key_sets(mailbox, channel).await?;
            if found == *kvns { Ok(channel) } else { Err(Error::ReadBack { what: "list of key sets" }) }
        }
    }
}

/// CREATE FILE, made idempotent: a file that is there already must be the very one; a torn or different one is deleted and made again.
async fn create(mailbox: &Mailbox, channel: Channel, fcp: &Fcp) -> Result<Channel, Error> {
    let create = CreateFile::new(channel.proof(), fcp);
    let (channel, created) = channel.exchange(mailbox, &create).await?;
    match created {
        Ok(()) => return Ok(channel),
        Err(Error::CardStatus { sw: StatusWord::FILE_ALREADY_EXISTS | StatusWord::DF_NAME_ALREADY_EXISTS, .. }) => {}
        Err(error) => return Err(error),
    }
    let (channel, found) = channel.require(mailbox, &Select::fid(fid_of(fcp)?)).await?;
    if found.as_ref() == Some(fcp) {
        return Ok(channel);
    }
    let delete = DeleteFile::current(channel.proof());
    let (channel, ()) = channel.require(mailbox, &delete).await?;
    Ok(channel.require(mailbox, &create).await?.0)
}

fn fid_of(fcp: &Fcp) -> Result<Fid, Error> {
    fcp.fid.ok_or(Error::Plan { what: "a file without identifier" })
}

/// Writes a whole content from offset 0, in as many commands as it takes, and reads it back.
async fn update_binary(mailbox: &Mailbox, channel: Channel, fid: Fid, data: &[u8]) -> Result<Channel, Error> {
    let (mut channel, _) = channel.require(mailbox, &Select::ef(fid).answering(SelectAnswer::Nothing)).await?;
    for (offset, chunk) in chunks(data, channel.plain_data_max(Length::Short)) {
        let update = UpdateBinary::new(channel.proof(), EfTarget::Current, offset?, chunk)?;
        channel = channel.require(mailbox, &update).await?.0;
    }
    compare_binary(mailbox, channel, data).await
}

async fn compare_binary(mailbox: &Mailbox, mut channel: Channel, data: &[u8]) -> Result<Channel, Error> {
    for (offset, chunk) in chunks(data, channel.plain_data_max(Length::Short)) {
        let ne = u32::try_from(chunk.len()).map_err(|_| Error::Plan { what: "a chunk beyond an APDU" })?;
        let (next, found) = channel.require(mailbox, &ReadBinary::new(EfTarget::Current, offset?, ne)?).await?;
        if found != chunk {
            return Err(Error::ReadBack { what: "content of a transparent file" });
        }
        channel = next;
    }
    Ok(channel)
}

/// The pieces of a content with their offsets.
fn chunks(data: &[u8], size: usize) -> impl Iterator<Item = (Result<u16, Error>, &[u8])> {
    let offset = move |number: usize| {
        u16::try_from(number * size).map_err(|_| Error::Plan { what: "a content beyond 65,535 bytes" })
    };
    data.chunks(size).enumerate().map(move |(number, chunk)| (offset(number), chunk))
}

async fn update_record(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    record: u8,
    data: &[u8],
) -> Result<Channel, Error> {
    let (channel, _) = channel.require(mailbox, &Select::ef(fid).answering(SelectAnswer::Nothing)).await?;
    let update = UpdateRecord::new(channel.proof(), EfTarget::Current, RecordNumber::new(record)?, data);
    let (channel, ()) = channel.require(mailbox, &update).await?;
    compare_record(mailbox, channel, record, data).await
}

async fn compare_record(mailbox: &Mailbox, channel: Channel, record: u8, data: &[u8]) -> Result<Channel, Error> {
    let (channel, found) =
        channel.require(mailbox, &ReadRecord::new(EfTarget::Current, RecordNumber::new(record)?)).await?;
    if found == data { Ok(channel) } else { Err(Error::ReadBack { what: "content of a record" }) }
}

/// Loads a key set, unless a script that was cut off has loaded it already: then the next channel proves it.
async fn put_key(
    mailbox: &Mailbox,
    mut channel: Channel,
    set: &ChannelId,
    standing: Standing,
) -> Result<Channel, Error> {
    if standing == Standing::Begun {
        let (next, present) = key_sets(mailbox, channel).await?;
        if present.contains(&set.kvn) {
            return Ok(next);
        }
        channel = next;
    }
    let keys = mailbox.key_set(set, channel.id()).await?;
    let put = PutKey::new(channel.proof(), Placement::Add, set.kvn, keys);
    Ok(channel.require(mailbox, &put).await?.0)
}

async fn delete_key(mailbox: &Mailbox, channel: Channel, kvn: Kvn) -> Result<Channel, Error> {
    let delete = DeleteKey::set(channel.proof(), kvn);
    Ok(channel.require(mailbox, &delete).await?.0)
}

/// The key sets of the current DF, by KVN.
async fn key_sets(mailbox: &Mailbox, channel: Channel) -> Result<(Channel, Vec<Kvn>), Error> {
    let (channel, entries) = channel.require(mailbox, &GetKeyInformation).await?;
    let mut kvns: Vec<Kvn> = entries.iter().map(|entry| entry.kvn).collect();
    kvns.sort_unstable();
    kvns.dedup();
    Ok((channel, kvns))
}
