//! 2nd issuance and updates: the steps that remain, and what is refused before a command leaves.

#[cfg(test)]
mod tests {
    use fuda_card::fcp::LifeCycle;
    use fuda_card::id::Kvn;
    use fuda_card::personalisation::ChannelId;
    use fuda_card::personalisation::update::{
        ContentDigest, Found, JobId, LiveSlots, Progress, ProgressRecord, Sequence, UpdateError, UpdateJob,
    };
    use fuda_card::profile::{Application, Profile};

    const NAME: (JobId, ContentDigest) = (JobId::new([7; 8]), ContentDigest::new([9; 8]));
    const ERASED: [u8; 32] = [0xFF; 32];

    fn application() -> Application {
        Profile::parse(include_str!("../../profiles/membership-1ap.toml")).unwrap().applications()[0].clone()
    }

    fn set(kvn: u8) -> ChannelId {
        ChannelId { df: application().df_name, kvn: Kvn::new(kvn), key: "ap/ticket".to_owned() }
    }

    fn job(contents: &[(&str, usize)], new_set: Option<u8>) -> Result<UpdateJob, UpdateError> {
        let contents = contents.iter().map(|(wef, bytes)| ((*wef).to_owned(), vec![0x42; *bytes]));
        UpdateJob::new(&application(), NAME, contents, set(0x30), new_set.map(set))
    }

    fn found(life_cycle: LifeCycle, key_sets: &[u8], records: [&[u8]; 2]) -> Found {
        let key_sets = key_sets.iter().copied().map(Kvn::new).collect();
        Found { life_cycle, key_sets, records: records.map(<[u8]>::to_vec) }
    }

    fn record(progress: Progress, (job, digest): (JobId, ContentDigest)) -> [u8; 32] {
        let live = LiveSlots::FIRST.turned(0);
        ProgressRecord { progress, sequence: Sequence::FIRST, live, job, digest }.encode()
    }

    fn steps(job: &UpdateJob, found: &Found) -> Vec<String> {
        let plan = job.plan(found).unwrap();
        plan.steps().iter().map(|step| format!("{} {}", step.channel.kvn, step.name)).collect()
    }

    #[test]
    fn the_steps_of_second_issuance() {
        let job = job(&[("member", 9), ("visits", 4)], Some(0x31)).unwrap();
        let shelf = found(LifeCycle::Initialisation, &[0x30], [&ERASED, &ERASED]);
        assert_eq!(
            steps(&job, &shelf),
            [
                "30 progress record 1",
                "30 progress record 2",
                "30 OPEN",
                "30 write member",
                "30 write visits",
                "30 WRITTEN",
                "30 load key set 31",
                "31 KEYED",
                "31 delete key set 30",
                "31 erase the old member",
                "31 DONE",
                "31 select DF",
                "31 activate DF",
            ]
        );
        let written = record(Progress::Written, NAME);
        let cut = found(LifeCycle::Initialisation, &[0x30, 0x31], [&written, &ERASED]);
        assert_eq!(steps(&job, &cut)[2..4], ["31 KEYED", "31 delete key set 30"]);
        let done = record(Progress::Done, NAME);
        let cut = found(LifeCycle::Initialisation, &[0x31], [&done, &ERASED]);
        assert_eq!(steps(&job, &cut)[2..], ["31 select DF", "31 activate DF"]);
        assert!(steps(&job, &found(LifeCycle::Activated, &[0x31], [&done, &ERASED])).is_empty());
    }

    #[test]
    fn what_no_job_can_be() {
        let refused = |contents: &[(&str, usize)], set| job(contents, set).unwrap_err();
        let name = |name: &str| name.to_owned();
        assert_eq!(refused(&[("members", 1)], None), UpdateError::UnknownWef { wef: name("members") });
        assert_eq!(refused(&[("member", 1), ("member", 2)], None), UpdateError::Twice { wef: name("member") });
        let too_long = UpdateError::TooLong { wef: name("member"), bytes: 17, room: 16 };
        assert_eq!(refused(&[("member", 17)], None), too_long);
        assert_eq!(refused(&[("member", 1)], Some(0x30)), UpdateError::KeySet { kvn: Kvn::new(0x30) });
    }

    #[test]
    fn cards_that_a_job_does_not_go_on_with() {
        let job = job(&[("member", 9), ("visits", 4)], Some(0x31)).unwrap();
        let refused = |life_cycle, key_sets: &[u8], newest: &[u8; 32]| {
            job.plan(&found(life_cycle, key_sets, [newest, &ERASED])).unwrap_err()
        };
        let (shelf, in_use) = (LifeCycle::Initialisation, LifeCycle::Activated);
        assert_eq!(refused(shelf, &[0x32], &ERASED), UpdateError::NoKeySet);
        assert_eq!(refused(LifeCycle::Terminated, &[0x30], &ERASED), UpdateError::LifeCycle(LifeCycle::Terminated));
        assert_eq!(refused(in_use, &[0x30], &ERASED), UpdateError::OneSlot { wef: "visits".to_owned() });
        let other = (JobId::new([8; 8]), NAME.1);
        let committed = record(Progress::Written, other);
        assert_eq!(refused(shelf, &[0x30], &committed), UpdateError::OtherJob { job: other.0 });
        let changed = record(Progress::Open, (NAME.0, ContentDigest::new([1; 8])));
        assert_eq!(refused(shelf, &[0x30], &changed), UpdateError::OtherContent);
    }

    #[test]
    fn a_job_that_only_opened_gives_way_to_the_next() {
        let job = job(&[("member", 9)], None).unwrap();
        let opened = record(Progress::Open, (JobId::new([8; 8]), NAME.1));
        let steps = steps(&job, &found(LifeCycle::Activated, &[0x30], [&opened, &ERASED]));
        assert_eq!(steps[2..5], ["30 OPEN", "30 write member", "30 WRITTEN"]);
    }
}
