//! A program that runs, and ends with the test that started it.

use crate::program::Ended;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// No single program of a test takes longer, even when many tests share two cores.
const LIMIT: Duration = Duration::from_secs(100);
/// Between two looks at a child.
const POLL: Duration = Duration::from_millis(5);

/// A child process. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    command: String,
    log: PathBuf,
}

impl Running {
    /// Starts a command whose output goes to `LOG.out` and `LOG.err`: a pipe that nobody reads would stop it.
    #[must_use]
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = |extension: &str| File::create(log.with_extension(extension)).unwrap();
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
        let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let command = std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ");
        Self { child, command, log: log.to_owned() }
    }

    /// Sends a signal; nothing when it has ended.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end; a program that takes far too long is killed and fails the test.
    #[must_use]
    pub fn wait(mut self) -> Ended {
        let began = Instant::now();
        while !self.has_ended() {
            if began.elapsed() > LIMIT {
                let _ = self.child.kill();
                panic!("still running after {} s\n{}", LIMIT.as_secs(), self.ended());
            }
            sleep(POLL);
        }
        self.ended()
    }

    /// Kills it, as a power cut would.
    #[must_use]
    pub fn kill(mut self) -> Ended {
        self.signal(Signal::KILL);
        self.ended()
    }

    /// What it has said to a person so far.
    #[must_use]
    pub fn complained(&self) -> String {
        std::fs::read_to_string(self.log.with_extension("err")).unwrap()
    }

    /// What it has printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.log.with_extension("out")).unwrap()
    }

    fn ended(&mut self) -> Ended {
        let status = self.child.wait().unwrap();
        let read = |extension: &str| std::fs::read_to_string(self.log.with_extension(extension)).unwrap();
        Ended { command: self.command.clone(), status, stdout: read("out"), stderr: read("err") }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < LIMIT, "waited for {} s: {what}", LIMIT.as_secs());
        sleep(POLL);
    }
}
