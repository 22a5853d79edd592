//! The picture of a job for a terminal of any width, and the same in one line of a log.

use super::model::{JobView, WatchedLine};
use super::text::{count, cut, cut_middle, period, rate, took};
use crate::line::{EncoderState, EncoderView, LastKind};
use jiff::tz::TimeZone;

/// Narrower terminals get lines that are too long rather than no information.
const COLUMNS_MIN: usize = 60;
/// From here on columns say more.
const COLUMNS_WIDE: usize = 110;
/// The narrowest that an elastic column is made: less tells nothing.
const COLUMN_MIN: usize = 8;
/// Between two columns, in characters.
const GAP: usize = 2;
/// Troubles that are listed below the table: more than a person can go to at once would push the table off the screen.
const TROUBLES_MAX: usize = 5;

/// A terminal's size, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// How things are set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Not at all.
    Plain,
    /// With the colours of the terminal.
    Colour,
}

/// SGR parameters.
const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

impl Paint {
    fn with(self, sgr: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour if text.trim().is_empty() => text.to_owned(),
            Self::Colour => format!("\x1B[{sgr}m{text}\x1B[0m"),
        }
    }
}

/// The picture, line by line.
pub(crate) fn screen(view: &JobView, size: Size, paint: Paint, zone: &TimeZone) -> Vec<String> {
    let columns = size.columns.max(COLUMNS_MIN);
    let mut lines = head(view, columns, paint, zone);
    let troubles = troubles(view);
    let below = if troubles.is_empty() { 0 } else { troubles.len().min(TROUBLES_MAX) + 1 };
    if view.lines.is_empty() {
        let nobody = if view.to_come() == 0 { "every card of the order is good" } else { "no line works on this job" };
        lines.push(paint.with(DIM, nobody));
        if !view.job.stop_reason.is_empty() {
            lines.push(cut(&view.job.stop_reason, columns));
        }
    }
    lines.extend(table(view, columns, size.rows.saturating_sub(lines.len() + below), paint));
    if !troubles.is_empty() {
        lines.push(String::new());
        lines.extend(troubles.iter().take(TROUBLES_MAX).map(|trouble| paint.with(RED, &cut(trouble, columns))));
    }
    lines
}

/// Job, bar and totals.
fn head(view: &JobView, columns: usize, paint: Paint, zone: &TimeZone) -> Vec<String> {
    let order = &view.job.order;
    let clock = view.now.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string();
    let right = format!("{}  {clock}", view.job.word());
    let left = cut(
        &format!("{}  {}  lot {}", order.id, order.profile, order.lot),
        columns.saturating_sub(right.chars().count() + GAP),
    );
    let title = format!("{}{right}", pad(&left, columns.saturating_sub(right.chars().count())));
    let done = format!("  {} of {} good  {:>3} %", count(view.standing.good), count(order.quantity), percent(view));
    let bar = bar(view, columns.saturating_sub(done.chars().count()), paint);
    let left = format!("{} rejected · {} unfinished", count(view.standing.rejected), count(view.standing.unfinished));
    let end = view.seconds_left().map_or_else(String::new, |seconds| {
        let left = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| view.now.checked_add(jiff::SignedDuration::from_secs(seconds)).ok());
        let at = left.map(|end| end.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()).unwrap_or_default();
        format!(" · {} left ({at})", period(seconds))
    });
    let right = format!("{} cards/h{end}", rate(view.cards_per_hour()));
    let totals = if left.chars().count() + right.chars().count() + GAP <= columns {
        vec![format!("{}{right}", pad(&left, columns - right.chars().count()))]
    } else {
        vec![left, right]
    };
    [vec![paint.with(BOLD, &title), format!("{bar}{done}")], totals, vec![String::new()]].concat()
}

fn percent(view: &JobView) -> u64 {
    view.standing.good.saturating_mul(100) / view.job.order.quantity.max(1)
}

fn bar(view: &JobView, width: usize, paint: Paint) -> String {
    let width_u64 = u64::try_from(width).unwrap_or_default();
    let full = view.standing.good.saturating_mul(width_u64) / view.job.order.quantity.max(1);
    let full = usize::try_from(full).unwrap_or_default().min(width);
    format!("{}{}", paint.with(GREEN, &"█".repeat(full)), paint.with(DIM, &"░".repeat(width - full)))
}

