//! The journal as a line uses it: serials, intents, refusals, rejects, accounts and the hash chain, on a real database.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking; its helpers are not marked as tests")]

use fuda_card::id::Kdd;
use fuda_card::personalisation::Stage;
use fuda_issuance::journal::{Chip, Crew, Intent, Selection};
use fuda_issuance::{
    Error, FailureClass, Journal, NewJob, Refusal, RejectReport, Rework, Sent, Serial, SerialSource, SiteMode, Station,
};
use fuda_store::{DurabilityPolicy, Options, SchemaPolicy, Store};
use fuda_tests_cluster::{Cluster, Engine, on_both_engines};
use std::collections::BTreeMap;
use std::sync::Arc;
use tempfile::TempDir;

#[derive(Debug)]
struct Numbers;

impl SerialSource for Numbers {
    fn at(&self, position: u64) -> Option<Serial> {
        let serial = format!("{:04}", 1000 + position);
        Some(Serial { printed: serial.clone(), serial })
    }
}

struct Bench {
    _folder: TempDir,
    store: Store,
    serials: Arc<dyn SerialSource>,
}

impl Bench {
    fn on(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}/factory.db", folder.path().display()),
            Engine::Postgres => Cluster::of_this_binary().unwrap().database().url(),
        };
        let options =
            Options { schema: SchemaPolicy::Migrate, durability: DurabilityPolicy::ThrowAway, ..Options::default() };
        let store = Store::open_with(&url, &options).unwrap();
        Self { _folder: folder, store, serials: Arc::new(Numbers) }
    }

    fn job(&self, id: &str, first: Stage, last: Stage) -> Journal {
        Journal::open_or_create(&self.store, order(id, first, last)).unwrap()
    }

    fn begin(&self, journal: &Journal, kdd: Kdd, chip: Chip) -> Result<String, Error> {
        journal.begin(intent(kdd, chip), &station(), &self.serials).map(|assignment| assignment.serial)
    }

    /// A card from blank to good.
    fn make(&self, journal: &Journal, kdd: Kdd) -> String {
        let serial = self.begin(journal, kdd, Chip::Blank).unwrap();
        journal.finish_stage(kdd, Stage::Zeroth).unwrap();
        journal.finish_stage(kdd, Stage::First).unwrap();
        journal.seal(kdd, &station()).unwrap();
        serial
    }
}

fn order(id: &str, first_stage: Stage, last_stage: Stage) -> NewJob {
    NewJob {
        id: id.to_owned(),
        order_text: format!("order = \"{id}\""),
        order_sha256: "AB".repeat(32),
        profile: "p".to_owned(),
        profile_sha256: "CD".repeat(32),
        first_stage,
        last_stage,
        quantity: 3,
        spares: 1,
        lot: "L1".to_owned(),
        keys: BTreeMap::new(),
        mode: SiteMode::Test,
        first_article: 0,
    }
}

fn station() -> Station {
    Station { encoder: "vpcd:1".to_owned(), operator: "sato".to_owned(), line: "A~1".to_owned() }
}

fn intent(kdd: Kdd, chip: Chip) -> Intent {
    Intent { kdd, chip, sets: Vec::new(), rework: Rework::Forbidden }
}

fn chip(number: u8) -> Kdd {
    Kdd::new([number; 10])
}

fn report(kdd: Option<Kdd>) -> RejectReport {
    RejectReport {
        kdd,
        class: FailureClass::Card,
        code: "CARD_STATUS",
        step: "create MF".to_owned(),
        sw: None,
        sent: Sent::Something,
    }
}

fn a_chip_keeps_its_serial_however_often_it_comes_back(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    assert_eq!(bench.begin(&job, chip(1), Chip::Blank).unwrap(), "1000");
    assert_eq!(bench.begin(&job, chip(2), Chip::Blank).unwrap(), "1001");
    job.lose_contact(chip(1), "pulled out").unwrap();
    assert_eq!(bench.begin(&job, chip(1), Chip::Begun).unwrap(), "1000");
    let again = job.begin(intent(chip(1), Chip::Begun), &station(), &bench.serials).unwrap();
    assert_eq!((again.attempt, again.position), (3, 0));
}

