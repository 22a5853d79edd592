//! Sessions that were computed before the card was met: what the card answers is what was foreseen, byte for byte; where the card is
//! another one, or stands elsewhere, the terminal stops before anything is done; and after a cut anywhere the centre goes on from what
//! the card proved.
//!
//! The card is the simulated one in memory; the centre has its keys in software and the terminal is [`fuda_card::cardscript::Runner`].

mod centre;
mod terminal;

use crate::cuts::host::{Contact, KDD};
use crate::cuts::job::{Cards, Journey};
use crate::cuts::plan::{Cut, Mode};
use centre::Centre;
use fuda_card::apdu::Response;
use fuda_card::cardscript::End as Ran;
use fuda_card::forecast::{Carrier, End, Foretold, Lost, Unopened, Verdict};
use fuda_card::id::Kdd;
use fuda_card::personalisation::Plan;
use fuda_card::personalisation::update::{ContentDigest, Found, JobId, UpdateJob};
use fuda_card::profile::{Application, DF_WEF_PS};
use fuda_card::scp03::InitializeUpdateResponse;
use fuda_card::script::Reading;
use fuda_card::status::StatusWord;
use fuda_card_sim::Card;
use fuda_card_sim::report::Secrets;
use fuda_card_sim::state::Protocol;
use fuda_tests::random::Random;
use std::collections::BTreeMap;

/// What the card's memory says of the counters, as a centre knows them that has lost nothing.
fn counters(card: &Card) -> BTreeMap<u8, u32> {
    let report = card.report(Secrets::Hidden);
    let sets = &report.file("1001").unwrap().key_sets;
    let number = |hex: &str| u32::from_str_radix(hex, 16).unwrap();
    sets.iter().map(|set| (u8::try_from(number(&set.kvn)).unwrap(), number(&set.counter))).collect()
}

/// The key set that is asked first: the new one as soon as the card has it.
fn position(application: &Application, job: &UpdateJob, card: &Card) -> Plan {
    let sets: Vec<_> = counters(card).into_keys().map(fuda_card::id::Kvn::new).collect();
    Plan::position(application, job.channel(&sets).unwrap())
}

/// Runs a plan from a forecast that knows everything; each answer is the foreseen one.
fn foreseen(plan: Plan, card: Card) -> (Card, Verdict) {
    let centre = Centre::new(plan, &counters(&card));
    let forecast = centre.forecast();
    let mut contact = Contact::begin(card, None);
    let result = terminal::run(centre.script(Carrier::Whole), &mut contact);
    for (number, (foreseen, answer)) in forecast.commands().iter().zip(centre::answers(&result)).enumerate() {
        assert!(foreseen.answer.fits(&answer), "command {number}: {foreseen:?}, {answer:?}");
    }
    assert_eq!((result.end, result.r.len()), (Ran::Done, forecast.commands().len()));
    let verdict = centre.verify(&result);
    assert_eq!((&verdict.end, verdict.steps_done), (&End::Complete, centre.plan.steps().len()));
    if let Some(foretold) = forecast.foretold() {
        only_these_come_true(foretold, &centre::answers(&result));
    }
    (contact.end(), verdict)
}

fn found(application: &Application, job: &UpdateJob, card: Card) -> (Card, Found) {
    let plan = position(application, job, &card);
    let (card, verdict) = foreseen(plan, card);
    (card, Found::of(application, &verdict.readings).unwrap())
}

/// A card at a random place of its journey.
fn somewhere(cards: &Cards, journey: Journey, random: &mut Random) -> Card {
    let commands = u64::try_from(cards.commands(journey)).unwrap();
    let command = usize::try_from(random.within(0..commands)).unwrap();
    let mode = Mode::ALL[usize::try_from(random.within(0..Mode::ALL.len() as u64)).unwrap()];
    let mut contact = Contact::begin(cards.card(journey), Some(Cut { command, mode }));
    let _ = contact.update(cards.application(), &cards.job(journey));
    contact.end()
}

