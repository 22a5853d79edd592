//! Where PostgreSQL's programs are, and as whom they run: the server refuses to be root.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where systems put the folder of a version: Debian; Fedora, Arch and Homebrew have one version.
const VERSIONS: [&str; 2] = ["/usr/lib/postgresql", "/opt/homebrew/opt"];
const SINGLE: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/usr/pgsql/bin"];

/// Why there is no PostgreSQL here.
#[derive(Debug, Clone)]
pub struct Absent(String);

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The programs, and the user that they run as.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    /// `None`: as ourselves.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// Looks in `$FUDA_POSTGRES_BIN`, then where systems put them.
    ///
    /// # Errors
    /// When there are none, or the user may not run them.
    pub fn find() -> Result<Self, Absent> {
        let folder = named().or_else(on_machine);
        let folder = folder.ok_or_else(|| Absent("there is no PostgreSQL: `initdb` and `postgres`".to_owned()))?;
        let user = if rustix::process::geteuid().is_root() { Some(someone()?) } else { None };
        let found = Self { folder, user };
        let ran = found.command("postgres").arg("--version").current_dir("/").output();
        match ran {
            Ok(output) if output.status.success() => Ok(found),
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                Err(Absent(format!("PostgreSQL in {} does not run: {said}", found.folder.display())))
            }
            Err(error) => Err(Absent(format!("PostgreSQL in {} cannot be run: {error}", found.folder.display()))),
        }
    }

    /// A program as its user.
    pub(crate) fn command(&self, name: &str) -> Command {
        self.as_user(Command::new(self.folder.join(name)))
    }

    /// The path of a program.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Any command as the server's user, in the plainest environment: nothing of the caller's tells it where to connect.
    pub(crate) fn as_user(&self, mut command: Command) -> Command {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").env("TZ", "GMT");
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a folder to the user.
    pub(crate) fn give(&self, folder: &Path) {
        if let Some((uid, gid)) = self.user {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid)).unwrap();
        }
    }
}

fn named() -> Option<PathBuf> {
    std::env::var_os("FUDA_POSTGRES_BIN").map(PathBuf::from)
}

fn on_machine() -> Option<PathBuf> {
    let versions = VERSIONS.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let newest = versions.map(|version| version.path().join("bin")).filter(|bin| is_complete(bin)).max();
    newest.or_else(|| SINGLE.iter().map(PathBuf::from).find(|bin| is_complete(bin)))
}

fn is_complete(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file())
}

/// User and group to be, for root: the server's own, else nobody.
fn someone() -> Result<(u32, u32), Absent> {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = |name: &str| {
        let fields: Vec<&str> = users
            .lines()
            .map(|line| line.split(':'))
            .find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.collect()))?;
        Some((fields.get(1)?.parse().ok()?, fields.get(2)?.parse().ok()?))
    };
    let found = entry("postgres").or_else(|| entry("nobody"));
    found.ok_or_else(|| Absent("root may not run a server, and there is neither user postgres nor nobody".to_owned()))
}
