//! Running the programs that `xtask` drives: on a leash, with a deadline, output kept in files that a person can read.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::fail::{Exit, Failure};
use crate::leash::Leash;

/// How often a waiting step looks again.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many of its last lines a failed program gets to say in the report.
const TAIL_LINES: usize = 12;

/// Starts programs with one environment and one folder for what they print.
#[derive(Debug)]
pub(crate) struct Runner {
    leash: Leash,
    logs: PathBuf,
    variables: Vec<(OsString, OsString)>,
}

impl Runner {
    /// # Errors
    /// When the folder for logs cannot be made.
    pub(crate) fn new(logs: PathBuf, variables: Vec<(OsString, OsString)>) -> Result<Runner, Failure> {
        std::fs::create_dir_all(&logs).map_err(|e| Failure::io("create the folder", &logs, &e))?;
        Ok(Runner { leash: Leash::new()?, logs, variables })
    }

    /// A command with our environment.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.leash.command(program);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts `command`; its output goes to `NAME.out` and `NAME.err`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(&self, name: &str, mut command: Command) -> Result<Running, Failure> {
        let out = self.logs.join(format!("{name}.out"));
        let err = self.logs.join(format!("{name}.err"));
        let create = |path: &Path| File::create(path).map_err(|e| Failure::io("create", path, &e));
        command.stdout(create(&out)?).stderr(create(&err)?);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|e| Failure::io("start", Path::new(&program), &e))?;
        Ok(Running { name: name.to_owned(), child, out, err })
    }

    /// Runs `command` to its end.
    ///
    /// # Errors
    /// When it cannot be started, does not end within `limit` or does not end with exit 0.
    pub(crate) fn run(&self, name: &str, command: Command, limit: Duration) -> Result<Ended, Failure> {
        self.start(name, command)?.wait(limit, |_| ())?.well()
    }
}

/// A program under way; it is killed when this goes out of scope.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// What it printed so far.
    pub(crate) fn printed(&self) -> String {
        read_lossy(&self.out)
    }

    /// What it said on standard error so far.
    pub(crate) fn complained(&self) -> String {
        read_lossy(&self.err)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub(crate) fn ended(&mut self) -> Result<Option<Ended>, Failure> {
        let status = self.child.try_wait().map_err(|e| Failure::io("wait for", Path::new(&self.name), &e))?;
        Ok(status.map(|status| self.end(status)))
    }

    /// Waits for its end and calls `tick` meanwhile.
    ///
    /// # Errors
    /// When it takes longer than `limit`; it is killed then.
    pub(crate) fn wait(mut self, limit: Duration, mut tick: impl FnMut(&Running)) -> Result<Ended, Failure> {
        let began = Instant::now();
        loop {
            if let Some(ended) = self.ended()? {
                return Ok(ended);
            }
            if began.elapsed() > limit {
                let what = format!("{} did not end within {} s", self.name, limit.as_secs());
                return Err(Failure::new("TOO_SLOW", Exit::Bug, what, "read what it printed and try again")
                    .at(self.err.display().to_string()));
            }
            tick(&self);
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Kills it at once, as a power cut would (SIGKILL).
    ///
    /// # Errors
    /// When it had ended already, or the operating system refuses.
    pub(crate) fn kill(mut self) -> Result<Ended, Failure> {
        self.child.kill().map_err(|e| Failure::io("kill", Path::new(&self.name), &e))?;
        let status = self.child.wait().map_err(|e| Failure::io("wait for", Path::new(&self.name), &e))?;
        Ok(self.end(status))
    }

    fn end(&self, status: ExitStatus) -> Ended {
        Ended {
            name: self.name.clone(),
            status,
            stdout: read_lossy(&self.out),
            stderr: read_lossy(&self.err),
            log: self.err.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that ended, and all it said.
#[derive(Debug)]
pub(crate) struct Ended {
    name: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    log: PathBuf,
}

impl Ended {
    /// The same, if it ended with exit 0.
    ///
    /// # Errors
    /// What it said last, otherwise.
    pub(crate) fn well(self) -> Result<Ended, Failure> {
        if self.status.success() { Ok(self) } else { Err(self.failure("the lines above say why")) }
    }

    /// The failure of a program, with its last lines.
    pub(crate) fn failure(&self, remedy: &str) -> Failure {
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let lines: Vec<&str> = said.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n  | ");
        let what = format!("{} ended with {}\n  | {tail}", self.name, self.status);
        Failure::new("PROGRAM_FAILED", Exit::of_child(self.status.code()), what, remedy)
            .at(self.log.display().to_string())
    }

    /// The last line of its standard output, where `--json` puts the object.
    ///
    /// # Errors
    /// When that is no JSON.
    pub(crate) fn json(&self) -> Result<crate::json::Value, Failure> {
        let last = self.stdout.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("");
        crate::json::parse(last).map_err(|error| {
            let what = format!("{}: the last line of its output is not JSON: {error}", self.name);
            Failure::new("BAD_JSON", Exit::Bug, what, "this is a bug of that program")
                .at(self.log.display().to_string())
        })
    }
}

/// How far cargo is, from what it says on standard error.
pub(crate) fn cargo_progress(stderr: &str) -> String {
    let compiled = |line: &&str| ["Compiling ", "Checking "].iter().any(|word| line.trim_start().starts_with(word));
    let crates = stderr.lines().filter(compiled).count();
    match stderr.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(last) if compiled(&last) => format!("{crates} crates, {}", last.trim()),
        Some(_) if crates == 0 => "nothing to compile".to_owned(),
        Some(_) if crates == 1 => "1 crate compiled".to_owned(),
        Some(_) => format!("{crates} crates compiled"),
        None => String::new(),
    }
}

/// A quick program whose output is wanted and whose failure is an answer: `None` when it cannot run or ends badly.
pub(crate) fn ask(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::cargo_progress;

    #[test]
    fn cargo_s_progress_is_counted_in_crates() {
        assert_eq!(cargo_progress(""), "");
        assert_eq!(cargo_progress("   Compiling a v1\n   Compiling b v1\n"), "2 crates, Compiling b v1");
        assert_eq!(cargo_progress("   Compiling a v1\n    Finished `dev` in 1s\n"), "1 crate compiled");
        assert_eq!(cargo_progress("    Finished `dev` in 1s\n"), "nothing to compile");
    }
}
