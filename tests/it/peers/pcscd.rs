//! A private pcscd with one vpcd reader of two slots, and a simulated card in the first.
//!
//! pcscd has its socket at a fixed path. In a mount namespace of its own, with an empty `/run`, that path is a folder of the
//! test, which clients find by `PCSCLITE_CSOCK_NAME`. Nothing of the machine is touched, and tests run side by side.

use fuda_tests::mounts::unshare;
use fuda_tests::program::binary;
use fuda_tests::running::until;
use fuda_tests::skip::skipped;
use fuda_tests::{Ended, Running, Site};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The namespace's `/run` is empty but for the socket's folder; the daemon ends with the test.
const START: &str = r#"
mount -t tmpfs none /run && mkdir /run/pcscd && mount --bind "$1" /run/pcscd &&
exec setpriv --pdeathsig KILL "$2" --foreground --config "$3"
"#;
/// Where distributions put what is for root, which a user's PATH may leave out.
const ADMIN_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];
/// The reader driver below the installation's root: Debian and Arch, Fedora.
const DRIVERS: [&str; 2] = ["usr/lib/pcsc/drivers/serial/libifdvpcd.so", "usr/lib64/pcsc/drivers/serial/libifdvpcd.so"];

/// A site with a running pcscd.
#[derive(Debug)]
pub(super) struct Pcsc {
    pub(super) site: Site,
    daemon: Running,
    libraries: Vec<PathBuf>,
}

/// Where everything is.
struct Installed {
    pcscd: PathBuf,
    driver: PathBuf,
    root: PathBuf,
}

impl Pcsc {
    /// Starts the service for a test; `None` when it cannot run here.
    pub(super) fn start(test: &str) -> Option<Self> {
        Self::start_in(test, Site::new)
    }

    /// The same in a site that is made before: while the service runs, the site's ports are its readers'.
    pub(super) fn start_in(test: &str, site: impl FnOnce() -> Site) -> Option<Self> {
        let Some(installed) = installed() else {
            skipped(test, "there is no pcscd with a vpcd driver");
            return None;
        };
        let Some(unshare) = unshare() else {
            skipped(test, "no mount namespace can be made here");
            return None;
        };
        Some(Self::run(site(), &installed, unshare))
    }

    fn run(site: Site, installed: &Installed, unshare: &[&str]) -> Self {
        for folder in ["pcscd", "readers"] {
            std::fs::create_dir(site.path(folder)).unwrap();
        }
        let port = site.first_port();
        let entry = format!(
            "FRIENDLYNAME \"Fuda\"\nDEVICENAME /dev/null:{port:#06X}\nLIBPATH {}\nCHANNELID {port:#06X}\n",
            installed.driver.display()
        );
        site.write("readers/vpcd", &entry);
        let libraries = if installed.root == Path::new("/") { Vec::new() } else { libraries(&installed.root) };
        let mut command = Command::new("unshare");
        command.args(unshare).args(["--propagation", "private", "sh", "-c", START, "pcscd"]);
        command.arg(site.path("pcscd")).arg(&installed.pcscd).arg(site.path("readers"));
        with_libraries(&mut command, &libraries);
        let daemon = Running::start(command, &site.path("log/pcscd"));
        let pcsc = Self { site, daemon, libraries };
        until("pcscd is up", || pcsc.socket().exists() || pcsc.has_failed());
        pcsc
    }

    fn has_failed(&self) -> bool {
        let said = self.daemon.complained();
        assert!(!said.contains("mount:") && !said.contains("exec"), "pcscd did not start: {said}");
        false
    }

    fn socket(&self) -> PathBuf {
        self.site.path("pcscd/pcscd.comm")
    }

    /// A client of the service.
    pub(super) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = self.site.command(program, arguments);
        command.env("PCSCLITE_CSOCK_NAME", self.socket());
        with_libraries(&mut command, &self.libraries);
        command
    }

    /// Runs a client to its end; `name` is for its log.
    pub(super) fn client(&self, name: &str, program: &Path, arguments: &[&str]) -> Ended {
        Running::start(self.command(program, arguments), &self.site.path("log").join(name)).wait()
    }

    /// Runs `fuda-terminal … --json`.
    pub(super) fn terminal(&self, arguments: &[&str]) -> Ended {
        self.client("terminal", &binary("fuda-terminal"), &[arguments, &["--json"]].concat())
    }

    /// Runs `fuda-factory … --json`.
    pub(super) fn factory(&self, arguments: &[&str]) -> Ended {
        self.client("factory", &binary("fuda-factory"), &[arguments, &["--json", "--no-input"]].concat())
    }

    /// Makes a blank chip with a transmission protocol, puts it in and waits until the reader has it.
    pub(super) fn blank_card(&self, protocol: &str, more: &[&str]) -> Running {
        let _ = self.site.sim(&["blank", "--count", "1", "--dir", "stack", "--seed", "1", "--atr", protocol]).done();
        self.put_in(more)
    }

    /// Puts the card of `stack` in.
    pub(super) fn put_in(&self, more: &[&str]) -> Running {
        let card = self.site.feeder_at("stack", 0, more);
        until("the card is in the reader", || self.slot() == "card");
        card
    }

    /// What is in the first slot.
    pub(super) fn slot(&self) -> String {
        self.terminal(&["list"]).done()["readers"][0]["slot"].as_str().unwrap_or_default().to_owned()
    }
}

fn installed() -> Option<Installed> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(ADMIN_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join("pcscd")).filter(|pcscd| pcscd.is_file()).find_map(|pcscd| {
        let root = pcscd.ancestors().nth(3)?.to_owned();
        let driver = DRIVERS.iter().map(|driver| root.join(driver)).find(|driver| driver.is_file())?;
        Some(Installed { pcscd, driver, root })
    })
}

/// Folders of shared libraries of programs that were unpacked and not installed.
fn libraries(root: &Path) -> Vec<PathBuf> {
    let multiarch = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    [multiarch.as_str(), "usr/lib64", "usr/lib"]
        .map(|folder| root.join(folder))
        .into_iter()
        .filter(|dir| dir.is_dir())
        .collect()
}

fn with_libraries(command: &mut Command, libraries: &[PathBuf]) {
    if !libraries.is_empty() {
        let before = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let before = std::env::split_paths(&before).filter(|folder| !folder.as_os_str().is_empty());
        let paths = std::env::join_paths(libraries.iter().cloned().chain(before)).unwrap();
        command.env("LD_LIBRARY_PATH", paths);
    }
}
