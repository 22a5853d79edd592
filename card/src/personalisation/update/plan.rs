//! The steps that remain of a job, from what the card says.

use super::{Content, ERASED, Found, LiveSlots, Progress, ProgressRecord, Sequence, UpdateError, UpdateJob};
use crate::fcp::LifeCycle;
use crate::personalisation::{Action, ChannelId, KeyLoad, Plan, Root, Step};
use crate::profile::{DF_WEF_PS, Structure};

impl UpdateJob {
    /// The steps that bring a card from where it stands to the end of the job; none when it is there. The first of them make
    /// sure that the progress records are still those that were found.
    ///
    /// # Errors
    /// [`UpdateError::OneSlot`], [`UpdateError::OtherJob`], [`UpdateError::OtherContent`], [`UpdateError::NoKeySet`],
    /// [`UpdateError::LifeCycle`], [`UpdateError::RecordsUsedUp`].
    pub fn plan(&self, found: &Found) -> Result<Plan, UpdateError> {
        let position = self.position(found)?;
        let is_over = position.progress == Some(Progress::Done) && found.life_cycle == LifeCycle::Activated;
        let channel = self.channel(&found.key_sets)?.clone();
        let mut course = Course { job: self, position, channel, steps: Vec::new() };
        if !is_over {
            course.remaining(found)?;
        }
        Ok(Plan { root: Root::of_house(), steps: course.steps })
    }

    /// Where the card stands with this job.
    fn position(&self, found: &Found) -> Result<Position, UpdateError> {
        if !matches!(found.life_cycle, LifeCycle::Initialisation | LifeCycle::Activated) {
            return Err(UpdateError::LifeCycle(found.life_cycle));
        }
        let one_slot = self.contents.iter().find(|content| content.place.is_none());
        let newest = ProgressRecord::newest(found.records.iter().map(Vec::as_slice));
        let (live, sequence) = newest.map_or((LiveSlots::FIRST, None), |newest| (newest.live, Some(newest.sequence)));
        let progress = match newest {
            Some(newest) if newest.job == self.id && newest.digest != self.digest => {
                return Err(UpdateError::OtherContent);
            }
            Some(newest) if newest.job == self.id => Some(newest.progress),
            // What another job wrote into slots that nobody reads is no obstacle.
            Some(ProgressRecord { progress: Progress::Written | Progress::Keyed, job, .. }) => {
                return Err(UpdateError::OtherJob { job });
            }
            _ => None,
        };
        match (one_slot, found.life_cycle, progress) {
            (Some(content), LifeCycle::Activated, None | Some(Progress::Open)) => {
                Err(UpdateError::OneSlot { wef: content.wef.name.clone() })
            }
            _ => Ok(Position { progress, live, sequence }),
        }
    }
}

/// Where a card stands.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// How far it is with this job; `None` when it was not begun.
    progress: Option<Progress>,
    live: LiveSlots,
    /// Of the newest record.
    sequence: Option<Sequence>,
}

/// The steps so far, and where the card stands after them.
struct Course<'j> {
    job: &'j UpdateJob,
    position: Position,
    channel: ChannelId,
    steps: Vec<Step>,
}

impl Course<'_> {
    fn step(&mut self, name: impl Into<String>, action: Action) {
        self.steps.push(Step { name: name.into(), stage: None, channel: self.channel.clone(), action });
    }

    fn remaining(&mut self, found: &Found) -> Result<(), UpdateError> {
        for (record, data) in (1..).zip(&found.records) {
            let expected = Action::ExpectRecord { fid: DF_WEF_PS, record, data: data.clone() };
            self.step(format!("progress record {record}"), expected);
        }
        if self.position.progress.is_none() {
            self.record("OPEN", Progress::Open)?;
        }
        if self.position.progress == Some(Progress::Open) {
            self.write_slots();
            self.record("WRITTEN", Progress::Written)?;
        }
        if self.position.progress == Some(Progress::Written) {
            self.load_key_set(found)?;
        }
        if self.position.progress != Some(Progress::Done) {
            self.drop_old(found);
            self.record("DONE", Progress::Done)?;
        }
        if found.life_cycle == LifeCycle::Initialisation {
            self.step("select DF", Action::SelectDf(self.job.application.fid));
            self.step("activate DF", Action::Activate);
        }
        Ok(())
    }

    /// Writes the next progress record over the older one.
    fn record(&mut self, name: &str, progress: Progress) -> Result<(), UpdateError> {
        let sequence = match self.position.sequence {
            None => Sequence::FIRST,
            Some(newest) => newest.next().ok_or(UpdateError::RecordsUsedUp)?,
        };
        let &UpdateJob { id: job, digest, .. } = self.job;
        let record = ProgressRecord { progress, sequence, live: self.position.live, job, digest };
        let data = record.encode().to_vec();
        self.step(name, Action::UpdateRecord { fid: DF_WEF_PS, record: sequence.record(), data });
        self.position = Position { progress: Some(progress), live: record.live, sequence: Some(sequence) };
        Ok(())
    }

    /// Writes each content where nobody reads it; the next record makes readers turn.
    fn write_slots(&mut self) {
        let job = self.job;
        for content in &job.contents {
            let turned = content.place.map(|place| self.position.live.turned(place));
            let slot = turned.zip(content.place).map_or(0, |(live, place)| live.slot(place));
            self.position.live = turned.unwrap_or(self.position.live);
            self.write(&format!("write {}", content.wef.name), content, slot, &content.slot);
        }
    }

    fn load_key_set(&mut self, found: &Found) -> Result<(), UpdateError> {
        let Some(set) = &self.job.new_set else { return Ok(()) };
        if !found.key_sets.contains(&set.kvn) {
            self.step(format!("load key set {}", set.kvn), Action::PutKey(KeyLoad::beside(set.clone())));
        }
        self.channel = set.clone();
        self.record("KEYED", Progress::Keyed)
    }

    /// The old key set goes, and what the slots held that nobody reads any more.
    fn drop_old(&mut self, found: &Found) {
        let old = self.job.old_set.kvn;
        if self.job.new_set.is_some() && found.key_sets.contains(&old) {
            self.step(format!("delete key set {old}"), Action::DeleteKey(old));
        }
        let job = self.job;
        for content in &job.contents {
            if let Some(place) = content.place {
                let dead = self.position.live.turned(place).slot(place);
                let erased = vec![ERASED; content.slot.len()];
                self.write(&format!("erase the old {}", content.wef.name), content, dead, &erased);
            }
        }
    }

    fn write(&mut self, name: &str, content: &Content, slot: u8, bytes: &[u8]) {
        let fid = content.wef.fid;
        match content.wef.structure {
            Structure::Transparent { size } => {
                let update = Action::UpdateBinary { fid, offset: u16::from(slot) * size, data: bytes.to_vec() };
                self.step(name, update);
            }
            Structure::LinearFixed { record_size, records } => {
                for (record, data) in (slot * records + 1..).zip(bytes.chunks(usize::from(record_size))) {
                    self.step(name, Action::UpdateRecord { fid, record, data: data.to_vec() });
                }
            }
        }
    }
}