fn what_is_not_this_jobs_to_issue_is_refused_by_name(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    let refusal = |result: Result<String, Error>| match result {
        Err(Error::Refused { refusal }) => refusal,
        other => panic!("{other:?}"),
    };
    let serial = bench.make(&job, chip(1));
    assert_eq!(refusal(bench.begin(&job, chip(1), Chip::Begun)), Refusal::AlreadyIssued { serial });
    assert_eq!(refusal(bench.begin(&job, chip(9), Chip::Begun)), Refusal::Foreign);
    let other = bench.job("B", Stage::Zeroth, Stage::First);
    assert_eq!(refusal(bench.begin(&other, chip(1), Chip::Begun)), Refusal::HeldByJob { job: "A".to_owned() });
    bench.begin(&job, chip(2), Chip::Blank).unwrap();
    job.reject(report(Some(chip(2))), &station()).unwrap();
    assert_eq!(refusal(bench.begin(&job, chip(2), Chip::Begun)), Refusal::InRejectBin);
}

fn zeroth_issued_chips_go_on_in_a_first_issuance_job_and_nowhere_else(engine: Engine) {
    let bench = Bench::on(engine);
    let zeroth = bench.job("Z", Stage::Zeroth, Stage::Zeroth);
    let first = Journal::open_or_create(&bench.store, order("F", Stage::First, Stage::First)).unwrap();
    bench.begin(&zeroth, chip(1), Chip::Blank).unwrap();
    let early = bench.begin(&first, chip(1), Chip::Begun);
    assert!(
        matches!(early, Err(Error::Refused { refusal: Refusal::HeldByJob { .. } })),
        "it is not sealed yet: {early:?}"
    );
    zeroth.finish_stage(chip(1), Stage::Zeroth).unwrap();
    zeroth.seal(chip(1), &station()).unwrap();
    let next = Arc::new(Offset);
    let serials: Arc<dyn SerialSource> = next;
    first.begin(intent(chip(1), Chip::Begun), &station(), &serials).unwrap();
    first.finish_stage(chip(1), Stage::First).unwrap();
    first.seal(chip(1), &station()).unwrap();
    assert_eq!(first.accounts().unwrap().good, 1);
}

#[derive(Debug)]
struct Offset;

impl SerialSource for Offset {
    fn at(&self, position: u64) -> Option<Serial> {
        let serial = format!("{:04}", 5000 + position);
        Some(Serial { printed: serial.clone(), serial })
    }
}

fn serials_run_out_by_name_and_no_serial_is_given_twice(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    for number in 1..=4 {
        bench.begin(&job, chip(number), Chip::Blank).unwrap();
    }
    let fifth = bench.begin(&job, chip(5), Chip::Blank);
    assert!(matches!(fifth, Err(Error::SerialsExhausted { serials: 4, .. })), "{fifth:?}");
    let other = bench.job("B", Stage::Zeroth, Stage::First);
    let taken = bench.begin(&other, chip(6), Chip::Blank);
    assert!(matches!(taken, Err(Error::SerialTaken { .. })), "two orders with one range: {taken:?}");
    assert_eq!(other.accounts().unwrap().fed, 0, "a refused binding leaves nothing behind");
}

fn the_accounts_balance_at_every_step(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    bench.make(&job, chip(1));
    bench.begin(&job, chip(2), Chip::Blank).unwrap();
    bench.begin(&job, chip(3), Chip::Blank).unwrap();
    job.reject(report(Some(chip(3))), &station()).unwrap();
    job.reject(report(Some(chip(3))), &station()).unwrap();
    job.reject(report(Some(chip(4))), &station()).unwrap();
    job.reject(report(None), &station()).unwrap();
    job.reject(report(None), &station()).unwrap();
    let accounts = job.accounts().unwrap();
    assert_eq!((accounts.fed, accounts.good, accounts.rejected, accounts.unknown), (6, 1, 4, 1));
    assert_eq!((accounts.ordered, accounts.unfilled), (3, 2));
    let bin = job.rejects().unwrap();
    let of = |kdd: Kdd| bin.iter().find(|reject| reject.kdd == kdd.to_string()).unwrap();
    assert_eq!((of(chip(3)).disposition.as_str(), of(chip(3)).serial.as_str()), ("bin", "1002"));
    assert_eq!((of(chip(4)).disposition.as_str(), of(chip(4)).serial.as_str()), ("foreign", ""));
}

fn a_chip_that_calls_itself_a_good_card_takes_nothing_from_it(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    let serial = bench.make(&job, chip(1));
    job.reject(report(Some(chip(1))), &station()).unwrap();
    assert_eq!(job.find_issued(&serial).unwrap().unwrap().kdd, chip(1).to_string());
    let accounts = job.accounts().unwrap();
    assert_eq!((accounts.fed, accounts.good, accounts.rejected), (2, 1, 1), "the impostor is a chip of its own");
}