/// A cell, and how it is set off.
struct Cell {
    text: String,
    sgr: Option<&'static str>,
}

/// How much a terminal has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breadth {
    Narrow,
    Wide,
}

/// The side of a column at which its cells stand; numbers stand at the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// One column: its head, its side, and the widest that it gets.
struct Column {
    head: &'static str,
    side: Side,
    chars_max: usize,
}

/// The encoders of all lines, in at most so many rows.
fn table(view: &JobView, columns: usize, rows_max: usize, paint: Paint) -> Vec<String> {
    let breadth = if columns >= COLUMNS_WIDE { Breadth::Wide } else { Breadth::Narrow };
    let layout = layout(breadth);
    let mut rows: Vec<(Option<String>, Vec<Cell>)> = Vec::new();
    for line in &view.lines {
        if view.lines.len() > 1 || line.is_silent() {
            rows.push((Some(line_title(line, columns)), Vec::new()));
        }
        rows.extend(line.view.encoders.iter().map(|encoder| (None, cells(encoder, line, breadth))));
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let widths = widths(&layout, rows.iter().map(|(_, cells)| cells), columns);
    let mut lines = vec![
        paint.with(DIM, &join(layout.iter().zip(&widths).map(|(column, width)| fit(column.head, *width, column)))),
    ];
    let shown = if rows.len() < rows_max { rows.len() } else { rows_max.saturating_sub(2).max(1) };
    for (title, cells) in rows.iter().take(shown) {
        lines.push(match title {
            Some(title) => paint.with(YELLOW, title),
            None => join(cells.iter().zip(&layout).zip(&widths).map(|((cell, column), width)| {
                let text = fit(&cell.text, *width, column);
                cell.sgr.map_or(text.clone(), |sgr| paint.with(sgr, &text))
            })),
        });
    }
    if shown < rows.len() {
        lines.push(paint.with(DIM, &format!("… and {} more", rows.len() - shown)));
    }
    lines
}

fn layout(breadth: Breadth) -> [Column; 7] {
    let column = |head, side, chars_max| Column { head, side, chars_max };
    let (names, serials, last) = match breadth {
        Breadth::Narrow => (16, 16, 9),
        Breadth::Wide => (32, 24, 48),
    };
    [
        column("ENCODER", Side::Left, names),
        column("SERIAL", Side::Left, serials),
        column("DOING", Side::Left, 48),
        column("LAST", Side::Left, last),
        column("GOOD", Side::Right, 9),
        column("BAD", Side::Right, 6),
        column("CARDS/H", Side::Right, 9),
    ]
}

/// Columns that give way when the terminal is narrow: encoder, doing, last.
const ELASTIC: [usize; 3] = [0, 2, 3];
/// The column that gets what is left over: numbers stand at the right edge.
const FILL: usize = 2;

fn cells(encoder: &EncoderView, line: &WatchedLine, breadth: Breadth) -> Vec<Cell> {
    let plain = |text: String| Cell { text, sgr: None };
    let (doing, sgr) = match encoder.state {
        _ if line.is_silent() => ("?".to_owned(), Some(DIM)),
        EncoderState::Works if breadth == Breadth::Wide => {
            (format!("{:>5} {}", took(encoder.busy_ms), encoder.step), Some(GREEN))
        }
        EncoderState::Works => (encoder.step.clone(), Some(GREEN)),
        EncoderState::Waits => (encoder.state.as_str().to_owned(), Some(DIM)),
        EncoderState::Quarantined => (encoder.state.as_str().to_owned(), Some(RED)),
    };
    let (last, last_sgr) = match encoder.last_kind {
        LastKind::None => (String::new(), None),
        LastKind::Good => (format!("good {}", took(encoder.last_ms)), None),
        LastKind::Rejected | LastKind::Missed if breadth == Breadth::Wide => (encoder.last.clone(), Some(RED)),
        LastKind::Rejected => ("rejected".to_owned(), Some(RED)),
        // What it is called before its code: lost, not taken, mute, fault.
        LastKind::Missed => (words_before_code(&encoder.last), Some(YELLOW)),
    };
    let bad = encoder.rejected + encoder.missed;
    vec![
        plain(encoder.name.clone()),
        plain(encoder.serial.clone()),
        Cell { text: doing, sgr },
        Cell { text: last, sgr: last_sgr },
        plain(count(encoder.good)),
        Cell { text: count(bad), sgr: (bad > 0).then_some(RED) },
        plain(rate(encoder.cards_per_hour)),
    ]
}

fn words_before_code(last: &str) -> String {
    let words = last.split(' ').take_while(|word| word.chars().any(char::is_lowercase));
    words.collect::<Vec<_>>().join(" ")
}

/// As wide as the widest cell, up to the column's most; what is missing is taken from the widest elastic column.
fn widths<'c>(layout: &[Column; 7], rows: impl Iterator<Item = &'c Vec<Cell>>, columns: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = layout.iter().map(|column| column.head.len()).collect();
    for cells in rows {
        for ((width, cell), column) in widths.iter_mut().zip(cells).zip(layout) {
            *width = (*width).max(cell.text.chars().count().min(column.chars_max));
        }
    }
    let room = columns.saturating_sub(GAP * (layout.len() - 1));
    loop {
        let total: usize = widths.iter().sum();
        let elastic = ELASTIC.into_iter().filter_map(|column| Some((*widths.get(column)?, column)));
        let widest = elastic.max().map(|(_, column)| column);
        match widest.and_then(|column| widths.get_mut(column)) {
            Some(width) if total > room && *width > COLUMN_MIN => *width -= 1,
            _ => break,
        }
    }
    let left = room.saturating_sub(widths.iter().sum());
    if let Some(fill) = widths.get_mut(FILL) {
        *fill += left;
    }
    widths
}