fn only_these_come_true(foretold: Foretold, answers: &[Response]) {
    assert!(foretold.came_true(answers));
    assert_eq!(Foretold::from_bytes(foretold.to_bytes()), foretold);
    for number in 0..answers.len() {
        let mut others = answers.to_vec();
        let missing = others.remove(number);
        assert!(!foretold.came_true(&others), "answer {number} is missing");
        others.insert(number, Response { sw: StatusWord::SECURITY_STATUS_NOT_SATISFIED, ..missing.clone() });
        assert!(!foretold.came_true(&others), "answer {number} is an error");
        // Of the answer to SELECT, which carries no MAC, nothing is read.
        let mut data = missing.data.clone();
        if number > 0 {
            data.push(0);
            others[number] = Response { data, ..missing };
            assert!(!foretold.came_true(&others), "answer {number} has another byte");
        }
    }
    let again = [answers, &answers[answers.len() - 1..]].concat();
    assert!(!foretold.came_true(&again) && !foretold.came_true(&[]));
}

#[test]
fn a_first_personalisation_is_foretold_and_a_look_is_not() {
    let cards = Cards::new();
    let job = cards.job(Journey::First);
    let look = Centre::new(position(cards.application(), &job, &cards.card(Journey::First)), &BTreeMap::new());
    assert_eq!(look.forecast().foretold(), None, "what a card holds is not known beforehand");
    let (card, shelf) = found(cards.application(), &job, cards.card(Journey::First));
    let centre = Centre::new(job.plan(&shelf).unwrap(), &counters(&card));
    let foretold = centre.forecast().foretold().unwrap();
    let commands = centre.forecast().commands().len();
    let (mut card, mut others) = (card, Vec::new());
    for command in 0..commands {
        let mut contact = Contact::begin(card, Some(Cut { command, mode: Mode::After }));
        others.push(centre::answers(&terminal::run(centre.script(Carrier::Whole), &mut contact)));
        card = found(cards.application(), &job, cards.card(Journey::First)).0;
    }
    assert!(others.iter().all(|answers| !foretold.came_true(answers)), "a card that was taken out has not done it all");
    let _ = foreseen(job.plan(&shelf).unwrap(), card);
}

#[test]
fn a_forecast_is_what_the_card_answers() {
    let mut random = Random::seeded();
    let cards = Cards::new();
    for journey in Journey::ALL {
        let job = cards.job(journey);
        for number in 0..20 {
            let card = if number == 0 { cards.card(journey) } else { somewhere(&cards, journey, &mut random) };
            let (card, found) = found(cards.application(), &job, card);
            let (card, _) = foreseen(job.plan(&found).unwrap(), card);
            cards.is_complete(&card, journey).unwrap();
        }
    }
}

#[test]
fn random_jobs_one_after_the_other_on_a_card_with_long_files() {
    let mut random = Random::seeded();
    let cards = Cards::with_long_files();
    let application = cards.application();
    let mut card = cards.card(Journey::First);
    let (mut kvn, mut expected) = (0x30, BTreeMap::new());
    for number in 1..=12 {
        let mut content = |wef: &str, bytes_max: u64| {
            let bytes = random.within(0..bytes_max + 1);
            let content: Vec<u8> = (0..bytes).map(|_| random.within(0..255).to_le_bytes()[0]).collect();
            expected.insert(wef.to_owned(), content.clone());
            (wef.to_owned(), content)
        };
        let mut contents = vec![content("person", 600)];
        if number == 1 {
            contents.extend([content("member", 16), content("visits", 8)]);
        }
        let (old, new) = (cards.set(kvn), (random.within(0..2) == 1).then(|| cards.set(kvn + 1)));
        kvn += u8::from(new.is_some());
        let name = (JobId::new([number; 8]), ContentDigest::new([number; 8]));
        let job = UpdateJob::new(application, name, contents, old, new).unwrap();
        let found = found(application, &job, card);
        card = foreseen(job.plan(&found.1).unwrap(), found.0).0;

        let read = foreseen(Plan::read(application, &cards.set(kvn)), card);
        card = read.0;
        let found = Found::of(application, &read.1.readings).unwrap();
        for (wef, slot) in found.contents(application, &read.1.readings) {
            let content = &expected[&wef.name];
            assert!(
                slot.starts_with(content) && slot[content.len()..].iter().all(|byte| *byte == 0xFF),
                "{}",
                wef.name
            );
        }
    }
}

/// The centre's script for a job on a card of which it believes `counters`, and how a card that is another one ends it.
fn stopped(centre: &Centre, card: Card) -> (Card, Verdict) {
    let before = lasting(&card);
    let mut contact = Contact::begin(card, None);
    let result = terminal::run(centre.script(Carrier::Whole), &mut contact);
    let card = contact.end();
    assert_eq!((result.end, lasting(&card)), (Ran::Match, before), "nothing is written");
    let verdict = centre.verify(&result);
    (card, verdict)
}

