//! Publishes what a line does while it runs, for `job watch` in other processes.

use crate::line::Board;
use crate::site::Site;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use fuda_issuance::Journal;
use std::time::{Duration, Instant};

/// Between two looks at the board, and so the most often that a row is written: what a person can follow.
const EVERY: Duration = Duration::from_secs(1);

/// A line on which nothing changes says so often that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// A name for this process among the lines of a job; lines that began earlier sort first.
pub(crate) fn line_name(site: &Site, board: &Board) -> String {
    format!("{} {} {}", board.view().started_at, site.config.site.name, std::process::id())
}

/// Publishes the board under a name until `body` is done. A store that fails says so to the line itself; here it is passed over, and
/// watchers see a line that is silent.
pub(crate) fn show_while<T>(journal: &Journal, board: &Board, line: &str, body: impl FnOnce() -> T) -> T {
    let _ = journal.hide_line(line);
    let (done, until_done) = bounded::<()>(0);
    let (out, reachable) = std::thread::scope(|scope| {
        let publishing = scope.spawn(move || publish(journal, board, line, &until_done));
        let out = body();
        drop(done);
        (out, publishing.join().unwrap_or(Reachable::No))
    });
    // A store that is away is waited for once, not twice.
    if reachable == Reachable::Yes {
        let _ = journal.hide_line(line);
    }
    out
}

/// Whether the store took what was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reachable {
    Yes,
    No,
}

/// Publishes until nobody holds the other end of `until_done`.
fn publish(journal: &Journal, board: &Board, line: &str, until_done: &Receiver<()>) -> Reachable {
    let (mut shown, mut written, mut reachable) = (String::new(), Instant::now(), Reachable::Yes);
    loop {
        let view = serde_json::to_string(&board.view()).unwrap_or_default();
        if view != shown || written.elapsed() >= HEARTBEAT {
            reachable = journal.show_line(line, view.clone()).map_or(Reachable::No, |()| Reachable::Yes);
            (shown, written) = (view, Instant::now());
        }
        if until_done.recv_timeout(EVERY) == Err(RecvTimeoutError::Disconnected) {
            return reachable;
        }
    }
}
