//! The personalisation plan of the shipped profiles, and where a card that was begun goes on.

#[cfg(test)]
mod tests {
    use fuda_card::command::Placement;
    use fuda_card::fcp::LifeCycle;
    use fuda_card::id::Kvn;
    use fuda_card::personalisation::{Action, Evidence, Files, Plan, Stage, StageRecord};
    use fuda_card::profile::{MF_WEF_PS, Profile};

    const BOTH: std::ops::RangeInclusive<Stage> = Stage::Zeroth..=Stage::First;

    fn profile(name: &str) -> Profile {
        let text = match name {
            "membership-1ap" => include_str!("../../profiles/membership-1ap.toml"),
            "gp-isd" => include_str!("../../profiles/gp-isd.toml"),
            "gp-isd-transport" => include_str!("../../profiles/gp-isd-transport.toml"),
            _ => include_str!("../../profiles/membership-4ap.toml"),
        };
        Profile::parse(text).unwrap()
    }

    #[test]
    fn the_steps_of_the_small_profile() {
        let plan = Plan::issue(&profile("membership-1ap"), BOTH, "L2604A");
        let steps: Vec<String> = plan
            .steps()
            .iter()
            .map(|step| format!("{} {} {}", u8::from(step.stage == Some(Stage::First)), step.channel.kvn, step.name))
            .collect();
        assert_eq!(
            steps,
            [
                "0 FF create MF",
                "0 FF create IEF of the MF",
                "0 FF create WEF-PS of the MF",
                "0 FF create WEF-ATR of the MF",
                "0 FF create product of the MF",
                "0 FF write the ATR",
                "0 FF load the transport set",
                "0 3D delete the initial set",
                "0 3D write stage record ZERO",
                "1 3D load the issuer set",
                "1 30 delete the transport set",
                "1 30 MF: write product",
                "1 30 ticket: select MF",
                "1 30 ticket: create DF",
                "1 30 ticket: create IEF",
                "1 30 ticket: create WEF-PS",
                "1 30 ticket: create member",
                "1 30 ticket: create person",
                "1 30 ticket: create visits",
                "1 30 ticket: load the key",
                "1 30 ticket: prove the key",
                "1 30 ticket: write visits",
                "1 30 select MF",
                "1 30 activate MF",
                "1 30 write stage record FIRST",
            ]
        );
    }

    #[test]
    fn the_keys_of_the_large_profile() {
        let plan = Plan::issue(&profile("membership-4ap"), BOTH, "L2604A");
        let keys: Vec<&str> = plan.key_names().collect();
        assert_eq!(keys, ["initial", "transport", "issuer", "ap/ticket", "ap/library", "ap/parking", "ap/points"]);
        let second = Plan::issue(&profile("membership-4ap"), Stage::First..=Stage::First, "L2604A");
        assert_eq!(second.key_names().next(), Some("transport"));
    }

    /// What a card shows after its first `steps` steps were done.
    fn evidence_after(plan: &Plan, steps: usize) -> Evidence {
        let mut key_sets = vec![plan.root().blank];
        let mut mf: Option<(LifeCycle, Vec<StageRecord>)> = None;
        for step in &plan.steps()[..steps] {
            match &step.action {
                Action::CreateFile(_) if mf.is_none() => mf = Some((LifeCycle::Initialisation, Vec::new())),
                Action::PutKey(load) if load.set.df == plan.root().df => {
                    match load.placement {
                        Placement::Replace(old) => key_sets.retain(|present| *present != old),
                        // The simulated and some real domains let the initial set go by themselves.
                        Placement::Add if mf.is_none() => key_sets.retain(|present| *present != Kvn::INITIAL),
                        Placement::Add => {}
                    }
                    key_sets.push(load.set.kvn);
                }
                Action::DeleteKey(kvn) => key_sets.retain(|present| present != kvn),
                Action::Activate => mf.as_mut().unwrap().0 = LifeCycle::Activated,
                Action::UpdateRecord { fid: MF_WEF_PS, data, .. } => {
                    mf.as_mut().unwrap().1.push(StageRecord::parse(data).unwrap());
                }
                _ => {}
            }
        }
        key_sets.sort_unstable();
        let files = mf.map_or(Files::None, |(life_cycle, records)| Files::Mf { life_cycle, records });
        Evidence { key_sets, files }
    }

