//! Debian packages fetched and unpacked by an ordinary user: `apt-get` with lists and cache of our own, `dpkg-deb -x`.
//!
//! Nothing is installed: the machine's package lists, cache and database are read at most. It needs neither root nor
//! lists that somebody else has fetched before.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::fail::{Exit, Failure};

/// The loader of the running system works with its own C library only; a newer one beside it would crash every child.
const NEVER: &[&str] = &["libc6", "libc-bin"];

/// Fetches `packages`, and what they need that this machine lacks, and unpacks all of it into `into`.
/// Returns the names of what was unpacked.
///
/// # Errors
/// When `apt-get` cannot reach its sources or does not know a package.
pub(crate) fn fetch(packages: &[&str], work: &Path, into: &Path) -> Result<Vec<String>, Failure> {
    let apt = Apt::new(work)?;
    apt.get(&["update", "-qq"])?;
    let wanted = apt.with_missing(packages);
    let mut download = vec!["download", "-qq"];
    download.extend(wanted.iter().map(String::as_str));
    apt.get(&download)?;
    unpack(&apt.debs, into)?;
    std::fs::remove_dir_all(work).map_err(|e| Failure::io("remove", work, &e))?;
    Ok(wanted)
}

struct Apt {
    conf: PathBuf,
    debs: PathBuf,
}

impl Apt {
    fn new(work: &Path) -> Result<Apt, Failure> {
        let debs = work.join("debs");
        for dir in ["state/lists/partial", "cache/archives/partial", "log", "debs"].map(|dir| work.join(dir)) {
            std::fs::create_dir_all(&dir).map_err(|e| Failure::io("create the folder", &dir, &e))?;
        }
        let conf = work.join("apt.conf");
        std::fs::write(&conf, configuration(work)).map_err(|e| Failure::io("write", &conf, &e))?;
        Ok(Apt { conf, debs })
    }

    fn run(&self, args: &[&str]) -> Result<Output, Failure> {
        let mut command = Command::new("apt-get");
        command.arg("-c").arg(&self.conf).args(args).current_dir(&self.debs);
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command.output().map_err(|e| Failure::io("start", Path::new("apt-get"), &e))
    }

    fn get(&self, args: &[&str]) -> Result<(), Failure> {
        let output = self.run(args)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let what = format!("apt-get {} failed\n  | {}", args.join(" "), said.trim().replace('\n', "\n  | "));
        Err(Failure::new("APT_FAILED", Exit::Lacking, what, "check the network and the sources in /etc/apt"))
    }

    /// `packages` and what an installation would bring with them. When apt cannot plan one (the machine's own packages
    /// are in disorder), the packages alone: often the rest is there.
    fn with_missing(&self, packages: &[&str]) -> Vec<String> {
        let mut wanted: Vec<String> = packages.iter().map(|&name| name.to_owned()).collect();
        let mut plan = vec!["install", "--simulate", "-qq", "--no-install-recommends"];
        plan.extend(packages);
        if let Ok(output) = self.run(&plan) {
            wanted.extend(planned(&String::from_utf8_lossy(&output.stdout)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }
}

/// The names in the lines `Inst NAME (VERSION …)` of a simulated installation.
fn planned(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    names.filter(|name| !NEVER.contains(name)).map(str::to_owned).collect()
}

fn unpack(debs: &Path, into: &Path) -> Result<(), Failure> {
    let entries = std::fs::read_dir(debs).map_err(|e| Failure::io("read the folder", debs, &e))?;
    for deb in entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "deb")) {
        let output = Command::new("dpkg-deb").arg("-x").arg(&deb).arg(into).output();
        let output = output.map_err(|e| Failure::io("start", Path::new("dpkg-deb"), &e))?;
        if !output.status.success() {
            let what = format!("dpkg-deb cannot unpack: {}", String::from_utf8_lossy(&output.stderr).trim());
            return Err(
                Failure::new("APT_FAILED", Exit::Lacking, what, "check free space").at(deb.display().to_string())
            );
        }
    }
    Ok(())
}

/// Everything that apt writes goes to `work`; hooks that other packages hang on an update are taken off, because ours
/// updates nothing of the machine's.
fn configuration(work: &Path) -> String {
    let work = work.display();
    format!(
        r#"Dir::State "{work}/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "{work}/cache";
Dir::Log "{work}/log";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"#
    )
}

#[cfg(test)]
mod tests {
    use super::planned;

    #[test]
    fn a_plan_names_what_is_missing_and_never_the_c_library() {
        let plan = "Inst libsqlite3-0 (3.40.1-2 Debian:12 [amd64])\nInst libc6 [2.36-8] (2.36-9 Debian:12 [amd64])\n\
                    Inst libsofthsm2 (2.6.1-2.1 Debian:12 [amd64])\nConf libsqlite3-0 (3.40.1-2 Debian:12 [amd64])\n";
        assert_eq!(planned(plan), ["libsqlite3-0", "libsofthsm2"]);
    }
}
