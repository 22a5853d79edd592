//! The line under power cut: runs it, kills it once in the middle, runs it again to its end.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::steps::Demo;
use crate::fail::{Exit, Failure};

/// Simulated encoders, and ports in a row.
pub(super) const ENCODERS: u16 = 8;
/// The line dies when this share of the order is done.
const KILL_AT_PERCENT: u64 = 40;
/// Its number on every Unix.
const SIGKILL: i32 = 9;
/// How long one card may take at the very worst, one after the other, before the demo gives the line up.
const SLOWEST_CARD: Duration = Duration::from_secs(2);
/// And the time to begin.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Blank chips, and where chips go that came out of an encoder.
pub(super) const STACK: &str = "stack";
pub(super) const EJECTED: &str = "ejected";

/// What the line did.
#[derive(Debug)]
pub(super) struct Produced {
    /// The job's name.
    pub(super) job: String,
    /// Cards that had come out of an encoder when the line was killed.
    pub(super) done_at_kill: u64,
    pub(super) kills: u64,
    /// Both runs together.
    duration: Duration,
    /// Cards per second that the HSM alone could do, where the line says so.
    pub(super) bound: Option<f64>,
}

impl Produced {
    /// Good cards per second, both runs together, start-up included.
    pub(super) fn rate(&self, good: u64) -> f64 {
        let good = u32::try_from(good).unwrap_or(u32::MAX);
        f64::from(good) / self.duration.as_secs_f64()
    }
}

impl Demo<'_> {
    /// # Errors
    /// When a run fails, or is over before it could be killed.
    pub(super) fn line(&self) -> Result<Produced, Failure> {
        let limit = START_LIMIT + SLOWEST_CARD * u32::try_from(self.plan.cards).unwrap_or(u32::MAX);
        let mut step = self.ui.step("run");
        let feeder = self.runner.start("feeder", self.feeder(STACK, EJECTED))?;

        let began = Instant::now();
        let mut line = self.runner.start("run-1", self.run())?;
        let middle = self.plan.cards * KILL_AT_PERCENT / 100;
        let done_at_kill = loop {
            let done = self.ejected();
            if done >= middle {
                break done;
            }
            if let Some(ended) = line.ended()? {
                return Err(ended.failure("the line ended before it was killed"));
            }
            if began.elapsed() > limit {
                return Err(too_slow(limit));
            }
            step.progress(&format!("{done} of {} cards", self.plan.cards));
            std::thread::sleep(Duration::from_millis(20));
        };
        let killed = line.kill()?;
        if killed.status.signal() != Some(SIGKILL) || done_at_kill >= self.plan.cards {
            return Err(killed.failure("the line was over before it could be killed in the middle"));
        }
        let first = began.elapsed();
        step.done(&format!("killed with SIGKILL after {done_at_kill} of {} cards", self.plan.cards));

        let mut step = self.ui.step("run again");
        let began = Instant::now();
        let line = self.runner.start("run-2", self.run())?;
        let ended =
            line.wait(limit, |_| step.progress(&format!("{} of {} cards", self.ejected(), self.plan.cards)))?.well()?;
        let duration = first + began.elapsed();
        self.settle();
        drop(feeder);
        step.done("went on from what the cards and the journal said");
        let report = ended.json()?;
        let job = report.text(&["job"]).ok_or_else(|| ended.failure("its report does not name the job"))?.to_owned();
        Ok(Produced {
            job,
            done_at_kill,
            kills: 1,
            duration,
            bound: report.number(&["run", "hsm_bound_cards_per_second"]),
        })
    }

    fn run(&self) -> Command {
        let mut command = self.program("fuda-factory");
        command.args([
            "run",
            "order.toml",
            "--operator",
            "demo",
            "--json",
            "--no-progress",
            "--encoders",
            &self.row.encoders(),
        ]);
        command
    }

    /// The line is gone as soon as its last chip is ejected; whoever takes the chip out needs a moment more.
    fn settle(&self) {
        let mut last = self.ejected();
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(100));
            let now = self.ejected();
            if now == last {
                return;
            }
            last = now;
        }
    }

    /// Chips that came out of an encoder, counted by their files.
    pub(super) fn ejected(&self) -> u64 {
        let files = std::fs::read_dir(self.site.path(EJECTED)).into_iter().flatten().flatten();
        files.filter(|file| file.path().extension().is_some_and(|extension| extension == "card")).map(|_| 1).sum()
    }

    /// Someone who takes chips from a stack, puts them into the encoders and puts them elsewhere when they come out.
    pub(super) fn feeder(&self, stack: &str, ejected: &str) -> Command {
        let mut command = self.program("fuda-card-sim");
        command.args(["serve", "--dir", stack, "--eject-to", ejected, "--connect", &self.row.address()]);
        command
    }
}

fn too_slow(limit: Duration) -> Failure {
    let what = format!("the line had not come to the middle after {} s", limit.as_secs());
    Failure::new("TOO_SLOW", Exit::Bug, what, "read run-1.err in the demo's folder log/")
}
