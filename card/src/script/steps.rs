//! The steps of a plan, each so that doing it again changes nothing.

use super::ask::Mailbox;
use super::channel::Channel;
use super::foreseen::Expected;
use super::look::{self, Sought};
use super::{ScriptError, Standing};
use crate::apdu::Length;
use crate::command::{
    ActivateFile, CreateFile, DeactivateFile, DeleteFile, DeleteKey, EfTarget, Placement, PutKey, RecordNumber, Select,
    SelectAnswer, Terminate, UpdateBinary, UpdateRecord,
};
use crate::error::Error;
use crate::fcp::Fcp;
use crate::id::{Fid, Kvn};
use crate::personalisation::{Action, FoundSet, KeyLoad, Plan, Step};
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
        match step.stage {
            Some(stage) if steps.peek().is_none_or(|next| next.stage != step.stage) => {
                mailbox.stage_done(stage).await.map_err(failed)?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn perform(mailbox: &Mailbox, channel: Channel, step: &Step, standing: Standing) -> Result<Channel, Error> {
    match &step.action {
        Action::SelectMf => select(mailbox, channel, Select::mf()).await,
        Action::SelectDf(fid) => select(mailbox, channel, Select::fid(*fid)).await,
        Action::CreateFile(fcp) => create(mailbox, channel, fcp).await,
        Action::UpdateBinary { fid, offset, data } => update_binary(mailbox, channel, *fid, *offset, data).await,
        Action::UpdateRecord { fid, record, data } => update_record(mailbox, channel, *fid, *record, data).await,
        Action::PutKey(load) => put_key(mailbox, channel, load, standing).await,
        Action::DeleteKey(kvn) => delete_key(mailbox, channel, *kvn).await,
        Action::Activate => {
            let activate = ActivateFile::current(channel.proof());
            Ok(channel.require(mailbox, &activate, Expected::NOTHING).await?.0)
        }
        Action::Deactivate => {
            let deactivate = DeactivateFile::current(channel.proof());
            Ok(channel.require(mailbox, &deactivate, Expected::NOTHING).await?.0)
        }
        Action::Terminate => {
            let terminate = Terminate::card(channel.proof());
            Ok(channel.require(mailbox, &terminate, Expected::NOTHING).await?.0)
        }
        Action::ExpectFile(fcp) => look::file(mailbox, channel, fid_of(fcp)?, Some(fcp)).await,
        Action::ReadFile(fid) => look::file(mailbox, channel, *fid, None).await,
        Action::ExpectBinary { fid, offset, data } => {
            look::binary(mailbox, channel, *fid, *offset, Sought::These(data)).await
        }
        Action::ReadBinary { fid, offset, length } => {
            look::binary(mailbox, channel, *fid, *offset, Sought::Any(*length)).await
        }
        Action::ExpectRecord { fid, record, data } => look::record(mailbox, channel, *fid, *record, Some(data)).await,
        Action::ReadRecord { fid, record } => look::record(mailbox, channel, *fid, *record, None).await,
        Action::ExpectKeySets(kvns) => look::key_sets(mailbox, channel, Some(kvns)).await,
        Action::ReadKeySets => look::key_sets(mailbox, channel, None).await,
    }
}

async fn select(mailbox: &Mailbox, channel: Channel, select: Select) -> Result<Channel, Error> {
    Ok(channel.require(mailbox, &select.answering(SelectAnswer::Nothing), Expected::NOTHING).await?.0)
}

/// CREATE FILE, made idempotent: a file that is there already must be the very one; a torn or different one is deleted and made again.
async fn create(mailbox: &Mailbox, channel: Channel, fcp: &Fcp) -> Result<Channel, Error> {
    let create = CreateFile::new(channel.proof(), fcp);
    let (channel, created) = channel.exchange(mailbox, &create, Expected::NOTHING).await?;
    match created {
        Ok(()) => return Ok(channel),
        Err(Error::CardStatus { sw: StatusWord::FILE_ALREADY_EXISTS | StatusWord::DF_NAME_ALREADY_EXISTS, .. }) => {}
        Err(error) => return Err(error),
    }
    let (channel, found) = look::select_file(mailbox, channel, fid_of(fcp)?, Some(fcp)).await?;
    if found.as_ref() == Some(fcp) {
        return Ok(channel);
    }
    let delete = DeleteFile::current(channel.proof());
    let (channel, ()) = channel.require(mailbox, &delete, Expected::NOTHING).await?;
    Ok(channel.require(mailbox, &create, Expected::NOTHING).await?.0)
}

fn fid_of(fcp: &Fcp) -> Result<Fid, Error> {
    fcp.fid.ok_or(Error::Plan { what: "a file without identifier" })
}

/// Writes a whole content, in as many commands as it takes, and reads it back.
async fn update_binary(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    start: u16,
    data: &[u8],
) -> Result<Channel, Error> {
    let mut channel = look::select_ef(mailbox, channel, fid).await?;
    let piece_max = channel.plain_data_max(Length::Short);
    for (number, piece) in data.chunks(piece_max).enumerate() {
        let offset = u16::try_from(usize::from(start) + number * piece_max)
            .map_err(|_| Error::Plan { what: "a content beyond 65,535 bytes" })?;
        let update = UpdateBinary::new(channel.proof(), EfTarget::Current, offset, piece)?;
        channel = channel.require(mailbox, &update, Expected::NOTHING).await?.0;
    }
    look::compare_binary(mailbox, channel, start, data).await
}

async fn update_record(
    mailbox: &Mailbox,
    channel: Channel,
    fid: Fid,
    record: u8,
    data: &[u8],
) -> Result<Channel, Error> {
    let channel = look::select_ef(mailbox, channel, fid).await?;
    let update = UpdateRecord::new(channel.proof(), EfTarget::Current, RecordNumber::new(record)?, data);
    let (channel, ()) = channel.require(mailbox, &update, Expected::NOTHING).await?;
    look::compare_record(mailbox, channel, record, data).await
}

/// Loads a key set, unless a script that was cut off has loaded it already and the next channel proves it.
async fn put_key(
    mailbox: &Mailbox,
    mut channel: Channel,
    load: &KeyLoad,
    standing: Standing,
) -> Result<Channel, Error> {
    let KeyLoad { set, mut placement, form, found } = load.clone();
    if standing == Standing::Begun {
        let (next, present) = look::list_key_sets(mailbox, channel, &[]).await?;
        match found {
            FoundSet::Stays if present.contains(&set.kvn) => return Ok(next),
            FoundSet::LoadedAgain if present.contains(&set.kvn) => placement = Placement::Replace(set.kvn),
            _ => {}
        }
        channel = next;
    }
    let keys = mailbox.key_set(&set, channel.id()).await?;
    let put = PutKey::new(channel.proof(), placement, set.kvn, keys).in_form(form);
    Ok(channel.require(mailbox, &put, Expected::Data(&put.confirmation())).await?.0)
}

/// DELETE KEY, made idempotent: a set that the card says it lacks must be missing from its list too, which carries a MAC.
async fn delete_key(mailbox: &Mailbox, channel: Channel, kvn: Kvn) -> Result<Channel, Error> {
    let delete = DeleteKey::set(channel.proof(), kvn);
    // A card may confirm with 00 or with nothing.
    let (channel, deleted) = channel.exchange(mailbox, &delete, Expected::ANYTHING).await?;
    match deleted {
        Err(error @ Error::CardStatus { sw: StatusWord::REFERENCED_DATA_NOT_FOUND, .. }) => {
            let (channel, present) = look::list_key_sets(mailbox, channel, &[]).await?;
            if present.contains(&kvn) { Err(error) } else { Ok(channel) }
        }
        done => done.map(|()| channel),
    }
}
