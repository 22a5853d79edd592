//! The personalisation plan of the shipped profiles, and where a card that was begun goes on.

#[cfg(test)]
mod tests {
    use fuda_card::id::{DfName, Kvn};
    use fuda_card::personalisation::{Action, Evidence, Plan, Stage, StageRecord};
    use fuda_card::profile::{MF_WEF_PS, Profile};

    const BOTH: std::ops::RangeInclusive<Stage> = Stage::Zeroth..=Stage::First;

    fn profile(name: &str) -> Profile {
        let text = match name {
            "membership-1ap" => include_str!("../../profiles/membership-1ap.toml"),
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
            .map(|step| format!("{} {} {}", u8::from(step.stage == Stage::First), step.channel.kvn, step.name))
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
        let mut card =
            Evidence { has_mf: false, mf_activated: false, key_sets: vec![Kvn::INITIAL], records: Vec::new() };
        for step in &plan.steps()[..steps] {
            let mf = DfName::mf();
            match &step.action {
                Action::CreateFile(_) => card.has_mf = true,
                Action::PutKey(set) if set.df == mf => card.key_sets.push(set.kvn),
                Action::DeleteKey(kvn) => card.key_sets.retain(|present| present != kvn),
                Action::Activate => card.mf_activated = true,
                Action::UpdateRecord { fid: MF_WEF_PS, data, .. } => {
                    card.records.push(StageRecord::parse(data).unwrap());
                }
                _ => {}
            }
        }
        card.key_sets.sort_unstable();
        card
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
