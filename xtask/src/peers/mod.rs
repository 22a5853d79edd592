//! `cargo xtask peers`: programs that others wrote and that Fuda is tested against, brought without root into `target/fuda`.
//!
//! Kryoptic is built from crates.io (`kryoptic.rs`). Python's come from PyPI by pip, exactly as lists in `tests/peers` pin them, each into a folder of its own; nothing is
//! added to the machine's Python.

pub(crate) mod kryoptic;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::process::Runner;
use crate::sysroot::{self, Need, Provision};
use crate::ui::Ui;

pub(crate) const HELP: &str = "\
Brings programs that others wrote and that tests drive, without root, into target/fuda: pcscd with a virtual reader,
OpenSC, yubikit, websockets, requests and schemathesis from PyPI, and Kryoptic, a PKCS#11 token, built from crates.io in about a minute, once.
`cargo xtask test --require-peers` does it by itself.

Usage: cargo xtask peers [--system]

  --system   install Debian packages with apt-get instead of unpacking them into target/
";

/// pip on a slow network.
const LIMIT: Duration = Duration::from_secs(600);

pub(crate) fn run(mut args: Args, ui: Ui) -> Result<Exit, Failure> {
    let provision = Provision::from_args(&mut args);
    args.finish()?;
    bring(&Places::find()?, ui, provision)?;
    ui.say("All peers are here: cargo xtask test --require-peers");
    Ok(Exit::Done)
}

/// Makes sure of all peers and returns the tools with them.
///
/// # Errors
/// When something cannot be fetched.
pub(crate) fn bring(places: &Places, ui: Ui, provision: Provision) -> Result<sysroot::Tools, Failure> {
    let missing: Vec<&Library> = LIBRARIES.iter().filter(|library| library.python(places).is_none()).collect();
    let module = kryoptic::module(places);
    let mut more = Need::TEST.to_vec();
    more.extend(if missing.is_empty() { &[] } else { Need::YUBIKIT.as_slice() });
    more.extend(if module.is_none() { Need::KRYOPTIC.as_slice() } else { &[] });
    let tools = sysroot::prepare_with(places, ui, provision, &more)?;
    for library in missing {
        library.install(places, ui, &tools)?;
    }
    if module.is_none() {
        kryoptic::build(places, ui, &tools)?;
    }
    sysroot::prepare_with(places, ui, provision, &more)
}

/// Packages from PyPI that a Python of ours has.
#[derive(Debug)]
pub(crate) struct Library {
    /// Its folder in `target/fuda`, and its name in the report.
    name: &'static str,
    /// Names a Python that has them already.
    variable: &'static str,
    /// The list, in `tests/peers`.
    list: &'static str,
}

const YUBIKIT: Library = Library { name: "yubikit", variable: "FUDA_YUBIKIT_PYTHON", list: "requirements.txt" };
const LIBRARIES: [Library; 2] =
    [YUBIKIT, Library { name: "webpeers", variable: "FUDA_WEBPEERS_PYTHON", list: "online.txt" }];

/// A Python that has yubikit: the one that `FUDA_YUBIKIT_PYTHON` names, or ours.
pub(crate) fn python(places: &Places) -> Option<PathBuf> {
    YUBIKIT.python(places)
}

impl Library {
    fn python(&self, places: &Places) -> Option<PathBuf> {
        let named = std::env::var_os(self.variable).map(PathBuf::from);
        let ours = self.folder(places).join("bin/python");
        let pins = std::fs::read_to_string(self.list(places)).ok();
        let installed = std::fs::read_to_string(self.folder(places).join("requirements.txt")).ok();
        named.or(Some(ours).filter(|_| installed == pins)).filter(|python| python.is_file())
    }

    fn folder(&self, places: &Places) -> PathBuf {
        places.fuda.join(self.name)
    }

    fn list(&self, places: &Places) -> PathBuf {
        places.root.join("tests/peers").join(self.list)
    }

    fn install(&self, places: &Places, ui: Ui, tools: &sysroot::Tools) -> Result<(), Failure> {
        let step = ui.step(self.name);
        let folder = self.folder(places);
        let _ = std::fs::remove_dir_all(&folder);
        let library = folder.join("lib");
        let (python, pip) = (found(places, Need::Python)?, found(places, Need::Pip)?);
        // pip runs from its wheel as well as installed.
        let search = if pip.extension().is_some_and(|e| e == "whl") { pip } else { PathBuf::new() };
        let runner = Runner::new(folder.join("log"), tools.variables())?;
        let mut install = runner.command(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
        install.arg(&library).arg("-r").arg(self.list(places)).env("PYTHONPATH", search);
        runner.run("pip", install, LIMIT)?;
        wrapper(&folder.join("bin"), &python, &library)?;
        let pins = folder.join("requirements.txt");
        std::fs::copy(self.list(places), &pins).map_err(|e| Failure::io("write", &pins, &e))?;
        step.done(&format!("from PyPI into {}", places.short(&folder)));
        Ok(())
    }
}

fn found(places: &Places, need: Need) -> Result<PathBuf, Failure> {
    let missing = || Failure::new("NOT_FOUND", Exit::Lacking, format!("{} was not found", need.title()), "install it");
    sysroot::find(places, need).ok_or_else(missing)
}

/// `bin/python`: the machine's Python with our folder in front of its own.
fn wrapper(bin: &Path, python: &Path, library: &Path) -> Result<(), Failure> {
    let script = bin.join("python");
    let [python, library] = [python, library].map(sysroot::environment::quoted);
    let text = format!("#!/bin/sh\nPYTHONPATH={library} exec {python} \"$@\"\n");
    let written = std::fs::create_dir_all(bin)
        .and_then(|()| std::fs::write(&script, text))
        .and_then(|()| std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)));
    written.map_err(|e| Failure::io("write", &script, &e))
}