fn the_life_cycle_forbids_what_its_table_does_not_hold(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    bench.begin(&job, chip(1), Chip::Blank).unwrap();
    let early = job.seal(chip(1), &station());
    assert!(matches!(early, Err(Error::Transition { .. })), "{early:?}");
    job.finish_stage(chip(1), Stage::First).unwrap();
    job.seal(chip(1), &station()).unwrap();
    assert!(job.seal(chip(1), &station()).is_err());
}

fn the_last_stage_and_the_seal_in_one_transaction_leave_the_same_entries(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    bench.make(&job, chip(1));
    bench.begin(&job, chip(2), Chip::Blank).unwrap();
    job.finish_stage(chip(2), Stage::Zeroth).unwrap();
    job.finish_and_seal(chip(2), &station()).unwrap();
    let events = async |tx: &mut fuda_store::Conn| {
        let query = "SELECT event, serial FROM journal WHERE kdd <> '' ORDER BY seq";
        Ok::<Vec<(String, String)>, Error>(sqlx::query_as(query).fetch_all(&mut *tx).await?)
    };
    let entries = bench.store.read_blocking("test.events", events).unwrap();
    let of = |wanted: &str| -> Vec<_> {
        entries.iter().filter(|(_, serial)| serial == wanted).map(|(event, _)| event.as_str()).collect()
    };
    assert_eq!(of("1000"), ["bind", "intend", "finish-zeroth", "finish-first", "verify", "seal"]);
    assert_eq!(of("1001"), of("1000"));
    job.check_chain().unwrap();
    assert_eq!(job.accounts().unwrap().good, 2);
}

fn the_order_of_a_job_cannot_change(engine: Engine) {
    let bench = Bench::on(engine);
    bench.job("A", Stage::Zeroth, Stage::First);
    let mut changed = order("A", Stage::Zeroth, Stage::First);
    changed.order_sha256 = "EF".repeat(32);
    assert!(matches!(
        Journal::open_or_create(&bench.store, changed),
        Err(Error::OrderChanged { part: "order file", .. })
    ));
    let mut changed = order("A", Stage::Zeroth, Stage::First);
    changed.profile_sha256 = "EF".repeat(32);
    assert!(matches!(Journal::open_or_create(&bench.store, changed), Err(Error::OrderChanged { part: "profile", .. })));
    assert!(matches!(Journal::open(&bench.store, "C"), Err(Error::JobNotFound { .. })));
}

fn a_changed_entry_breaks_the_chain_at_its_number(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    bench.make(&job, chip(1));
    job.check_chain().unwrap();
    bench
        .store
        .run_tx_blocking("test.tamper", async |tx| {
            sqlx::query("UPDATE journal SET serial = '9999' WHERE seq = 4").execute(&mut *tx).await?;
            Ok::<_, Error>(())
        })
        .unwrap();
    let checked = job.check_chain();
    assert!(matches!(checked, Err(Error::ChainBroken { seq: 4, .. })), "{checked:?}");
}

fn a_cut_off_last_entry_is_noticed(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    bench.make(&job, chip(1));
    bench
        .store
        .run_tx_blocking("test.tamper", async |tx| {
            sqlx::query("DELETE FROM journal WHERE seq = (SELECT MAX(seq) FROM journal)").execute(&mut *tx).await?;
            Ok::<_, Error>(())
        })
        .unwrap();
    assert!(matches!(job.check_chain(), Err(Error::ChainBroken { seq: 0, .. })));
}

fn a_part_that_was_begun_comes_back_with_the_same_cards(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    for number in 1..=3 {
        bench.make(&job, chip(number));
    }
    let part = job.begin_part(&Selection::Lowest(2), "out/A-1").unwrap();
    assert_eq!((part.number, part.cards), (1, 2));
    let again = job.begin_part(&Selection::All, "elsewhere").unwrap();
    assert_eq!((again.number, again.cards, again.folder.as_str()), (1, 2, "out/A-1"));
    job.publish_part(1, "out/A-1", "AA").unwrap();
    let rest = job.begin_part(&Selection::All, "out/A-2").unwrap();
    assert_eq!((rest.number, rest.cards), (2, 1));
    let serials: Vec<String> = job.cards_of_part(2, -1).unwrap().into_iter().map(|card| card.serial).collect();
    assert_eq!(serials, ["1002"]);
}

fn first_articles_are_approved_by_somebody_else(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    assert!(matches!(job.approve("tanaka"), Err(Error::NothingToApprove { .. })));
    bench.make(&job, chip(1));
    assert!(matches!(job.approve("sato"), Err(Error::SamePerson { .. })), "sato worked the line");
    job.approve("tanaka").unwrap();
    assert_eq!(Journal::open(&bench.store, "A").unwrap().job().approved_by, "tanaka");
    job.check_chain().unwrap();
}

