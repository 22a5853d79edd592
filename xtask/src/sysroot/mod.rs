//! What the demo and the tests need besides Rust and a C compiler: found on the machine, or fetched beside the build.
//!
//! SoftHSM and libpcsclite are looked for in `$FUDA_PKCS11_MODULE` and where systems put them. On Debian and its children
//! what is missing is fetched without root into `target/fuda/sysroot`; elsewhere the line to type is printed.

mod apt;
pub(crate) mod environment;
pub(crate) mod known;
pub(crate) mod system;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::ui::Ui;
use system::System;

/// The folder's layout and the reason to fetch it anew: raised when either changes.
const STAMP_VERSION: u32 = 1;

/// A thing that the demo needs from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// SoftHSM's PKCS#11 module.
    SoftHsm,
    /// The PC/SC client library.
    PcscLite,
    /// The `openssl` command, which checks the delivery's signature.
    Openssl,
}

impl Need {
    pub(crate) const ALL: [Need; 3] = [Need::SoftHsm, Need::PcscLite, Need::Openssl];

    /// Looks below `root`; `/` is the machine itself.
    pub(crate) fn find(self, root: &Path) -> Option<PathBuf> {
        match self {
            Need::SoftHsm => known::softhsm(root),
            Need::PcscLite => known::pcsclite(root),
            Need::Openssl => known::openssl(root),
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Need::SoftHsm => "SoftHSM module",
            Need::PcscLite => "libpcsclite",
            Need::Openssl => "openssl command",
        }
    }
}

/// Who may change what when something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provision {
    /// Nothing outside of `target/`.
    Rootless,
    /// `--system`: the machine's package manager.
    System,
}

impl Provision {
    /// Takes `--system` from the command line.
    pub(crate) fn from_args(args: &mut Args) -> Provision {
        if args.flag("--system") { Provision::System } else { Provision::Rootless }
    }
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub(crate) module: PathBuf,
    pcsclite: PathBuf,
    pub(crate) openssl: PathBuf,
    /// Set when something came from the fetched folder.
    sysroot: Option<PathBuf>,
}

/// The folder that fetched packages are unpacked into.
pub(crate) fn folder(places: &Places) -> PathBuf {
    places.fuda.join("sysroot")
}

/// Finds a need on the machine, in the variable that names it, or in the fetched folder.
pub(crate) fn find(places: &Places, need: Need) -> Option<PathBuf> {
    on_machine(need).or_else(|| need.find(&folder(places)))
}

fn on_machine(need: Need) -> Option<PathBuf> {
    let named = (need == Need::SoftHsm).then(|| std::env::var_os("FUDA_PKCS11_MODULE")).flatten();
    named.map(PathBuf::from).filter(|path| path.is_file()).or_else(|| need.find(Path::new("/")))
}

/// Makes sure that everything is there and writes `target/fuda/env`. Fast when it was there before.
///
/// # Errors
/// Exit 9 with the line to type when something is missing and cannot be fetched; `$FUDA_PKCS11_MODULE` naming no file.
pub(crate) fn prepare(places: &Places, ui: Ui, provision: Provision) -> Result<Tools, Failure> {
    refuse_a_wrong_variable()?;
    std::fs::create_dir_all(&places.fuda).map_err(|e| Failure::io("create the folder", &places.fuda, &e))?;
    // Two commands started at once fetch once.
    let path = places.fuda.join("sysroot.lock");
    let lock = File::create(&path).map_err(|e| Failure::io("create the lock", &path, &e))?;
    lock.lock().map_err(|e| Failure::io("take the lock", &path, &e))?;

    let missing: Vec<Need> = Need::ALL.into_iter().filter(|need| on_machine(*need).is_none()).collect();
    if !missing.is_empty() {
        match provision {
            Provision::System => system::install(&missing)?,
            Provision::Rootless => fetch(places, ui, &missing)?,
        }
    }
    let place = |need| find(places, need).ok_or_else(|| still_missing(need));
    let tools = Tools {
        module: place(Need::SoftHsm)?,
        pcsclite: place(Need::PcscLite)?,
        openssl: place(Need::Openssl)?,
        sysroot: (!missing.is_empty() && provision == Provision::Rootless).then(|| folder(places)),
    };
    environment::write(places, &tools)?;
    Ok(tools)
}

fn refuse_a_wrong_variable() -> Result<(), Failure> {
    match std::env::var_os("FUDA_PKCS11_MODULE").map(PathBuf::from) {
        Some(path) if !path.is_file() => {
            let remedy = "set it to the PKCS#11 module's file, or unset it to use SoftHSM where it is found";
            Err(Failure::new("MODULE_NOT_FOUND", Exit::Input, "FUDA_PKCS11_MODULE names no file", remedy)
                .at(path.display().to_string()))
        }
        _ => Ok(()),
    }
}

fn still_missing(need: Need) -> Failure {
    let line = System::here().install_line(&[need]);
    Failure::new("NOT_FOUND", Exit::Lacking, format!("{} was not found on this machine", need.title()), line)
}

fn fetch(places: &Places, ui: Ui, missing: &[Need]) -> Result<(), Failure> {
    let into = folder(places);
    let stamp = stamp(missing);
    if std::fs::read_to_string(into.join(".stamp")).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    let here = System::here();
    let line = here.install_line(missing);
    if here != System::Debian || crate::places::which("apt-get").is_none() {
        let titles: Vec<_> = missing.iter().map(|need| need.title()).collect();
        return Err(Failure::new(
            "NOT_FOUND",
            Exit::Lacking,
            format!("not on this machine: {}", titles.join(", ")),
            line,
        ));
    }
    let step = ui.step("fetch");
    let fresh = places.fuda.join("sysroot.new");
    let _ = std::fs::remove_dir_all(&fresh);
    std::fs::create_dir_all(&fresh).map_err(|e| Failure::io("create the folder", &fresh, &e))?;
    let packages = System::debian_packages(missing);
    let fetched = apt::fetch(&packages, &places.fuda.join("apt"), &fresh).map_err(|mut failure| {
        failure.remedy = format!("{}, or install them: {line}", failure.remedy);
        failure
    })?;
    std::fs::write(fresh.join(".stamp"), stamp).map_err(|e| Failure::io("write", &fresh, &e))?;
    let _ = std::fs::remove_dir_all(&into);
    std::fs::rename(&fresh, &into).map_err(|e| Failure::io("put in place", &into, &e))?;
    step.done(&format!("{} unpacked into {}, nothing installed", fetched.join(", "), places.short(&into)));
    Ok(())
}

/// What the folder was fetched for: another release of the system, or another need, fetches it anew.
fn stamp(missing: &[Need]) -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let version = release.lines().find(|line| line.starts_with("VERSION_ID=")).unwrap_or("").to_owned();
    format!("{STAMP_VERSION} {} {version} {missing:?}\n", std::env::consts::ARCH)
}
