//! The steps of 0th and 1st issuance, in the only order that a cut at any of them survives.
//!
//! 0th: under the initial set the MF, its files and the transport set; then, under the transport set, the initial set goes and
//! the stage record comes. 1st: under the transport set the issuer set; then, under the issuer set, which thereby is proved,
//! the transport set goes, a recovery set may come, and each application comes with its key; under each application's key its content; last the MF is
//! activated and the stage record written. DFs stay in life cycle 03: activating them is what 2nd issuance ends with.

use super::stage_record::{JobTag, StageRecord};
use super::{Action, Builder, ChannelId, KeyLoad, Plan, Root, Stage, domain};
use crate::fcp::Fcp;
use crate::id::{Fid, Kvn};
use crate::profile::{Application, Content, FileSystem, MF_WEF_PS, Place, Profile, RecoverySet, Structure, Wef};
use std::ops::RangeInclusive;

/// What an erased byte reads as.
const ERASED: u8 = 0xFF;

impl Plan {
    /// What `stages` of a profile do to a card of a lot.
    #[must_use]
    pub fn issue(profile: &Profile, stages: RangeInclusive<Stage>, lot: &str) -> Self {
        let tag = JobTag::of_lot(lot);
        let mut steps = Vec::new();
        for stage in [Stage::Zeroth, Stage::First].into_iter().filter(|stage| stages.contains(stage)) {
            let builder = match (profile.content(), stage) {
                (Content::Files(files), Stage::Zeroth) => zeroth(profile, files, tag),
                (Content::Files(files), Stage::First) => first(profile, files, tag),
                (Content::Keys(domain), _) => domain::issue(domain, stage),
            };
            steps.extend(builder.steps);
        }
        Self { root: Root::of(profile), steps }
    }
}

fn zeroth(profile: &Profile, files: &FileSystem, tag: JobTag) -> Builder {
    let mut plan = Builder::new(Stage::Zeroth, ChannelId::initial());
    plan.step("create MF", Action::CreateFile(files.mf_file().fcp));
    for file in files.mf_files() {
        plan.step(format!("create {} of the MF", file.name), Action::CreateFile(file.fcp));
    }
    if let Some(atr) = files.atr() {
        plan.step("write the ATR", Action::UpdateBinary { fid: Fid::WEF_ATR, offset: 0, data: atr.to_vec() });
    }
    plan.step("load the transport set", Action::PutKey(KeyLoad::beside(ChannelId::transport())));
    plan.channel(ChannelId::transport());
    plan.step("delete the initial set", Action::DeleteKey(Kvn::INITIAL));
    plan.stage_record("write stage record ZERO", profile, tag);
    plan
}

fn first(profile: &Profile, files: &FileSystem, tag: JobTag) -> Builder {
    let mut plan = Builder::new(Stage::First, ChannelId::transport());
    plan.step("load the issuer set", Action::PutKey(KeyLoad::beside(ChannelId::issuer())));
    plan.channel(ChannelId::issuer());
    plan.step("delete the transport set", Action::DeleteKey(Kvn::TRANSPORT));
    if files.mf().recovery == RecoverySet::PerCard {
        plan.step("load the recovery set", Action::PutKey(KeyLoad::unused(ChannelId::recovery())));
    }
    for wef in &files.mf().wefs {
        plan.contents("MF", wef);
    }
    for application in files.applications() {
        plan.application(application);
    }
    for application in files.applications() {
        let name = &application.name;
        plan.channel(application.channel());
        plan.step(format!("{name}: prove the key"), Action::ExpectKeySets(vec![application.kvn]));
        for wef in &application.wefs {
            plan.contents(name.as_str(), wef);
        }
    }
    plan.channel(ChannelId::issuer());
    plan.step("select MF", Action::SelectMf);
    plan.step("activate MF", Action::Activate);
    plan.stage_record("write stage record FIRST", profile, tag);
    plan
}

impl Builder {
    fn application(&mut self, application: &Application) {
        let name = &application.name;
        self.step(format!("{name}: select MF"), Action::SelectMf);
        self.step(format!("{name}: create DF"), Action::CreateFile(application.fcp()));
        for file in application.files() {
            self.step(format!("{name}: create {}", file.name), Action::CreateFile(file.fcp));
        }
        self.step(format!("{name}: load the key"), Action::PutKey(KeyLoad::beside(application.channel())));
    }

    fn contents(&mut self, place: &str, wef: &Wef) {
        for action in initial_content(wef) {
            self.step(format!("{place}: write {}", wef.name), action);
        }
    }

    fn stage_record(&mut self, name: &str, profile: &Profile, tag: JobTag) {
        let record = StageRecord::new(self.stage, &profile.hash(), tag);
        let number = StageRecord::number(self.stage);
        self.step(name, Action::UpdateRecord { fid: MF_WEF_PS, record: number, data: record.encode().to_vec() });
    }
}

impl Application {
    /// Its first key set.
    pub(super) fn channel(&self) -> ChannelId {
        ChannelId { df: self.df_name.clone(), kvn: self.kvn, key: self.key.to_string() }
    }
}

/// The writes that bring a WEF's initial content into slot 0: one for a transparent file, one for each record.
pub(super) fn initial_content(wef: &Wef) -> Vec<Action> {
    match wef.structure {
        Structure::Transparent { .. } => {
            let mut data = Vec::new();
            for piece in &wef.initial {
                // Pieces are in the order of their offsets and do not overlap.
                if let Place::Offset(offset) = piece.place {
                    data.resize(usize::from(offset), ERASED);
                    data.extend_from_slice(&piece.bytes);
                }
            }
            if data.is_empty() { Vec::new() } else { vec![Action::UpdateBinary { fid: wef.fid, offset: 0, data }] }
        }
        Structure::LinearFixed { record_size, .. } => {
            let records = wef.initial.iter().filter_map(|piece| match piece.place {
                Place::Record(record) => Some((record, &piece.bytes)),
                Place::Offset(_) => None,
            });
            let whole = |bytes: &Vec<u8>| {
                let mut data = bytes.clone();
                data.resize(usize::from(record_size), ERASED);
                data
            };
            records.map(|(record, bytes)| Action::UpdateRecord { fid: wef.fid, record, data: whole(bytes) }).collect()
        }
    }
}

/// The MF once it is activated.
pub(super) fn activated(mut fcp: Fcp) -> Fcp {
    fcp.life_cycle = Some(crate::fcp::LifeCycle::Activated);
    fcp
}
