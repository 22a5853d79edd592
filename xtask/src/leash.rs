//! Nothing that we started outlives us, however we end.
//!
//! A small shell leads a process group that every child joins, and waits on a pipe whose other end we hold. When we end
//! without a word (Ctrl-C, SIGTERM, even SIGKILL) the pipe closes and the shell ends the group: SIGTERM first, so that a
//! line can finish the cards in hand, SIGKILL after that. It needs no signal handler.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::fail::Failure;

/// Waits for the word `end`; without it, says so and gives the group three seconds. SIGTERM is ignored by the shell
/// itself, SIGKILL takes it along with whatever is left.
const SHELL: &str = "
trap '' TERM INT HUP QUIT PIPE
read -r word
if [ \"$word\" != end ]; then
  printf '\\n%s\\n' 'stopped: ending what was started' >&2
  kill -s TERM -- -$$
  sleep 3
fi
kill -s KILL -- -$$
";

/// The group and the pipe that holds it.
#[derive(Debug)]
pub(crate) struct Leash {
    shell: Child,
    /// Gone only while the leash is let go.
    pipe: Option<ChildStdin>,
    group: i32,
}

impl Leash {
    /// Starts the shell.
    ///
    /// # Errors
    /// When there is no `/bin/sh`.
    pub(crate) fn new() -> Result<Leash, Failure> {
        let sh = Path::new("/bin/sh");
        let failed = |e: &std::io::Error| Failure::io("start", sh, e);
        let mut shell = Command::new(sh)
            .args(["-c", SHELL])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|e| failed(&e))?;
        let pipe = shell.stdin.take().ok_or_else(|| failed(&std::io::ErrorKind::BrokenPipe.into()))?;
        let group = i32::try_from(shell.id()).map_err(|_| failed(&std::io::ErrorKind::InvalidData.into()))?;
        Ok(Leash { shell, pipe: Some(pipe), group })
    }

    /// A command that will run on the leash, with nothing to read from.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.process_group(self.group).stdin(Stdio::null());
        command
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Errors mean that the shell is gone already, and then so is the group.
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"end\n");
        }
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::Leash;

    #[test]
    fn children_end_when_the_pipe_closes_without_a_word() {
        let mut leash = Leash::new().unwrap();
        let mut child = leash.command("sleep").arg("60").spawn().unwrap();
        drop(leash.pipe.take());
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }

    #[test]
    fn what_is_left_at_the_end_is_killed() {
        let leash = Leash::new().unwrap();
        let mut child = leash.command("sleep").arg("60").spawn().unwrap();
        drop(leash);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
