//! A test's own site: token, keys, PIN, database, `fuda.toml`, chips and ports, in a folder that ends with it.

use crate::folder::copy_folder;
use crate::ports::Row;
use crate::program::{Ended, binary};
use crate::running::{Running, until};
use crate::skip::skipped;
use crate::{Database, Delivery, Order};
use fuda_tests_cluster::{Cluster, Engine};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;

/// Where SoftHSM is when nothing names it: Debian, Fedora, Homebrew.
const MODULES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// The second token's library, as `cargo xtask peers` builds it.
const KRYOPTIC: &str = "FUDA_KRYOPTIC_MODULE";

/// Making keys takes seconds on a slow disk, so the sites of one process are copies of one, which lives as long as any of them.
static PATTERN: Mutex<Weak<TempDir>> = Mutex::new(Weak::new());

/// The same for sites whose database is on a server.
static PATTERN_ON_SERVER: Mutex<Weak<PatternOnServer>> = Mutex::new(Weak::new());

/// A site's files, and its database.
type PatternOnServer = (TempDir, fuda_tests_cluster::Database);

/// A folder with everything that the programs read and write.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    ports: Row,
    started: AtomicU32,
    maker: Maker,
    /// Where its database is, when it is no file of the site.
    server: Option<fuda_tests_cluster::Database>,
    _pattern: Option<Arc<TempDir>>,
    _pattern_on_server: Option<Arc<PatternOnServer>>,
}

/// Whose token a site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// SoftHSM.
    SoftHsm,
    /// Kryoptic, which tests ask for by [`Site::kryoptic`].
    Kryoptic,
}

/// The PKCS#11 library that the tests use.
#[must_use]
pub fn module() -> PathBuf {
    let named = std::env::var_os("FUDA_PKCS11_MODULE").map(PathBuf::from);
    named
        .or_else(|| MODULES.iter().map(PathBuf::from).find(|path| path.exists()))
        .expect("no SoftHSM: set FUDA_PKCS11_MODULE to libsofthsm2.so, or run `cargo xtask test`, which fetches it")
}

/// A file of the repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

impl Site {
    /// A site with the keys of `softhsm-config/keys.toml`.
    #[must_use]
    pub fn new() -> Self {
        let pattern = pattern();
        let mut site = Self::bare();
        copy_folder(pattern.path(), site.folder.path());
        site.settle();
        site._pattern = Some(pattern);
        site
    }

