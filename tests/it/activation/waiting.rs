//! How often the card waits for the network while somebody holds it, as the terminal counts it and as the card's own trace shows it.

use super::Centre;
use super::between::Between;
use fuda_tests_cluster::Engine;
use std::time::Duration;

/// The way to the centre and back: longer than a card takes for all its commands, and than a busy machine forgets a process.
const ROUND_TRIP: Duration = Duration::from_millis(400);

/// Microseconds since 1970 at the beginning of each line of a trace: when the card had answered.
fn answered_us(trace: &str) -> Vec<u64> {
    let time = |line: &str| {
        let (seconds, micros) = line.split(' ').next().unwrap().split_once('.').unwrap();
        assert_eq!(micros.len(), 6, "{line}");
        seconds.parse::<u64>().unwrap() * 1_000_000 + micros.parse::<u64>().unwrap()
    };
    trace.lines().map(time).collect()
}

/// Activates the card of a sale over a long way: round trips that the terminal counts, and those that the card's trace shows.
fn waits(centre: &Centre, sale: usize, far: &Between) -> (u64, usize) {
    let report = centre.relayed(sale, "activate", &far.url, &["--transport", "post"]).done();
    assert_eq!(report["outcome"], "written", "{report}");
    let trace = std::fs::read_to_string(centre.site.path(&format!("trace-{sale}"))).unwrap();
    let answered = answered_us(&trace);
    assert_eq!(answered.len(), usize::try_from(report["commands"].as_u64().unwrap()).unwrap(), "{trace}");
    let gaps = answered.windows(2).map(|pair| Duration::from_micros(pair[1] - pair[0]));
    let long = gaps.filter(|gap| *gap >= ROUND_TRIP).count();
    let held = Duration::from_millis(report["held_ms"].as_u64().unwrap());
    assert_eq!(held >= ROUND_TRIP, long > 0, "the terminal's window agrees with the card's: {report}");
    (report["round_trips_card_held"].as_u64().unwrap(), long)
}

#[test]
fn a_card_that_can_be_foretold_waits_for_nobody_and_another_one_once() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let far = Between::new(&node, ROUND_TRIP, |_, message| Some(message));
    assert_eq!(waits(&centre, 0, &far), (0, 0), "everything is foretold");
    // A card whose challenges cannot be foretold is asked first.
    let kdd = &centre.sales[1].kdd;
    let known = format!(
        "INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES ('{kdd}', 'F04655444101', 48, 0, 'random', 'now')"
    );
    assert_eq!(centre.site.database().change(&known), 1);
    assert_eq!(waits(&centre, 1, &far), (1, 1));
}
