//! One probe per thing; each looks and touches nothing.

use std::path::{Path, PathBuf};

use super::{Finding, State, Tier};
use crate::places::{Places, which};
use crate::process::ask;
use crate::sysroot::system::System;
use crate::sysroot::{self, Need};

pub(super) fn all(places: &Places) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |tier, name, state| findings.push(Finding { tier, name, state });

    add(
        Tier::Demo,
        "Rust",
        version("cargo", &["--version"], "install rustup; this folder's toolchain comes by itself"),
    );
    add(Tier::Demo, "C compiler", version("cc", &["--version"], &packages("gcc libc6-dev")));
    for need in Need::DEMO {
        add(Tier::Demo, need.title(), needed(places, need));
    }
    add(Tier::Demo, "sha256sum", path(which("sha256sum").or_else(|| which("shasum")), &packages("coreutils")));

    add(Tier::Test, "clippy", version("cargo", &["clippy", "--version"], "rustup component add clippy"));
    add(Tier::Test, "rustfmt", version("cargo", &["fmt", "--version"], "rustup component add rustfmt"));
    for need in Need::TEST {
        add(Tier::Test, need.title(), needed(places, need));
    }
    add(Tier::Test, "mount namespaces", namespaces());

    add(Tier::Peers, "yubikit", yubikit(places));
    add(Tier::Peers, "Kryoptic", kryoptic(places));

    add(Tier::Later, "chromium", path(which("chromium").or_else(|| which("chromium-browser")), &packages("chromium")));
    findings
}

fn needed(places: &Places, need: Need) -> State {
    match sysroot::find(places, need) {
        Some(path) => match lacking_libraries(places, &path) {
            None => State::Here(places.short(&path)),
            Some(lacking) => {
                State::Missing(format!("{} lacks {lacking}; {}", path.display(), System::here().install_line(&[need])))
            }
        },
        None if System::here().fetches() => State::Fetched,
        None => State::Missing(System::here().install_line(&[need])),
    }
}

/// What the dynamic linker would not find for `file`; `None` also where there is no `ldd` to ask.
fn lacking_libraries(places: &Places, file: &Path) -> Option<String> {
    let folders = sysroot::known::library_folders(&sysroot::folder(places));
    let search = std::env::join_paths(folders).unwrap_or_default();
    let output = std::process::Command::new("ldd").arg(file).env("LD_LIBRARY_PATH", search).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lacking: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("not found"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    (!lacking.is_empty()).then(|| lacking.join(", "))
}

fn version(program: &str, arguments: &[&str], remedy: &str) -> State {
    match ask(program, arguments).and_then(|text| text.lines().next().map(str::to_owned)) {
        Some(line) => State::Here(line),
        None => State::Missing(remedy.to_owned()),
    }
}

fn path(found: Option<PathBuf>, remedy: &str) -> State {
    found.map_or_else(|| State::Missing(remedy.to_owned()), |path| State::Here(path.display().to_string()))
}

/// The line for a Debian package; other systems have the program under its own name in most cases.
fn packages(debian: &str) -> String {
    match System::here() {
        System::Debian => format!("sudo apt-get install -y {debian}"),
        _ => format!("install what Debian calls {debian}"),
    }
}

/// As root a mount namespace alone, else one inside a user namespace: the tests' own PC/SC service runs there.
fn namespaces() -> State {
    let works =
        |flag| ask("unshare", &[flag, "--propagation", "private", "mount", "-t", "tmpfs", "none", "/run"]).is_some();
    match ["-m", "-Urm"].into_iter().find(|flag| works(flag)) {
        Some(flag) => State::Here(format!("unshare {flag}")),
        None => {
            State::Missing("this kernel or container forbids them (sysctl kernel.unprivileged_userns_clone)".to_owned())
        }
    }
}

fn kryoptic(places: &Places) -> State {
    match crate::peers::kryoptic::module(places) {
        Some(module) => State::Here(places.short(&module)),
        None => State::Missing("cargo xtask peers".to_owned()),
    }
}

fn yubikit(places: &Places) -> State {
    match crate::peers::python(places) {
        Some(python) => State::Here(places.short(&python)),
        None => State::Missing("cargo xtask peers".to_owned()),
    }
}