/// Everything that lasts on a card but its counters.
fn lasting(card: &Card) -> String {
    let mut report = serde_json::to_value(card.report(Secrets::Shown)).unwrap();
    without_counters(&mut report);
    report.to_string()
}

fn without_counters(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(members) => {
            members.remove("counter");
            members.values_mut().for_each(without_counters);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_counters),
        _ => {}
    }
}

#[test]
fn a_card_at_another_count_stops_before_authentication_and_the_session_goes_on_from_its_answer() {
    let cards = Cards::new();
    let job = cards.job(Journey::First);
    for distance in [1, 7, 300] {
        let (card, found) = found(cards.application(), &job, cards.card(Journey::First));
        let mut believed = counters(&card);
        believed.values_mut().for_each(|counter| *counter += distance);
        let mut centre = Centre::new(job.plan(&found).unwrap(), &believed);
        let mut contact = Contact::begin(card, None);
        let result = terminal::run(centre.script(Carrier::Whole), &mut contact);
        assert_eq!((result.end, result.n, contact.commands), (Ran::Match, 2, 2));
        let End::Unopened { why: Unopened::OtherCounter(answer), .. } = centre.verify(&result).end else { panic!() };
        assert_eq!(answer.counter.unwrap().to_u32() + distance, believed[&0x30] + 1);

        centre.answered = Some(*answer);
        let result = terminal::run(centre.script(Carrier::Whole), &mut contact);
        assert_eq!((result.end, centre.verify(&result).end), (Ran::Done, End::Complete));
        cards.is_complete(&contact.end(), Journey::First).unwrap();
    }
}

#[test]
fn a_centre_that_knows_no_count_asks_first() {
    let cards = Cards::new();
    let job = cards.job(Journey::First);
    let (card, found) = found(cards.application(), &job, cards.card(Journey::First));
    let mut centre = Centre::new(job.plan(&found).unwrap(), &BTreeMap::new());
    let mut contact = Contact::begin(card, None);
    let introduced = terminal::run(centre.introduction(), &mut contact);
    assert_eq!((introduced.end, introduced.n), (Ran::Done, 2));
    let answer = &centre::answers(&introduced)[1];
    centre.answered = Some(InitializeUpdateResponse::parse(&answer.data).unwrap());
    let result = terminal::run(centre.script(Carrier::Whole), &mut contact);
    let verdict = centre.verify(&result);
    assert_eq!((result.end, &verdict.end), (Ran::Done, &End::Complete));
    assert_eq!(verdict.proofs[0].counter, centre.answered.as_ref().unwrap().counter);
    cards.is_complete(&contact.end(), Journey::First).unwrap();
}

#[test]
fn another_chip_is_told_apart_before_authentication() {
    let cards = Cards::new();
    let job = cards.job(Journey::First);
    let (card, found) = found(cards.application(), &job, cards.card(Journey::First));
    let mut centre = Centre::new(job.plan(&found).unwrap(), &counters(&card));
    centre.kdd = Kdd::new([0xEE; 10]);
    let (card, verdict) = stopped(&centre, card);
    assert_eq!((verdict.steps_done, verdict.proofs.len()), (0, 0));
    assert!(matches!(verdict.end, End::Unopened { why: Unopened::OtherCard(KDD), .. }), "{:?}", verdict.end);
    let mut contact = Contact::begin(card, None);
    assert_eq!(terminal::run(centre.introduction(), &mut contact).end, Ran::Match);
}

#[test]
fn other_progress_records_stop_before_the_first_write_and_are_told() {
    let mut random = Random::seeded();
    let cards = Cards::new();
    for journey in Journey::ALL {
        let job = cards.job(journey);
        let (_, shelf) = found(cards.application(), &job, cards.card(journey));
        let mut seen = 0;
        for _ in 0..20 {
            let (elsewhere, found) = found(cards.application(), &job, somewhere(&cards, journey, &mut random));
            if found.records == shelf.records || !found.key_sets.contains(&cards.set(0x30).kvn) {
                continue;
            }
            let centre = Centre::new(job.plan(&shelf).unwrap(), &counters(&elsewhere));
            let (_, verdict) = stopped(&centre, elsewhere);
            let End::Differs { step, .. } = &verdict.end else { panic!("{:?}", verdict.end) };
            assert!(step.starts_with("progress record"), "{step}");
            let last = verdict.readings.last().unwrap();
            let Reading::Record { fid: DF_WEF_PS, record, data } = last else { panic!("{last:?}") };
            assert_eq!(*data, found.records[usize::from(*record) - 1]);
            seen += 1;
        }
        assert!(seen > 0, "{journey:?}");
    }
}

