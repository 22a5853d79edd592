//! What the demo and the tests need besides Rust and a C compiler: found on the machine, or fetched beside the build.
//!
//! SoftHSM and libpcsclite are looked for in `$FUDA_PKCS11_MODULE` and where systems put them. On Debian and its children
//! what is missing is fetched without root into `target/fuda/sysroot`; elsewhere the line to type is printed.

mod apt;
pub(crate) mod environment;
mod fetched;
pub(crate) mod known;
mod need;
pub(crate) mod system;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::peers::kryoptic;
use crate::places::Places;
use crate::ui::Ui;
use fetched::Fetched;
pub(crate) use need::Need;
use system::System;

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
    pub(crate) openssl: PathBuf,
    /// A folder in which a linker finds libpcsclite, where pkg-config does not find it.
    pcsc_lib_dir: Option<PathBuf>,
    /// The fetched folder, when there is one.
    sysroot: Option<PathBuf>,
    /// Kryoptic's PKCS#11 library, when it has been built.
    kryoptic: Option<PathBuf>,
    /// The folder of PostgreSQL's programs, when there is one.
    postgres: Option<PathBuf>,
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

/// Makes sure that what the demo needs is there and writes `target/fuda/env`. Fast when it was there before.
///
/// # Errors
/// Exit 9 with the line to type when something is missing and cannot be fetched; `$FUDA_PKCS11_MODULE` naming no file.
pub(crate) fn prepare(places: &Places, ui: Ui, provision: Provision) -> Result<Tools, Failure> {
    prepare_with(places, ui, provision, &[])
}

/// The same with `more`.
///
/// # Errors
/// As [`prepare`].
pub(crate) fn prepare_with(places: &Places, ui: Ui, provision: Provision, more: &[Need]) -> Result<Tools, Failure> {
    refuse_a_wrong_variable()?;
    std::fs::create_dir_all(&places.fuda).map_err(|e| Failure::io("create the folder", &places.fuda, &e))?;
    // Two commands started at once fetch once.
    let path = places.fuda.join("sysroot.lock");
    let lock = File::create(&path).map_err(|e| Failure::io("create the lock", &path, &e))?;
    lock.lock().map_err(|e| Failure::io("take the lock", &path, &e))?;

    let wanted = Need::DEMO.iter().chain(more).copied();
    let missing: Vec<Need> = wanted.filter(|need| on_machine(*need).is_none()).collect();
    let mut fetched = Fetched::read(places);
    if !missing.is_empty() {
        match provision {
            Provision::System => system::install(&missing)?,
            Provision::Rootless => fetched.complete(places, ui, &missing)?,
        }
    }
    let place = |need| find(places, need).ok_or_else(|| still_missing(need));
    let tools = Tools {
        module: place(Need::SoftHsm)?,
        openssl: place(Need::Openssl)?,
        pcsc_lib_dir: environment::link_pcsclite(places, &place(Need::PcscLite)?)?,
        sysroot: (!fetched.is_empty()).then(|| folder(places)),
        kryoptic: kryoptic::module(places),
        postgres: find(places, Need::Postgres).and_then(|path| Some(path.parent()?.to_owned())),
    };
    environment::write(places, &tools)?;
    Ok(tools)
}

fn refuse_a_wrong_variable() -> Result<(), Failure> {
    match std::env::var_os("FUDA_PKCS11_MODULE").map(PathBuf::from) {
        Some(path) if !path.is_file() => {
            let remedy = "set it to the PKCS#11 module's file, or unset it to use SoftHSM where it is found";
            let failure = Failure::new("MODULE_NOT_FOUND", Exit::Input, "FUDA_PKCS11_MODULE names no file", remedy);
            Err(failure.at(path.display().to_string()))
        }
        _ => Ok(()),
    }
}

fn still_missing(need: Need) -> Failure {
    let line = System::here().install_line(&[need]);
    Failure::new("NOT_FOUND", Exit::Lacking, format!("{} was not found on this machine", need.title()), line)
}