    /// A site with the keys of `softhsm-config/keys.toml` and its database on an engine.
    #[must_use]
    pub fn on(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::new(),
            Engine::Postgres => {
                let pattern = pattern_on_server();
                let mut site = Self::bare();
                copy_folder(pattern.0.path(), site.folder.path());
                site.server = Some(Cluster::of_the_programs().unwrap().copy_of(&pattern.1));
                site.settle();
                site._pattern_on_server = Some(pattern);
                site
            }
        }
    }

    /// A site whose database is on a test's own cluster, which the test may take away.
    #[must_use]
    pub fn on_cluster(cluster: &Cluster) -> Self {
        let mut site = Self::bare();
        site.server = Some(cluster.database());
        site.settle();
        site.fill_server();
        site
    }

    /// Makes schema and keys of a site whose database is on a server.
    fn fill_server(&self) {
        let _ = self.factory(&["store", "migrate"]).done();
        let keys = repository("softhsm-config/keys.toml");
        let _ = self.kms(&["init", keys.to_str().unwrap()]).done();
    }

    /// A site for `GlobalPlatform` cards on sale: their initial keys are public and the same on all of them.
    #[must_use]
    pub fn for_domains() -> Self {
        let site = Self::bare();
        site.write(
            "keys.toml",
            "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\nscheme = \"fixed\"\n\
             [[key]]\nname = \"transport\"\n[[key]]\nname = \"issuer\"\n[[key]]\nname = \"receipt\"\n",
        );
        let _ = site.kms(&["init", "keys.toml"]).done();
        site
    }

    /// A site with a module, and neither token nor keys.
    #[must_use]
    pub fn bare() -> Self {
        Self::of(Maker::SoftHsm)
    }

    /// The same with Kryoptic as its library; a test that lacks it names itself as skipped.
    #[must_use]
    pub fn kryoptic(test: &str) -> Option<Self> {
        if std::env::var_os(KRYOPTIC).is_none() {
            skipped(test, "there is no Kryoptic: `cargo xtask peers` builds it");
            return None;
        }
        Some(Self::of(Maker::Kryoptic))
    }

    fn of(maker: Maker) -> Self {
        let folder = TempDir::with_prefix("fuda-test-").unwrap();
        for name in ["tokens", "deliveries", "log"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let site = Self {
            folder,
            ports: Row::take(),
            started: AtomicU32::new(0),
            maker,
            server: None,
            _pattern: None,
            _pattern_on_server: None,
        };
        site.settle();
        site
    }

    /// Writes the files that know where the site is.
    fn settle(&self) {
        let tokens = self.path("tokens");
        let conf =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        self.write("softhsm2.conf", &conf);
        let store = self.path("kryoptic.sql");
        let conf = format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n", store.display());
        self.write("kryoptic.conf", &conf);
        let provider = match self.maker {
            Maker::SoftHsm => "softhsm",
            Maker::Kryoptic => "kryoptic",
        };
        let url =
            self.server.as_ref().map_or_else(|| "sqlite:factory.db".to_owned(), fuda_tests_cluster::Database::url);
        let toml = format!(
            "[site]\nname = \"test\"\nmode = \"test\"\n[hsm]\nmodule = \"{}\"\nprovider = \"{provider}\"\ntoken = {{ label = \"factory\" }}\n\
             pin = {{ file = \"pin\" }}\nworkers = 1\n[store]\nurl = \"{url}\"\n[factory]\nout = \"deliveries\"\n",
            self.module().display()
        );
        self.write("fuda.toml", &toml);
    }

    /// The site's PKCS#11 library.
    #[must_use]
    pub fn module(&self) -> PathBuf {
        match self.maker {
            Maker::SoftHsm => module(),
            Maker::Kryoptic => std::env::var_os(KRYOPTIC).map(PathBuf::from).unwrap(),
        }
    }

    /// A path in the site.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the site.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Replaces text in a file of the site; it must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Writes `order.toml`.
    pub fn order(&self, order: &Order) {
        self.write("order.toml", &order.text());
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> Database {
        match &self.server {
            Some(database) => Database::on_server(database.clone()),
            None => Database::at(&self.path("factory.db")),
        }
    }

    /// A program in the site's folder and environment.
    #[must_use]
    pub fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env("SOFTHSM2_CONF", self.path("softhsm2.conf"));
        command.env("KRYOPTIC_CONF", self.path("kryoptic.conf"));
        command.env("FUDA_CONFIG", "fuda.toml").env("LANG", "C.UTF-8").env("COLUMNS", "100").env_remove("RUST_LOG");
        command
    }

    /// Starts any program in the site.
    #[must_use]
    pub fn start(&self, program: &Path, arguments: &[&str]) -> Running {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        Running::start(self.command(program, arguments), &self.path("log").join(number.to_string()))
    }

    /// Runs `fuda-kms … --json`.
    #[must_use]
    pub fn kms(&self, arguments: &[&str]) -> Ended {
        self.start(&binary("fuda-kms"), &[arguments, &["--json", "--no-input"]].concat()).wait()
    }

    /// Runs `fuda-factory … --json`.
    #[must_use]
    pub fn factory(&self, arguments: &[&str]) -> Ended {
        self.start(&binary("fuda-factory"), &[arguments, &["--json", "--no-input"]].concat()).wait()
    }

    /// Runs `fuda-card-sim … --json`.
    #[must_use]
    pub fn sim(&self, arguments: &[&str]) -> Ended {
        self.start(&binary("fuda-card-sim"), &[arguments, &["--json"]].concat()).wait()
    }

    /// Puts blank chips on a stack.
    pub fn blank(&self, stack: &str, count: u32) {
        let _ = self.sim(&["blank", "--count", &count.to_string(), "--dir", stack]).done();
    }

    /// Puts cards with a security domain and no files on a stack.
    pub fn blank_domains(&self, stack: &str, count: u32, more: &[&str]) {
        let count = count.to_string();
        let arguments = ["blank", "--count", &count, "--dir", stack, "--kind", "gp"];
        let _ = self.sim(&[&arguments, more].concat()).done();
    }

    /// Ports of so many encoders, as HOST:PORT-PORT.
    #[must_use]
    pub fn address(&self, encoders: u16) -> String {
        format!("127.0.0.1:{}", self.ports.range(0, encoders))
    }

    /// The first port of the site.
    #[must_use]
    pub fn first_port(&self) -> u16 {
        self.ports.port(0)
    }

    /// Somebody who puts the chips of a stack into so many encoders, and puts them into `ejected` when they come out.
    #[must_use]
    pub fn feeder(&self, stack: &str, encoders: u16, more: &[&str]) -> Running {
        self.feed(stack, "ejected", &self.address(encoders), more)
    }

    /// The same with one encoder, counted from 0.
    #[must_use]
    pub fn feeder_at(&self, stack: &str, encoder: u16, more: &[&str]) -> Running {
        let address = format!("127.0.0.1:{}", self.ports.port(encoder));
        self.feed(stack, "ejected", &address, more)
    }

    /// The same at any address, with another folder for the chips that come out.
    #[must_use]
    pub fn feed(&self, stack: &str, out: &str, address: &str, more: &[&str]) -> Running {
        let arguments = ["serve", "--dir", stack, "--eject-to", out, "--connect", address, "--json"];
        self.start(&binary("fuda-card-sim"), &[&arguments, more].concat())
    }

    /// Starts the line for `order.toml`. It gives up when no card comes, so that a failing test ends.
    #[must_use]
    pub fn line(&self, encoders: u16, more: &[&str]) -> Running {
        self.line_at(0, encoders, ["tester", "20s"], more)
    }

    /// A line at so many encoders from one on, counted from 0, with its operator and how long it waits for a card.
    #[must_use]
    pub fn line_at(&self, first: u16, encoders: u16, [operator, idle]: [&str; 2], more: &[&str]) -> Running {
        let spec = format!("vpcd:127.0.0.1:{}", self.ports.range(first, encoders));
        let line = ["run", "order.toml", "--encoders", &spec, "--no-progress", "--json"];
        let person = ["--operator", operator, "--idle", idle];
        self.start(&binary("fuda-factory"), &[&line[..], &person, more].concat())
    }

    /// Makes the cards of an order from a stack of blank chips, without any trouble.
    pub fn make(&self, order: &Order, encoders: u16) {
        self.order(order);
        self.blank("stack", order.quantity);
        let feeder = self.feeder("stack", encoders, &[]);
        let report = self.line(encoders, &[]).wait().done();
        assert_eq!(report["good"], order.quantity, "{report}");
        let _ = feeder.wait().done();
    }

    /// Delivers all that is good of a job into `deliveries/NAME`.
    #[must_use]
    pub fn deliver(&self, job: &str, name: &str) -> Delivery {
        let folder = self.path("deliveries").join(name);
        let _ = self.factory(&["deliver", job, "--out", folder.to_str().unwrap()]).done();
        Delivery::read(&folder)
    }

    /// Card files in a folder of the site, in the order of their names.
    #[must_use]
    pub fn chips(&self, folder: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "card"));
        paths.sort();
        paths
    }

    /// Waits until so many chips came out of the encoders.
    pub fn until_ejected(&self, count: usize) {
        until(&format!("{count} chips ejected"), || self.chips("ejected").len() >= count);
    }
}

impl Default for Site {
    fn default() -> Self {
        Self::new()
    }
}

fn pattern() -> Arc<TempDir> {
    let mut kept = PATTERN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pattern) = kept.upgrade() {
        return pattern;
    }
    let site = Site::bare();
    let keys = repository("softhsm-config/keys.toml");
    let _ = site.kms(&["init", keys.to_str().unwrap()]).done();
    let database = site.database();
    database.replace(&database.bytes());
    std::fs::remove_dir_all(site.path("log")).unwrap();
    let pattern = Arc::new(site.folder);
    *kept = Arc::downgrade(&pattern);
    pattern
}

fn pattern_on_server() -> Arc<PatternOnServer> {
    let mut kept = PATTERN_ON_SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pattern) = kept.upgrade() {
        return pattern;
    }
    let mut site = Site::bare();
    let database = Cluster::of_the_programs().unwrap().database();
    site.server = Some(database.clone());
    site.settle();
    site.fill_server();
    std::fs::remove_dir_all(site.path("log")).unwrap();
    let pattern = Arc::new((site.folder, database));
    *kept = Arc::downgrade(&pattern);
    pattern
}
