//! `job watch`: the lines of a job, live; a picture on a terminal, lines elsewhere.

use crate::failure;
use crate::site::Site;
use crate::watch::{JobView, Paint, Size, log_line, screen, troubles};
use fuda_cli::globals::Color;
use fuda_cli::{Exit, Failure, Globals, StopSignal, output};
use fuda_issuance::Journal;
use jiff::tz::TimeZone;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Between two pictures: as often as lines publish.
const EVERY: Duration = Duration::from_secs(1);
/// Between two lines of a log that say nothing but that it goes on.
const LOG_EVERY: Duration = Duration::from_secs(5);
/// How soon a signal is noticed.
const TICK: Duration = Duration::from_millis(100);
/// When the terminal does not tell its size.
const SIZE: Size = Size { columns: 80, rows: 24 };

/// Hides the cursor on a screen of its own; the second one gives back what was there.
const ENTER: &str = "\x1B[?1049h\x1B[?25l";
const LEAVE: &str = "\x1B[?25h\x1B[?1049l";
const HOME: &str = "\x1B[H";
const CLEAR_TO_LINE_END: &str = "\x1B[K";
const CLEAR_BELOW: &str = "\x1B[J";

/// Watches a job until it is over, or until somebody stops looking.
///
/// # Errors
/// `JOB_NOT_FOUND` (exit 5); the store.
pub(super) fn watch(globals: &Globals, site: &Site, job: &str) -> Result<Exit, Failure> {
    let journal = Journal::open(&site.store, job).map_err(failure::of)?;
    if globals.json {
        output::json(&JobView::read(&journal).map_err(failure::of)?.json());
        return Ok(Exit::Done);
    }
    let stop = StopSignal::install()
        .map_err(|error| Failure::new("SIGNALS", Exit::Bug, format!("cannot take over SIGINT and SIGTERM: {error}")))?;
    let zone = site.store.clock().zone();
    if io::stdout().is_terminal() { picture(globals, &journal, &stop, &zone) } else { log(&journal, &stop, &zone) }
}

fn picture(globals: &Globals, journal: &Journal, stop: &StopSignal, zone: &TimeZone) -> Result<Exit, Failure> {
    let paint = match globals.color {
        Color::Always => Paint::Colour,
        Color::Auto if std::env::var_os("NO_COLOR").is_none() => Paint::Colour,
        Color::Auto | Color::Never => Paint::Plain,
    };
    let terminal = Terminal::enter();
    let last = loop {
        let view = JobView::read(journal).map_err(failure::of)?;
        terminal.draw(&screen(&view, size(), paint, zone));
        if view.is_over() || !pause(stop) {
            break view;
        }
    };
    drop(terminal);
    for line in screen(&last, size(), paint, zone) {
        output::line(&line);
    }
    Ok(Exit::Done)
}

fn log(journal: &Journal, stop: &StopSignal, zone: &TimeZone) -> Result<Exit, Failure> {
    let (mut told, mut written) = (String::new(), None::<Instant>);
    let mut troubled = Vec::new();
    loop {
        let view = JobView::read(journal).map_err(failure::of)?;
        let troubles = troubles(&view);
        for trouble in troubles.iter().filter(|trouble| !troubled.contains(*trouble)) {
            output::line(trouble);
        }
        troubled = troubles;
        let line = log_line(&view, zone);
        // The time of day alone is no news.
        let news = line.split_once(' ').map_or("", |(_, news)| news).to_owned();
        let is_over = view.is_over();
        if is_over || (news != told && written.is_none_or(|written| written.elapsed() >= LOG_EVERY)) {
            output::line(&line);
            (told, written) = (news, Some(Instant::now()));
        }
        if is_over || !pause(stop) {
            return Ok(Exit::Done);
        }
    }
}

/// Waits for the next picture; false when somebody wants to stop.
fn pause(stop: &StopSignal) -> bool {
    let until = Instant::now() + EVERY;
    while Instant::now() < until {
        if stop.is_set() {
            return false;
        }
        std::thread::sleep(TICK);
    }
    true
}

fn size() -> Size {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    told.map_or(SIZE, |size| Size { columns: size.ws_col.into(), rows: size.ws_row.into() })
}

/// A screen of its own, given back when it is dropped.
struct Terminal;

impl Terminal {
    fn enter() -> Self {
        write(ENTER);
        Self
    }

    fn draw(&self, lines: &[String]) {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}{CLEAR_TO_LINE_END}")).collect();
        write(&format!("{HOME}{}{CLEAR_BELOW}", lines.join("\r\n")));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        write(LEAVE);
    }
}

/// A terminal that is gone is noticed by the signal that comes with it.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
