//! Profiles: any text is refused with a place in it, or becomes a plan that the card understands.

use fuda_card::fcp::Fcp;
use fuda_card::personalisation::{Action, Plan, Stage};
use fuda_card::profile::Profile;
use fuda_card_sim::fcp as card;

/// Most bytes of a template that the simulated card keeps.
const TEMPLATE_BYTES_MAX: usize = 128;

/// What parses has one hash, and every file of its plan is one that host and card read alike.
pub fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match Profile::parse(text) {
        Err(error) => {
            assert!(text.get(error.offset..error.offset + error.length).is_some(), "{error:?}");
            assert!(!error.what.is_empty() && !error.remedy.is_empty(), "{error:?}");
        }
        Ok(profile) => {
            let again = Profile::parse(&format!("# a comment\n{text}\n")).unwrap();
            assert_eq!(again, profile);
            assert_eq!(again.hash(), profile.hash());
            assert_eq!(again.canonical(), profile.canonical());
            for plan in
                [Plan::issue(&profile, Stage::Zeroth..=Stage::First, "L1"), Plan::audit(&profile, Stage::First, "L1")]
            {
                assert!(plan.key_names().count() > 0);
                plan.steps().iter().for_each(|step| action(&step.action));
            }
        }
    }
}

fn action(action: &Action) {
    let (Action::CreateFile(fcp) | Action::ExpectFile(fcp)) = action else { return };
    let bytes = fcp.encode();
    assert_eq!(Fcp::parse(&bytes).as_ref(), Ok(fcp));
    if let Action::CreateFile(_) = action {
        assert!(bytes.len() <= TEMPLATE_BYTES_MAX);
        card::Fcp::parse(&bytes).expect("the card makes every file of a profile");
    }
}