fn fit(text: &str, width: usize, column: &Column) -> String {
    match (column.side, column.head) {
        (Side::Right, _) => format!("{:>width$}", cut(text, width)),
        (Side::Left, "ENCODER") => pad(&cut_middle(text, width), width),
        (Side::Left, _) => pad(&cut(text, width), width),
    }
}

fn pad(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

fn join(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(&" ".repeat(GAP))
}

/// Site, process and operator; the beginning of the name is for sorting.
fn line_title(line: &WatchedLine, columns: usize) -> String {
    let silent = if line.is_silent() {
        format!(" · silent for {}", period(line.silent_s.unsigned_abs()))
    } else {
        String::new()
    };
    let name = line.name.split_once(' ').map_or(line.name.as_str(), |(_, name)| name);
    cut(&format!("line {name} · operator {}{silent}", line.view.operator), columns)
}

/// What needs a person: encoders whose last card was not good, and those out of service.
pub(crate) fn troubles(view: &JobView) -> Vec<String> {
    let troubled = |encoder: &&EncoderView| {
        encoder.state == EncoderState::Quarantined
            || [LastKind::Rejected, LastKind::Missed].contains(&encoder.last_kind)
    };
    let text = |encoder: &EncoderView| {
        let out = if encoder.state == EncoderState::Quarantined { "quarantined; " } else { "" };
        format!("{}: {out}{}", encoder.name, encoder.last)
    };
    view.encoders().filter(troubled).map(text).collect()
}

/// The totals in one line.
pub(crate) fn log_line(view: &JobView, zone: &TimeZone) -> String {
    let clock = view.now.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S");
    let left = view.seconds_left().map_or_else(String::new, |seconds| format!(", {} left", period(seconds)));
    let out = match view.count(EncoderState::Quarantined) {
        0 => String::new(),
        count => format!(" ({count} quarantined)"),
    };
    let silent = match view.lines.iter().filter(|line| line.is_silent()).count() {
        0 => String::new(),
        count => format!(", {count} lines silent"),
    };
    format!(
        "{clock} {}: {} of {} good, {} rejected, {} unfinished, {} encoders{out}{silent}, {} cards/h{left}",
        view.job.word(),
        count(view.standing.good),
        count(view.job.order.quantity),
        count(view.standing.rejected),
        count(view.standing.unfinished),
        view.encoders().count(),
        rate(view.cards_per_hour()),
    )
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