#[test]
fn after_a_cut_anywhere_the_centre_goes_on_from_what_the_card_proves() {
    for journey in Journey::ALL {
        let cards = Cards::new();
        let job = cards.job(journey);
        let (whole, found_before) = found(cards.application(), &job, cards.card(journey));
        let (whole, _) = foreseen(job.plan(&found_before).unwrap(), whole);
        let end = lasting(&whole);
        let (_, shelf) = found(cards.application(), &job, cards.card(journey));
        let commands =
            Centre::new(job.plan(&shelf).unwrap(), &counters(&cards.card(journey))).forecast().commands().len();
        for command in 0..commands {
            for mode in [Mode::Before, Mode::After, Mode::Torn(0.5)] {
                let (card, shelf) = found(cards.application(), &job, cards.card(journey));
                let centre = Centre::new(job.plan(&shelf).unwrap(), &counters(&card));
                let mut contact = Contact::begin(card, Some(Cut { command, mode }));
                let result = terminal::run(centre.script(Carrier::Whole), &mut contact);
                let verdict = centre.verify(&result);
                let is_lost = matches!(
                    verdict.end,
                    End::Lost { why: Lost::NoAnswer, .. } | End::Unopened { why: Unopened::Silent, .. }
                );
                assert!(result.end == Ran::CardGone && is_lost, "{command} {mode:?}: {:?}", verdict.end);
                let (card, found) = found(cards.application(), &job, contact.end());
                let (card, _) = foreseen(job.plan(&found).unwrap(), card);
                assert_eq!(lasting(&card), end, "{journey:?}: cut at {command} {mode:?}");
            }
        }
    }
}

/// At T=0 a READ BINARY under secure messaging answers to the end of the file: what is known of it beforehand is its beginning.
#[test]
fn at_t0_a_session_runs_from_a_forecast_too() {
    for journey in Journey::ALL {
        let cards = Cards::of(Protocol::T0);
        let job = cards.job(journey);
        let (card, shelf) = found(cards.application(), &job, cards.card(journey));
        let centre = Centre::new(job.plan(&shelf).unwrap(), &counters(&card));
        let mut contact = Contact::begin(card, None);
        let script = centre.script(Carrier::T0);
        let longest = script.steps.iter().filter_map(|step| step.matches.first()).map(|rule| rule.value.len()).max();
        assert!(longest >= Some(48), "contents are compared: {longest:?}");
        let result = terminal::run(script, &mut contact);
        assert_eq!((result.end, centre.verify(&result).end), (Ran::Done, End::Complete));
        cards.is_complete(&contact.end(), journey).unwrap();
    }
}

#[test]
fn a_card_is_read_and_its_live_slots_are_what_the_last_job_wrote() {
    for (protocol, carrier) in [(Protocol::T0, Carrier::T0), (Protocol::T1, Carrier::Whole)] {
        for journey in [Journey::First, Journey::UpdateWithKeys] {
            let cards = Cards::of(protocol);
            let (application, job) = (cards.application(), cards.job(journey));
            let (card, shelf) = found(application, &job, cards.card(journey));
            let centre = Centre::new(job.plan(&shelf).unwrap(), &counters(&card));
            let mut contact = Contact::begin(card, None);
            terminal::run(centre.script(carrier), &mut contact);
            let card = contact.end();

            let set = cards.set(*counters(&card).keys().last().unwrap());
            let centre = Centre::new(Plan::read(application, &set), &counters(&card));
            let before = lasting(&card);
            let mut contact = Contact::begin(card, None);
            let verdict = centre.verify(&terminal::run(centre.script(carrier), &mut contact));
            assert_eq!((&verdict.end, lasting(&contact.end())), (&End::Complete, before));
            let found = Found::of(application, &verdict.readings).unwrap();
            let contents = found.contents(application, &verdict.readings);
            assert_eq!(contents.len(), application.wefs.len());
            for (name, content) in journey.new_contents() {
                let (_, slot) = contents.iter().find(|(wef, _)| wef.name == name).unwrap();
                assert!(slot.starts_with(&content) && slot[content.len()..].iter().all(|byte| *byte == 0xFF), "{name}");
            }
        }
    }
}
