//! The generator: terminals that go on one after the other (closed loop), or come when it is their time, whether the centre is ready or not
//! (open loop).

use super::node::Way;
use super::shop::Sale;
use super::terminal::{Carrier, Waited, activate};
use crate::doing::{Doing, failed};
use crate::rounds::number;
use fuda_cli::Failure;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Terminals of the closed loop.
pub const TERMINALS: usize = 64;
/// Terminals of the open loop: more than are ever busy at once, unless the centre falls behind; then its lateness is counted from the
/// time at which an activation was due.
const CALLERS: usize = 192;

/// Activations a second, with all terminals always busy.
///
/// The first ones, while terminals and threads begin, and the last ones, when some terminals have nothing left to do, do not count.
///
/// # Errors
/// When one activation fails.
pub fn closed(way: &Way, carrier: Carrier, sales: Vec<Sale>) -> Result<f64, Failure> {
    let count = sales.len();
    let queue = Mutex::new(sales.into_iter());
    let ends = Mutex::new(Vec::with_capacity(count));
    let terminal = || {
        loop {
            let sale = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some(sale) = sale else { return Ok::<_, Failure>(()) };
            activate(way, carrier, sale)?;
            let end = Instant::now();
            ends.lock().map_err(|_| failed("a terminal panicked".to_owned()))?.push(end);
        }
    };
    all(TERMINALS, terminal)?;
    let mut ends = ends.into_inner().map_err(|_| failed("a terminal panicked".to_owned()))?;
    ends.sort();
    let (first, last) = (ends.get(TERMINALS), ends.get(ends.len().saturating_sub(TERMINALS + 1)));
    let (Some(first), Some(last)) = (first, last) else { return Err(failed("too few cards".to_owned())) };
    let counted = number(u64::try_from(count.saturating_sub(2 * TERMINALS + 1)).unwrap_or_default());
    Ok(counted / last.duration_since(*first).as_secs_f64())
}

/// Lateness of every activation of an open loop, and the longest single answers.
#[derive(Debug, Default)]
pub struct Latencies {
    /// From the time at which an activation was due to its receipt, without the time of the card.
    pub centre: Vec<Duration>,
    /// What was waited for the centre in each.
    pub waited: Vec<Waited>,
}

/// Lets activations come at random (exponential gaps) at a rate, for as long as there are sales.
///
/// # Errors
/// When one activation fails.
pub fn open(way: &Way, rate: f64, sales: Vec<Sale>) -> Result<Latencies, Failure> {
    let began = Instant::now() + Duration::from_millis(100);
    let mut due = began;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut scheduled = Vec::with_capacity(sales.len());
    for sale in sales {
        due += Duration::from_secs_f64(random.gap() / rate);
        scheduled.push((due, sale));
    }
    let queue = Mutex::new(scheduled.into_iter());
    let found = Mutex::new(Latencies::default());
    let caller = || {
        loop {
            let next = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some((due, sale)) = next else { return Ok::<_, Failure>(()) };
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let late = Instant::now().saturating_duration_since(due);
            let waited = activate(way, Carrier::WebSocket, sale)?;
            let mut found = found.lock().map_err(|_| failed("a terminal panicked".to_owned()))?;
            found.centre.push(late + waited.sum());
            found.waited.push(waited);
        }
    };
    all(CALLERS, caller)?;
    found.into_inner().map_err(|_| "a terminal panicked").doing("collect latencies")
}

/// Runs so many of them at once, until all have ended.
fn all(count: usize, body: impl Fn() -> Result<(), Failure> + Sync) -> Result<(), Failure> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&body)).collect();
        threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|_| Err(failed("panic".to_owned()))))
    })
}

/// The value below which so many of a thousand lie, in milliseconds.
#[must_use]
pub fn per_mille_ms(times: impl IntoIterator<Item = Duration>, per_mille: usize) -> f64 {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort();
    let at = (times.len() * per_mille / 1000).min(times.len().saturating_sub(1));
    times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// The same gaps in every run: xorshift64 (Marsaglia 2003), good enough to scatter arrivals.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// Exponential with mean 1.
    fn gap(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let uniform = (number(self.0 >> 11) + 1.0) / number(1 << 53);
        -uniform.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_the_mean_that_a_rate_needs() {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mean = (0..100_000).map(|_| random.gap()).sum::<f64>() / 100_000.0;
        assert!((0.98..1.02).contains(&mean), "{mean}");
    }

    #[test]
    fn the_ninety_ninth_of_a_hundred_is_found() {
        let times = (1..=1000).map(Duration::from_millis);
        assert_eq!(per_mille_ms(times, 990), 991.0);
        assert_eq!(per_mille_ms([], 990), 0.0);
    }
}
