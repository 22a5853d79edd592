//! The cluster: made, started, stopped, and gone with its binary.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

use crate::database::block_on;
use crate::{Absent, Database, Programs};

/// Socket and data of clusters lie here: a socket's path may have 107 bytes, and the server's user must get to it.
const PLACE: &str = "/tmp";

/// The role that makes databases, and the one that tests have: it owns its database and nothing else.
const ADMINISTRATOR: &str = "administrator";
const ROLE: &str = "fuda";

/// A server starts within a second; a busy machine gets this.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Starts the server and waits until its standard input ends, which is when whoever started it has ended; then the server ends at once,
/// and its folder goes unless somebody said that it shall stay.
const LEASH: &str = r#"trap "" INT TERM HUP
"$@" &
server=$!
read -r last
kill -QUIT "$server" 2>/dev/null
kill -CONT "$server" 2>/dev/null
wait "$server"
[ "$last" = stay ] || rm -rf "$PWD""#;

/// Whether a cluster syncs what it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    /// As in production.
    Yes,
    /// Faster, and nothing survives a power cut.
    No,
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    syncs: Syncs,
    databases: AtomicU32,
    leash: Option<Child>,
    /// Last, so that the server has ended when it goes.
    folder: TempDir,
}

impl Cluster {
    /// The cluster that the tests of this binary share; it does not sync.
    ///
    /// # Errors
    /// When there is no PostgreSQL on this machine.
    pub fn of_this_binary() -> Result<&'static Self, &'static Absent> {
        static SHARED: OnceLock<Result<Cluster, Absent>> = OnceLock::new();
        // Statics are not dropped: the leash ends the server, and the folder goes with it.
        SHARED.get_or_init(|| Self::start(Syncs::No)).as_ref()
    }

    /// The one that the programs share which a test binary starts: it syncs, because they take no other.
    ///
    /// # Errors
    /// When there is no PostgreSQL on this machine.
    pub fn of_the_programs() -> Result<&'static Self, &'static Absent> {
        static SHARED: OnceLock<Result<Cluster, Absent>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Syncs::Yes)).as_ref()
    }

    /// Makes and starts a cluster.
    ///
    /// # Errors
    /// When there is no PostgreSQL on this machine.
    pub fn start(syncs: Syncs) -> Result<Self, Absent> {
        let programs = Programs::find()?;
        let folder = TempDir::with_prefix_in("fuda-pg-", PLACE).unwrap();
        programs.give(folder.path());
        let mut cluster = Self { programs, syncs, databases: AtomicU32::new(0), leash: None, folder };
        cluster.init();
        cluster.run();
        let role = format!("CREATE ROLE {ROLE} LOGIN");
        cluster.administer(&role);
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder of socket, data and log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn init(&self) {
        let mut command = self.programs.command("initdb");
        command.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", ADMINISTRATOR, "-D"]);
        let output = command.arg(self.data()).current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initdb: {said}");
    }

    /// Starts the server, again after [`Cluster::stop`], and waits until it takes connections.
    pub fn run(&mut self) {
        assert!(self.leash.is_none(), "it runs");
        let on_off = if self.syncs == Syncs::Yes { "on" } else { "off" };
        let socket = format!("unix_socket_directories={}", self.folder.path().display());
        let (fsync, pages) = (format!("fsync={on_off}"), format!("full_page_writes={on_off}"));
        let settings = [
            "listen_addresses=",
            &socket,
            &fsync,
            &pages,
            "max_connections=200",
            "shared_buffers=32MB",
            "timezone=GMT",
            "log_timezone=GMT",
            "deadlock_timeout=200ms",
        ];
        let mut command = self.programs.as_user(Command::new("sh"));
        command.args(["-c", LEASH, "sh"]).arg(self.programs.path("postgres")).arg("-D").arg(self.data());
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        command.current_dir(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        self.leash = Some(command.spawn().unwrap());
        let began = Instant::now();
        while !self.is_ready() {
            assert!(began.elapsed() < START_LIMIT, "no server: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The server's own word in `postmaster.pid`.
    fn is_ready(&self) -> bool {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        text.lines().nth(7).is_some_and(|word| word.trim() == "ready")
    }

    /// What the server said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends the server as a crash would; what it has acknowledged is recovered by [`Cluster::run`].
    pub fn stop(&mut self) {
        let Some(mut leash) = self.leash.take() else { return };
        let mut stdin = leash.stdin.take().unwrap();
        let _ = stdin.write_all(b"stay\n");
        drop(stdin);
        leash.wait().unwrap();
        // A crash leaves it, and its last word would be taken for that of the next server.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Sends a signal to the server and to each of its processes.
    pub fn signal_all(&self, signal: Signal) {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let server: i32 = text.lines().next().unwrap().parse().unwrap();
        let mut processes = vec![server];
        let children = std::fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        processes.extend(children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
        for pid in processes {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
        }
    }

    /// An empty database.
    #[must_use]
    pub fn database(&self) -> Database {
        self.make_database("template0")
    }

    /// A copy of a database that nobody is connected to.
    #[must_use]
    pub fn copy_of(&self, pattern: &Database) -> Database {
        self.make_database(pattern.name())
    }

    fn make_database(&self, template: &str) -> Database {
        let name = format!("d{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.administer(&format!("CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}"));
        Database::new(name, self.folder.path())
    }

    /// Puts a copy of one database in the place of another.
    pub fn replace(&self, old: &Database, pattern: &Database) {
        self.administer(&format!("DROP DATABASE {} WITH (FORCE)", old.name()));
        self.administer(&format!("CREATE DATABASE {} OWNER {ROLE} TEMPLATE {}", old.name(), pattern.name()));
    }

    /// Runs a statement as the administrator.
    pub fn administer(&self, sql: &str) {
        block_on(async {
            let options = PgConnectOptions::new_without_pgpass()
                .socket(self.folder.path())
                .port(5432)
                .username(ADMINISTRATOR)
                .database("postgres");
            let mut connection: PgConnection = options.connect().await.unwrap();
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
            done.unwrap_or_else(|error| panic!("{sql}: {error}"));
            connection.close().await.unwrap();
        });
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}