    #[test]
    fn a_card_that_was_cut_off_anywhere_goes_on_with_a_set_that_it_has() {
        let plan = Plan::issue(&profile("membership-4ap"), BOTH, "L2604A");
        for done in 0..=plan.steps().len() {
            let card = evidence_after(&plan, done);
            let next = plan.resume_at(&card);
            assert!(next <= done, "after {done} steps: skips to {next}");
            let Some(step) = plan.steps().get(next) else {
                assert_eq!(done, plan.steps().len());
                continue;
            };
            assert!(card.key_sets.contains(&step.channel.kvn), "after {done} steps: no set for `{}`", step.name);
            // Nothing that cannot be repeated lies between: keys that are gone are not deleted again.
            let repeated = &plan.steps()[next..done];
            assert!(!repeated.iter().any(|step| matches!(step.action, Action::DeleteKey(_))), "after {done} steps");
        }
    }

    #[test]
    fn the_stages_apart_are_the_stages_together() {
        let profile = profile("membership-4ap");
        let whole = Plan::issue(&profile, BOTH, "L");
        let zeroth = Plan::issue(&profile, Stage::Zeroth..=Stage::Zeroth, "L");
        let first = Plan::issue(&profile, Stage::First..=Stage::First, "L");
        assert_eq!([zeroth.steps(), first.steps()].concat(), whole.steps());
        let made = evidence_after(&zeroth, zeroth.steps().len());
        assert_eq!((zeroth.resume_at(&made), first.resume_at(&made)), (zeroth.steps().len(), 0));
    }

    /// The small profile with a recovery set.
    fn with_recovery() -> Profile {
        let text = include_str!("../../profiles/membership-1ap.toml");
        Profile::parse(&format!(
            "{}\n[mf]\nrecovery = \"per-card\"\n{}",
            &text[..text.find("[[mf").unwrap()],
            &text[text.find("[[mf").unwrap()..]
        ))
        .unwrap()
    }

    #[test]
    fn a_recovery_set_comes_when_the_issuer_is_proved_and_the_transport_set_is_gone() {
        let profile = with_recovery();
        let plan = Plan::issue(&profile, BOTH, "L");
        let told = told(&plan);
        let at = told.iter().position(|step| step.contains("recovery")).unwrap();
        assert_eq!(told[at - 1..=at], ["1 30 delete the transport set", "1 30 load the recovery set Add"]);
        assert_eq!(told.len(), Plan::issue(&self::profile("membership-1ap"), BOTH, "L").steps().len() + 1);
        assert_eq!(plan.key_names().collect::<Vec<_>>(), ["initial", "transport", "issuer", "recovery", "ap/ticket"]);
        let audit = self::told(&Plan::audit(&profile, Stage::First, "L"));
        assert!(audit.contains(&"1 30 key sets of the MF [Kvn(30), Kvn(3F)]".to_owned()), "{audit:?}");
        assert!(!self::told(&Plan::audit(&profile, Stage::Zeroth, "L")).join("").contains("3F"));
        for done in 0..=plan.steps().len() {
            let card = evidence_after(&plan, done);
            let next = plan.resume_at(&card);
            assert!(next <= done, "after {done} steps: skips to {next}");
            let channel = plan.steps().get(next).map(|step| step.channel.kvn);
            assert!(channel.is_none_or(|kvn| card.key_sets.contains(&kvn)), "after {done} steps");
        }
    }

    fn told(plan: &Plan) -> Vec<String> {
        let told = |step: &fuda_card::personalisation::Step| {
            let placement = match &step.action {
                Action::PutKey(load) => format!(" {:?}", load.placement),
                Action::ExpectKeySets(kvns) => format!(" {kvns:?}"),
                _ => String::new(),
            };
            format!("{} {} {}{placement}", step.stage.unwrap().number(), step.channel.kvn, step.name)
        };
        plan.steps().iter().map(told).collect()
    }

