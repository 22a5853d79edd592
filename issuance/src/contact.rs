//! First contact: what a card says about itself to anyone, before any key is used.

use crate::error::Error;
use crate::transport::{TransportCode, Wire};
use fuda_card::command::{EfTarget, GetKeyInformation, ReadRecord, RecordNumber, Select, SelectAnswer};
use fuda_card::fcp::LifeCycle;
use fuda_card::id::{DfName, Fid, Kvn};
use fuda_card::personalisation::{Evidence, StageRecord};
use fuda_card::transport::Transport;

/// WEF-PS of the MF, which anyone may read.
const STAGE_FILE: Fid = Fid::new(0x2F02);

/// Reads how far a card is: the MF, its key sets, its stage records.
///
/// # Errors
/// [`Error::Transport`] and [`Error::Card`] with the step.
pub(crate) fn read<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>) -> Result<Evidence, Error> {
    wire.enter("first contact");
    let name = DfName::mf();
    let mf = wire.exchange(&Select::df_name(&name).answering(SelectAnswer::Fci))?;
    let mut key_sets: Vec<Kvn> = wire.exchange(&GetKeyInformation)?.into_iter().map(|entry| entry.kvn).collect();
    key_sets.sort_unstable();
    key_sets.dedup();
    // A blank chip answers its name and nothing else: there is no file.
    let life_cycle = mf.filter(|mf| mf.descriptor.is_some()).and_then(|mf| mf.life_cycle);
    let records = if life_cycle.is_some() { stage_records(wire)? } else { Vec::new() };
    Ok(Evidence {
        mf_activated: life_cycle == Some(LifeCycle::Activated),
        has_mf: life_cycle.is_some(),
        key_sets,
        records,
    })
}

/// The stage records that are whole; a chip without the file, or with erased records, has none.
fn stage_records<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>) -> Result<Vec<StageRecord>, Error> {
    if wire.try_exchange(&Select::ef(STAGE_FILE).answering(SelectAnswer::Nothing))?.is_err() {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    for number in 1..=2 {
        let read = ReadRecord::new(EfTarget::Current, RecordNumber::new(number).map_err(|error| wire.failed(error))?);
        if let Ok(record) = wire.try_exchange(&read)? {
            records.extend(StageRecord::parse(&record).ok());
        }
    }
    Ok(records)
}
