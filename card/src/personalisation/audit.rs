//! The steps that read back what issuing leaves on a card: files, key sets, content, stage records.

use super::issue::{activated, initial_content};
use super::stage_record::{JobTag, StageRecord};
use super::{Action, Builder, ChannelId, Plan, Root, Stage, domain};
use crate::id::Kvn;
use crate::profile::{Content, File, FileSystem, MF_WEF_PS, Profile, RecoverySet, Wef};

impl Plan {
    /// What a card of a lot must be after the stage `last`.
    #[must_use]
    pub fn audit(profile: &Profile, last: Stage, lot: &str) -> Self {
        let builder = match profile.content() {
            Content::Files(files) => whole(profile, files, last, JobTag::of_lot(lot)),
            Content::Keys(domain) => domain::audit(domain, last),
        };
        Self { root: Root::of(profile), steps: builder.steps }
    }
}

fn whole(profile: &Profile, files: &FileSystem, last: Stage, tag: JobTag) -> Builder {
    let mut plan = match last {
        Stage::Zeroth => Builder::new(last, ChannelId::transport()),
        Stage::First => Builder::new(last, ChannelId::issuer()),
    };
    plan.master_file(profile, files, tag);
    if last == Stage::First {
        plan.applications(files);
    }
    plan
}

/// Key sets of the MF after 1st issuance, in rising order.
fn issued_sets(files: &FileSystem) -> Vec<Kvn> {
    match files.mf().recovery {
        RecoverySet::None => vec![Kvn::ISSUER_FIRST],
        RecoverySet::PerCard => vec![Kvn::ISSUER_FIRST, Kvn::RECOVERY],
    }
}

impl Builder {
    fn master_file(&mut self, profile: &Profile, files: &FileSystem, tag: JobTag) {
        let File { fcp, .. } = files.mf_file();
        let (fcp, sets) = match self.stage {
            Stage::Zeroth => (fcp, vec![Kvn::TRANSPORT]),
            Stage::First => (activated(fcp), issued_sets(files)),
        };
        self.step("MF", Action::ExpectFile(fcp));
        self.step("key sets of the MF", Action::ExpectKeySets(sets));
        for file in files.mf_files() {
            self.step(format!("{} of the MF", file.name), Action::ExpectFile(file.fcp));
        }
        if let Some(atr) = files.atr() {
            self.step("the ATR", Action::ExpectBinary { fid: crate::id::Fid::WEF_ATR, offset: 0, data: atr.to_vec() });
        }
        // Stage ZERO may be another lot's, or another profile's: only the own stage's record is known.
        let record = StageRecord::new(self.stage, &profile.hash(), tag).encode().to_vec();
        let number = StageRecord::number(self.stage);
        self.step("stage record", Action::ExpectRecord { fid: MF_WEF_PS, record: number, data: record });
        if self.stage == Stage::First {
            for wef in &files.mf().wefs {
                self.expect_contents("MF", wef);
            }
        }
    }

    fn applications(&mut self, files: &FileSystem) {
        for application in files.applications() {
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
                Action::UpdateBinary { fid, offset, data } => Action::ExpectBinary { fid, offset, data },
                Action::UpdateRecord { fid, record, data } => Action::ExpectRecord { fid, record, data },
                other => other,
            };
            self.step(format!("{place}: content of {}", wef.name), expected);
        }
    }
}