    #[test]
    fn the_steps_for_a_card_without_files() {
        let domain = profile("gp-isd");
        let plan = Plan::issue(&domain, BOTH, "L");
        assert_eq!(
            told(&plan),
            [
                "0 FF load the transport set Add",
                "0 3D delete the initial set",
                "0 3D prove the transport set [Kvn(3D)]",
                "1 3D load the issuer set Add",
                "1 30 delete the transport set",
                "1 30 prove the issuer set [Kvn(30)]",
            ]
        );
        assert_eq!(plan.key_names().collect::<Vec<_>>(), ["initial", "transport", "issuer"]);
        assert_eq!(told(&Plan::audit(&domain, Stage::Zeroth, "L")), ["0 3D key sets [Kvn(3D)]"]);
        assert_eq!(told(&Plan::audit(&domain, Stage::First, "L")), ["1 30 key sets [Kvn(30)]"]);

        let delivered = profile("gp-isd-transport");
        assert_eq!((domain.first_stage(), delivered.first_stage()), (Stage::Zeroth, Stage::First));
        let plan = Plan::issue(&delivered, BOTH, "L");
        assert_eq!(told(&plan), told(&Plan::issue(&domain, Stage::First..=Stage::First, "L")));
        assert_eq!(plan.root().blank, Kvn::TRANSPORT);
    }

    #[test]
    fn cards_with_room_for_one_set_exchange_it_in_one_command() {
        let text = include_str!("../../profiles/gp-isd.toml");
        let text = text.replacen("old_set = \"deleted\"", "old_set = \"vanishes\"", 1);
        let text = text.replacen("old_set = \"deleted\"", "old_set = \"replaced\"", 1);
        let plan = Plan::issue(&Profile::parse(&text).unwrap(), BOTH, "L");
        assert_eq!(
            told(&plan),
            [
                "0 FF load the transport set Add",
                "0 3D prove the transport set [Kvn(3D)]",
                "1 3D load the issuer set Replace(Kvn(3D))",
                "1 30 prove the issuer set [Kvn(30)]",
            ]
        );
    }

    #[test]
    fn a_card_without_files_that_was_cut_off_anywhere_goes_on_with_a_set_that_it_has() {
        let plan = Plan::issue(&profile("gp-isd"), BOTH, "L");
        // A set that is there was not proved yet, for all the card says: what follows its load is done.
        for (done, next) in [(0, 0), (1, 2), (2, 2), (3, 2), (4, 4), (5, 5), (6, 5)] {
            let card = evidence_after(&plan, done);
            assert_eq!(plan.resume_at(&card), next, "after {done} steps");
            assert!(card.key_sets.contains(&plan.steps()[next].channel.kvn), "after {done} steps");
        }
        // A card that keeps its initial set, cut behind the load: the new set is proved, then it deletes.
        let both = Evidence { key_sets: vec![Kvn::TRANSPORT, Kvn::INITIAL], files: Files::None };
        assert_eq!(plan.resume_at(&both), 1);
        let stranger = Evidence { key_sets: vec![Kvn::new(0x01)], files: Files::None };
        assert_eq!(plan.resume_at(&stranger), 0);
        assert!(!stranger.is_blank(plan.root().blank));
    }

    #[test]
    fn every_created_file_is_audited() {
        let profile = profile("membership-4ap");
        let issue = Plan::issue(&profile, BOTH, "L");
        let audit = Plan::audit(&profile, Stage::First, "L");
        let fcps = |plan: &Plan, created: bool| {
            let fcp = |action: &Action| match action {
                Action::CreateFile(fcp) if created => fcp.fid,
                Action::ExpectFile(fcp) if !created => fcp.fid,
                _ => None,
            };
            plan.steps().iter().filter_map(|step| fcp(&step.action)).collect::<Vec<_>>()
        };
        let mut created = fcps(&issue, true);
        let mut expected = fcps(&audit, false);
        created.sort_unstable();
        expected.sort_unstable();
        assert_eq!(created, expected);
    }

    #[test]
    fn every_file_fits_one_short_command() {
        for name in ["membership-1ap", "membership-4ap"] {
            for step in Plan::issue(&profile(name), BOTH, "L").steps() {
                if let Action::CreateFile(fcp) = &step.action {
                    assert!(fcp.encode().len() <= 223, "{}", step.name);
                }
            }
        }
    }
}
