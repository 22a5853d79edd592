//! The things from outside: what each is called, where it is found and which Debian package brings it.

use std::path::{Path, PathBuf};

use crate::places::which;
use crate::process::ask;
use crate::sysroot::known;

/// A thing that a command needs from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// SoftHSM's PKCS#11 module.
    SoftHsm,
    /// The PC/SC client library.
    PcscLite,
    /// The `openssl` command, which checks the delivery's signature.
    Openssl,
    /// A PC/SC service and the driver of virtual readers, both of one installation.
    Vpcd,
    /// OpenSC's `opensc-tool`, which sends commands that we did not write.
    OpenSc,
    /// PostgreSQL's server, and the program that makes its folder.
    Postgres,
    /// The `age` command, which opens a print file as the printer does.
    Age,
    /// Python 3, in which yubikit is written.
    Python,
    /// pip, or its wheel, which fetches yubikit.
    Pip,
    /// libclang, which reads C headers when Kryoptic is built.
    LibClang,
    /// OpenSSL's headers.
    OpensslHeaders,
    /// SQLite's library.
    Sqlite,
    /// pkg-config, which says where OpenSSL is.
    PkgConfig,
}

impl Need {
    /// What the demo, the benches and every test need.
    pub(crate) const DEMO: [Need; 3] = [Need::SoftHsm, Need::PcscLite, Need::Openssl];
    /// What some tests need besides; they skip by name without it.
    pub(crate) const TEST: [Need; 4] = [Need::Vpcd, Need::OpenSc, Need::Postgres, Need::Age];
    /// What `peers` needs to fetch yubikit.
    pub(crate) const YUBIKIT: [Need; 2] = [Need::Python, Need::Pip];
    /// What `peers` needs to build Kryoptic.
    pub(crate) const KRYOPTIC: [Need; 4] = [Need::LibClang, Need::OpensslHeaders, Need::Sqlite, Need::PkgConfig];

    const ALL: [Need; 13] = [
        Need::SoftHsm,
        Need::PcscLite,
        Need::Openssl,
        Need::Vpcd,
        Need::OpenSc,
        Need::Postgres,
        Need::Age,
        Need::Python,
        Need::Pip,
        Need::LibClang,
        Need::OpensslHeaders,
        Need::Sqlite,
        Need::PkgConfig,
    ];

    /// Looks below `root`; `/` is the machine itself.
    pub(crate) fn find(self, root: &Path) -> Option<PathBuf> {
        match self {
            Need::SoftHsm => known::softhsm(root),
            Need::PcscLite => known::pcsclite(root),
            Need::Openssl => program(root, "openssl"),
            Need::Vpcd => program(root, "pcscd").filter(|_| known::vpcd_driver(root).is_some()),
            Need::OpenSc => program(root, "opensc-tool"),
            Need::Postgres => known::postgres(root),
            Need::Age => program(root, "age"),
            Need::Python => program(root, "python3"),
            Need::Pip => pip(root),
            Need::LibClang => known::libclang(root),
            Need::OpensslHeaders => Some(root.join("usr/include/openssl/evp.h")).filter(|header| header.is_file()),
            Need::Sqlite => known::library(root, "libsqlite3.so.0"),
            Need::PkgConfig => program(root, "pkg-config"),
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Need::SoftHsm => "SoftHSM module",
            Need::PcscLite => "libpcsclite",
            Need::Openssl => "openssl command",
            Need::Vpcd => "pcscd with vpcd",
            Need::OpenSc => "opensc-tool",
            Need::Postgres => "PostgreSQL",
            Need::Age => "age command",
            Need::Python => "Python 3",
            Need::Pip => "pip",
            Need::LibClang => "libclang",
            Need::OpensslHeaders => "OpenSSL headers",
            Need::Sqlite => "libsqlite3",
            Need::PkgConfig => "pkg-config",
        }
    }

    pub(super) fn debian_packages(self) -> &'static [&'static str] {
        match self {
            Need::SoftHsm => &["libsofthsm2"],
            Need::PcscLite => &["libpcsclite1"],
            Need::Openssl => &["openssl"],
            Need::Vpcd => &["pcscd", "vsmartcard-vpcd"],
            Need::OpenSc => &["opensc"],
            Need::Postgres => &["postgresql"],
            Need::Age => &["age"],
            Need::Python => &["python3"],
            Need::Pip => &["python3-pip-whl"],
            Need::LibClang => &["libclang1"],
            Need::OpensslHeaders => &["libssl-dev"],
            Need::Sqlite => &["libsqlite3-0"],
            Need::PkgConfig => &["pkg-config"],
        }
    }

    /// The word in the stamp of the fetched folder.
    pub(super) fn word(self) -> &'static str {
        self.debian_packages().first().copied().unwrap_or("")
    }

    pub(super) fn from_word(word: &str) -> Option<Need> {
        Need::ALL.into_iter().find(|need| need.word() == word)
    }
}

/// A program of the machine, or one in the folders of programs below another root.
fn program(root: &Path, name: &str) -> Option<PathBuf> {
    if root == Path::new("/") {
        return which(name);
    }
    ["usr/bin", "usr/sbin"].map(|dir| root.join(dir).join(name)).into_iter().find(|path| path.is_file())
}

/// The module of an installed Python, or the wheel that Debian keeps for making environments.
fn pip(root: &Path) -> Option<PathBuf> {
    let installed = || ask("python3", &["-c", "import pip; print(pip.__path__[0])"]).map(|text| text.trim().into());
    let wheels = std::fs::read_dir(root.join("usr/share/python-wheels")).into_iter().flatten().flatten();
    let mut wheels = wheels.filter(|file| file.file_name().to_string_lossy().starts_with("pip-"));
    wheels.next().map(|file| file.path()).or_else(|| if root == Path::new("/") { installed() } else { None })
}
