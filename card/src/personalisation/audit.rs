//! The steps that read back what issuing leaves on a card: files, key sets, content, stage records.

use super::issue::{activated, initial_content};
use super::stage_record::{JobTag, StageRecord};
use super::{Action, Builder, ChannelId, Plan, Stage};
use crate::id::Kvn;
use crate::profile::{File, MF_WEF_PS, Profile, Wef};

impl Plan {
    /// What a card of a lot must be after the stage `last`.
    #[must_use]
    pub fn audit(profile: &Profile, last: Stage, lot: &str) -> Self {
        let tag = JobTag::of_lot(lot);
        let mut plan = match last {
            Stage::Zeroth => Builder::new(last, ChannelId::transport()),
            Stage::First => Builder::new(last, ChannelId::issuer()),
        };
        plan.master_file(profile, tag);
        if last == Stage::First {
            plan.applications(profile);
        }
        Self { steps: plan.steps }
    }
}

impl Builder {
    fn master_file(&mut self, profile: &Profile, tag: JobTag) {
        let File { fcp, .. } = profile.mf_file();
        let (fcp, sets) = match self.stage {
            Stage::Zeroth => (fcp, vec![Kvn::TRANSPORT]),
            Stage::First => (activated(fcp), vec![Kvn::ISSUER_FIRST]),
        };
        self.step("MF", Action::ExpectFile(fcp));
        self.step("key sets of the MF", Action::ExpectKeySets(sets));
        for file in profile.mf_files() {
            self.step(format!("{} of the MF", file.name), Action::ExpectFile(file.fcp));
        }
        if let Some(atr) = profile.atr() {
            self.step("the ATR", Action::ExpectBinary { fid: crate::id::Fid::WEF_ATR, data: atr.to_vec() });
        }
        // Stage ZERO may be another lot's, or another profile's: only the own stage's record is known.
        let record = StageRecord::new(self.stage, &profile.hash(), tag).encode().to_vec();
        let number = StageRecord::number(self.stage);
        self.step("stage record", Action::ExpectRecord { fid: MF_WEF_PS, record: number, data: record });
        if self.stage == Stage::First {
            for wef in &profile.mf().wefs {
                self.expect_contents("MF", wef);
            }
        }
    }

    fn applications(&mut self, profile: &Profile) {
        for application in profile.applications() {
            let name = &application.name;
            self.channel(application.channel());
            self.step(format!("{name}: DF"), Action::ExpectFile(application.fcp()));
            self.step(format!("{name}: key sets"), Action::ExpectKeySets(vec![application.kvn]));
            for file in application.files() {
                self.step(format!("{name}: {}", file.name), Action::ExpectFile(file.fcp));
            }
            for wef in &application.wefs {
                self.expect_contents(name.as_str(), wef);
            }
        }
    }

    fn expect_contents(&mut self, place: &str, wef: &Wef) {
        for action in initial_content(wef) {
            let expected = match action {
                Action::UpdateBinary { fid, data } => Action::ExpectBinary { fid, data },
                Action::UpdateRecord { fid, record, data } => Action::ExpectRecord { fid, record, data },
                other => other,
            };
            self.step(format!("{place}: content of {}", wef.name), expected);
        }
    }
}