fn crew(operator: &str) -> Crew {
    Crew { operator: operator.to_owned(), host: "here".to_owned(), encoders: vec!["vpcd:1".to_owned()] }
}

fn at(line: &str) -> Station {
    Station { line: line.to_owned(), ..station() }
}

fn the_seal_spends_a_right_and_no_card_is_made_too_many(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    let (first, second) = (job.join(&crew("sato")).unwrap(), job.join(&crew("ito")).unwrap());
    assert_eq!((first.line(), second.line()), ("A~1", "A~2"));
    assert_eq!((first.claim(2).unwrap(), second.claim(5).unwrap(), second.claim(1).unwrap()), (2, 1, 0));
    for (number, line) in [(1, "A~1"), (2, "A~2"), (3, "A~1")] {
        job.begin(intent(chip(number), Chip::Blank), &at(line), &bench.serials).unwrap();
        job.finish_stage(chip(number), Stage::First).unwrap();
        job.seal(chip(number), &at(line)).unwrap();
    }
    let beat = first.beat().unwrap();
    assert_eq!((beat.wanted, beat.unclaimed), (0, 0));
    job.begin(intent(chip(4), Chip::Blank), &at("A~2"), &bench.serials).unwrap();
    job.finish_stage(chip(4), Stage::First).unwrap();
    let full = job.seal(chip(4), &at("A~2"));
    assert!(matches!(full, Err(Error::OrderFull { .. })), "{full:?}");
    let accounts = job.accounts().unwrap();
    assert_eq!((accounts.good, accounts.unknown), (3, 1), "a chip too many stays begun, and is named");
}

fn a_takeover_moves_serials_and_leaves_a_chip_that_was_begun(engine: Engine) {
    let bench = Bench::on(engine);
    let job = bench.job("A", Stage::Zeroth, Stage::First);
    let (dead, alive) = (job.join(&crew("sato")).unwrap(), job.join(&crew("ito")).unwrap());
    assert_eq!(dead.claim(3).unwrap(), 3);
    let begun = job.begin(intent(chip(1), Chip::Blank), &at("A~1"), &bench.serials).unwrap();
    assert_eq!(alive.claim(1).unwrap(), 0, "a line that lives is left alone");
    drop(dead);
    assert_eq!(alive.claim(1).unwrap(), 0, "it was heard a moment ago");
    let long_ago = async |tx: &mut fuda_store::Conn| {
        sqlx::query("UPDATE line SET beat_at = '2020-01-01T00:00:00.000Z' WHERE id = 'A~1'").execute(&mut *tx).await?;
        Ok::<_, Error>(())
    };
    bench.store.run_tx_blocking("test.silence", long_ago).unwrap();
    assert_eq!(alive.claim(3).unwrap(), 3);
    let next = job.begin(intent(chip(2), Chip::Blank), &at("A~2"), &bench.serials).unwrap();
    assert_eq!((begun.serial.as_str(), next.serial.as_str()), ("1000", "1001"), "serials without intent moved");
    let again = job.begin(intent(chip(1), Chip::Begun), &at("A~2"), &bench.serials).unwrap();
    assert_eq!((again.serial.as_str(), again.attempt), ("1000", 2));
    let lost = Journal::open(&bench.store, "A").unwrap().lines().unwrap();
    assert_eq!(lost.iter().map(|line| line.id.as_str()).collect::<Vec<_>>(), ["A~2"]);
}

on_both_engines!(
    the_seal_spends_a_right_and_no_card_is_made_too_many,
    a_takeover_moves_serials_and_leaves_a_chip_that_was_begun,
    a_chip_keeps_its_serial_however_often_it_comes_back,
    what_is_not_this_jobs_to_issue_is_refused_by_name,
    zeroth_issued_chips_go_on_in_a_first_issuance_job_and_nowhere_else,
    serials_run_out_by_name_and_no_serial_is_given_twice,
    the_accounts_balance_at_every_step,
    a_chip_that_calls_itself_a_good_card_takes_nothing_from_it,
    the_life_cycle_forbids_what_its_table_does_not_hold,
    the_last_stage_and_the_seal_in_one_transaction_leave_the_same_entries,
    the_order_of_a_job_cannot_change,
    a_changed_entry_breaks_the_chain_at_its_number,
    a_cut_off_last_entry_is_noticed,
    a_part_that_was_begun_comes_back_with_the_same_cards,
    first_articles_are_approved_by_somebody_else
);
