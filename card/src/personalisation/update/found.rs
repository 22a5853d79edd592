//! Reading an application under its own keys: the steps, and what their readings say.

use super::{Found, ProgressRecord};
use crate::fcp::{Operation, SecurityCondition};
use crate::id::Fid;
use crate::personalisation::{Action, ChannelId, Plan, Root, Step};
use crate::profile::{Application, DF_WEF_PS, Structure, WEF_PS_RECORDS, Wef};
use crate::script::Reading;

impl Plan {
    /// Reads under `set` how far an application is: its life cycle, its key sets, both progress records.
    #[must_use]
    pub fn position(application: &Application, set: &ChannelId) -> Self {
        let mut steps = vec![
            (format!("state of {}", application.name), Action::ReadFile(application.fid)),
            ("key sets".to_owned(), Action::ReadKeySets),
        ];
        steps.extend(
            (1..=WEF_PS_RECORDS)
                .map(|record| (format!("progress record {record}"), Action::ReadRecord { fid: DF_WEF_PS, record })),
        );
        let step = |(name, action)| Step { name, stage: None, channel: set.clone(), action };
        Self { root: Root::of_house(), steps: steps.into_iter().map(step).collect() }
    }

    /// The same, and then every WEF that the set may read, with all its slots: which of them counts is in the records.
    #[must_use]
    pub fn read(application: &Application, set: &ChannelId) -> Self {
        let mut plan = Self::position(application, set);
        for wef in application.wefs.iter().filter(|wef| wef.is_readable()) {
            let step = |action| Step { name: format!("read {}", wef.name), stage: None, channel: set.clone(), action };
            plan.steps.extend(wef.reads().into_iter().map(step));
        }
        plan
    }
}

impl Wef {
    /// Whether a channel under the application's own set is enough to read it.
    fn is_readable(&self) -> bool {
        matches!(self.access.condition(Operation::READ), SecurityCondition::Always | SecurityCondition::Own)
    }

    fn reads(&self) -> Vec<Action> {
        let fid = self.fid;
        match self.structure {
            Structure::Transparent { size } => {
                vec![Action::ReadBinary { fid, offset: 0, length: size.saturating_mul(u16::from(self.slots)) }]
            }
            Structure::LinearFixed { records, .. } => {
                let last = records.saturating_mul(self.slots);
                (1..=last).map(|record| Action::ReadRecord { fid, record }).collect()
            }
        }
    }
}

impl Found {
    /// What readings say of an application; `None` unless life cycle, key sets and both records are among them. Of several readings of one
    /// thing the last counts.
    #[must_use]
    pub fn of(application: &Application, readings: &[Reading]) -> Option<Self> {
        let life_cycle = readings.iter().rev().find_map(|reading| match reading {
            Reading::File(fcp) if fcp.fid == Some(application.fid) => fcp.life_cycle,
            _ => None,
        })?;
        let key_sets = readings.iter().rev().find_map(|reading| match reading {
            Reading::KeySets(kvns) => Some(kvns.clone()),
            _ => None,
        })?;
        let records = [record(readings, DF_WEF_PS, 1)?.to_vec(), record(readings, DF_WEF_PS, 2)?.to_vec()];
        Some(Self { life_cycle, key_sets, records })
    }

    /// The live content of each WEF that was read whole, records one after the other: by the newest progress record that was found.
    #[must_use]
    pub fn contents<'a>(&self, application: &'a Application, readings: &[Reading]) -> Vec<(&'a Wef, Vec<u8>)> {
        let newest = ProgressRecord::newest(self.records.iter().map(Vec::as_slice));
        let live = newest.map_or(super::LiveSlots::FIRST, |newest| newest.live);
        let mut place = 0;
        let mut contents = Vec::new();
        for wef in &application.wefs {
            let slot = if wef.slots == 2 { live.slot(place) } else { 0 };
            place += u8::from(wef.slots == 2);
            contents.extend(wef.slot_of(slot, readings).map(|content| (wef, content)));
        }
        contents
    }
}

impl Wef {
    fn slot_of(&self, slot: u8, readings: &[Reading]) -> Option<Vec<u8>> {
        match self.structure {
            Structure::Transparent { size } => {
                let whole = readings.iter().rev().find_map(|reading| match reading {
                    Reading::Binary { fid, offset: 0, data } if *fid == self.fid => Some(data),
                    _ => None,
                })?;
                let start = usize::from(slot) * usize::from(size);
                whole.get(start..start + usize::from(size)).map(<[u8]>::to_vec)
            }
            Structure::LinearFixed { records, .. } => {
                let first = slot.checked_mul(records)?.checked_add(1)?;
                let parts = (first..=first.checked_add(records - 1)?).map(|number| record(readings, self.fid, number));
                parts.collect::<Option<Vec<_>>>().map(|parts| parts.concat())
            }
        }
    }
}

fn record(readings: &[Reading], file: Fid, number: u8) -> Option<&[u8]> {
    readings.iter().rev().find_map(|reading| match reading {
        Reading::Record { fid, record, data } if *fid == file && *record == number => Some(data.as_slice()),
        _ => None,
    })
}
