//! Answers to a session that was computed beforehand: only the right ones prove anything.
//!
//! The input changes a right list of answers: operations of a place and a kind (two high bits: 0 flips a bit, 1 takes another answer's
//! place, 2 ends the list, 3 gives bytes of the input instead) with their operands.

use crate::bytes::Bytes;
use fuda_card::apdu::Response;
use fuda_card::crypto::AesKey;
use fuda_card::fcp::LifeCycle;
use fuda_card::forecast::{End, Forecast, Opening, Session, Supplies, verify};
use fuda_card::id::{Kdd, Kvn};
use fuda_card::personalisation::update::{ContentDigest, Found, JobId, UpdateJob};
use fuda_card::personalisation::{ChannelId, Plan};
use fuda_card::profile::{Application, Profile};
use fuda_card::scp03::{Challenge, Mode, Prediction, SequenceCounter, StaticKeys, predicted_card_challenge};
use std::sync::Arc;

const KDD: Kdd = Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
const HOST_CHALLENGE: Challenge = Challenge::S8([0x5A; 8]);
/// Changes that one input may make.
const CHANGES_MAX: usize = 8;

/// A session is complete if and only if every answer is the card's; what is changed is not believed, nor anything after it.
pub fn check(input: &[u8]) {
    let plan = plan();
    let forecast = Forecast::new(Arc::clone(&plan), supplies(&plan)).expect("a plan with what it takes");
    let right: Vec<Response> =
        forecast.commands().iter().map(|command| Response::success(command.answer.known())).collect();
    let mut answers = right.clone();
    let mut input = Bytes(input);
    for _ in 0..CHANGES_MAX {
        if input.is_empty() {
            break;
        }
        change(&mut answers, &mut input);
    }
    let verdict = verify(Arc::clone(&plan), supplies(&plan), answers.clone()).expect("supplies that fit");
    let fits =
        |number: usize| answers.get(number).is_some_and(|answer| forecast.commands()[number].answer.fits(answer));
    let wrong = (0..right.len()).find(|number| !fits(*number));
    match wrong {
        None => assert_eq!((verdict.end, verdict.steps_done), (End::Complete, plan.steps().len())),
        Some(wrong) => {
            assert!(verdict.end != End::Complete, "answer {wrong} is not the card's");
            assert!(verdict.steps_done <= forecast.commands()[wrong].step, "nothing behind answer {wrong} counts");
            assert!(wrong > 1 || verdict.proofs.is_empty(), "INITIALIZE UPDATE proves the card");
            assert!(verdict.readings.len() <= verdict.steps_done + 1);
        }
    }
}

fn change(answers: &mut Vec<Response>, input: &mut Bytes<'_>) {
    let operation = input.byte();
    let place = usize::from(operation & 0x3F);
    let other = answers.get(usize::from(input.byte())).cloned();
    let Some(answer) = answers.get_mut(place) else { return };
    match operation >> 6 {
        0 => {
            let (at, bit) = (usize::from(input.byte()), input.byte() & 0x07);
            let mut bytes = answer.encode();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            *answer = Response::decode(&bytes).expect("as long as before");
        }
        1 => *answer = other.unwrap_or_else(|| answer.clone()),
        2 => answers.truncate(place),
        _ => {
            let length = usize::from(input.byte());
            *answer = Response::decode(input.take(length)).unwrap_or_else(|_| answer.clone());
        }
    }
}

/// First content of an application of a card from the shelf: every answer but that to SELECT is known.
fn plan() -> Arc<Plan> {
    let application = application();
    let name = (JobId::new([7; 8]), ContentDigest::new([9; 8]));
    let contents = [("member".to_owned(), vec![0x42; 9])];
    let job = UpdateJob::new(&application, name, contents, set(&application), None).expect("a job of the profile");
    let erased = vec![0xFF; 32];
    let found = Found {
        life_cycle: LifeCycle::Initialisation,
        key_sets: vec![Kvn::new(0x30)],
        records: [erased.clone(), erased],
    };
    Arc::new(job.plan(&found).expect("a plan for a card from the shelf"))
}

fn application() -> Application {
    let profile = Profile::parse(include_str!("../../../profiles/membership-1ap.toml")).expect("a profile");
    profile.applications()[0].clone()
}

fn set(application: &Application) -> ChannelId {
    ChannelId { df: application.df_name.clone(), kvn: Kvn::new(0x30), key: "ap/ticket".to_owned() }
}

fn supplies(plan: &Plan) -> Supplies {
    let sessions = plan.openings().map(|channel| {
        let keys = StaticKeys::kdf3(&AesKey::new(&[0xA1; 16]).expect("16 bytes"), &KDD);
        let counter = SequenceCounter::FIRST;
        let card_challenge = predicted_card_challenge(keys.enc(), counter, &channel.df, Mode::S8);
        let context = [HOST_CHALLENGE.as_bytes(), card_challenge.as_bytes()].concat();
        let prediction = Prediction { kdd: KDD, kvn: channel.kvn, counter, card_challenge };
        Session {
            host_challenge: HOST_CHALLENGE,
            opening: Opening::Foreseen(prediction),
            keys: keys.session_keys(&context),
        }
    });
    Supplies::new(sessions.collect::<Vec<_>>(), [])
}
