//! The picture at two widths, as a person sees it.

use super::{Paint, Size, log_line, screen};
use crate::line::{EncoderState, EncoderView, LastKind, LineView};
use crate::watch::model::{JobView, WatchedLine};
use fuda_card::personalisation::Stage;
use fuda_issuance::journal::Standing;
use fuda_issuance::{Control, Job, JobState, NewJob, SiteMode};
use jiff::tz::{TimeZone, offset};

fn job() -> Job {
    let order = NewJob {
        id: "2026-0417-A".to_owned(),
        order_text: String::new(),
        order_sha256: String::new(),
        profile: "membership-4ap".to_owned(),
        profile_sha256: String::new(),
        first_stage: Stage::Zeroth,
        last_stage: Stage::First,
        quantity: 10_000,
        spares: 300,
        lot: "L2604A".to_owned(),
        keys: std::collections::BTreeMap::new(),
        mode: SiteMode::Test,
        first_article: 0,
    };
    Job {
        order,
        state: JobState::Open,
        stop_reason: String::new(),
        control: Control::Go,
        control_reason: String::new(),
        approved_by: String::new(),
        created_at: String::new(),
        entries: 0,
        chain_sha256: String::new(),
    }
}

fn encoder(number: u16, state: EncoderState) -> EncoderView {
    EncoderView {
        name: format!("vpcd:{}", 35_963 + number),
        state,
        serial: if state == EncoderState::Works { format!("8810400000{:04}", 6120 + number) } else { String::new() },
        step: if state == EncoderState::Works { "1001: AP key set 30, prove".to_owned() } else { String::new() },
        busy_ms: 640,
        last: "good".to_owned(),
        last_kind: LastKind::Good,
        last_ms: 940,
        good: 770 + u64::from(number),
        rejected: 0,
        missed: 0,
        cards_per_hour: 1_550.0,
    }
}

fn view() -> JobView {
    let mut encoders: Vec<EncoderView> = (0..4).map(|number| encoder(number, EncoderState::Works)).collect();
    encoders.push(EncoderView {
        last: "rejected CARD_STATUS at 1001: create WEF 0011".to_owned(),
        last_kind: LastKind::Rejected,
        rejected: 3,
        cards_per_hour: 0.0,
        ..encoder(4, EncoderState::Quarantined)
    });
    encoders.push(EncoderView {
        name: "ACS ACR1252 1S CL Reader [ACR1252 Reader PICC] 00 01".to_owned(),
        last: "lost CARD_GONE at first contact".to_owned(),
        last_kind: LastKind::Missed,
        missed: 1,
        ..encoder(5, EncoderState::Waits)
    });
    let view = LineView { operator: "sato".to_owned(), started_at: String::new(), wanted: 10_000, encoders };
    JobView {
        job: job(),
        standing: Standing { good: 6_127, rejected: 4, unfinished: 5 },
        lines: vec![WatchedLine { name: "2026-04-17T03:00:00.000Z kawagoe-2 4711".to_owned(), view, silent_s: 1 }],
        now: "2026-04-17T03:41:07Z".parse().unwrap(),
    }
}

fn drawn(view: &JobView, columns: usize, rows: usize) -> String {
    let zone = TimeZone::fixed(offset(9));
    let lines = screen(view, Size { columns, rows }, Paint::Plain, &zone);
    for line in &lines {
        assert!(line.chars().count() <= columns, "{columns}: {line}");
    }
    assert!(lines.len() <= rows, "{lines:#?}");
    lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_picture_fits_80_columns() {
    insta::assert_snapshot!(drawn(&view(), 80, 24));
}

#[test]
fn the_picture_uses_140_columns() {
    insta::assert_snapshot!(drawn(&view(), 140, 40));
}

#[test]
fn more_encoders_than_rows_are_counted() {
    let mut many = view();
    many.lines[0].view.encoders = (0..64).map(|number| encoder(number, EncoderState::Works)).collect();
    let text = drawn(&many, 80, 24);
    assert!(text.contains("… and 46 more"), "{text}");
}

#[test]
fn a_line_that_died_and_a_job_without_lines_say_so() {
    let mut silent = view();
    silent.lines[0].silent_s = 75;
    let text = drawn(&silent, 80, 24);
    assert!(text.contains("silent for 1 min 15 s") && text.contains("0 cards/h"), "{text}");
    silent.lines.clear();
    silent.job.state = JobState::Stopped;
    silent.job.stop_reason = "stopped: 5 cards in a row failed".to_owned();
    let text = drawn(&silent, 80, 24);
    assert!(text.contains("no line works on this job\nstopped: 5 cards in a row failed"), "{text}");
}

#[test]
fn a_log_has_it_in_one_line() {
    let zone = TimeZone::fixed(offset(9));
    assert_eq!(
        log_line(&view(), &zone),
        "12:41:07 open: 6,127 of 10,000 good, 4 rejected, 5 unfinished, 6 encoders (1 quarantined), 7,750 cards/h, 30 min 00 s left"
    );
}

#[test]
fn colours_change_no_width() {
    let zone = TimeZone::fixed(offset(9));
    let size = Size { columns: 100, rows: 30 };
    let plain = screen(&view(), size, Paint::Plain, &zone);
    let coloured = screen(&view(), size, Paint::Colour, &zone);
    let bare = |line: &String| {
        let mut text = String::new();
        let mut rest = line.as_str();
        while let Some((before, after)) = rest.split_once('\x1B') {
            text.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        text + rest
    };
    assert_eq!(coloured.iter().map(bare).collect::<Vec<_>>(), plain);
    assert_ne!(coloured, plain);
}
