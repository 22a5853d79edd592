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
        version("cargo", "--version", "install rustup, then this folder's toolchain comes by itself"),
    );
    add(Tier::Demo, "C compiler", version("cc", "--version", &packages("gcc libc6-dev")));
    for need in Need::ALL {
        add(Tier::Demo, need.title(), needed(places, need));
    }
    add(Tier::Demo, "sha256sum", tool("sha256sum", &packages("coreutils")));

    add(Tier::Test, "PostgreSQL", path(postgres(), &packages("postgresql")));
    add(Tier::Test, "pcscd", tool("pcscd", &packages("pcscd")));
    add(Tier::Test, "vpcd driver", path(vpcd_driver(), &packages("vsmartcard-vpcd")));
    add(Tier::Test, "opensc-tool", tool("opensc-tool", &packages("opensc")));
    add(Tier::Test, "user namespaces", namespaces());

    add(Tier::Peers, "pkcs11-tool", tool("pkcs11-tool", &packages("opensc")));
    add(Tier::Peers, "Kryoptic", kryoptic());
    add(Tier::Peers, "yubikit", yubikit());
    add(
        Tier::Peers,
        "chromium",
        path(which("chromium").or_else(|| which("chromium-browser")), &packages("chromium chromium-driver")),
    );
    findings
}

fn needed(places: &Places, need: Need) -> State {
    let fetchable = System::here() == System::Debian && which("apt-get").is_some() && which("dpkg-deb").is_some();
    match sysroot::find(places, need) {
        Some(path) => match lacking_libraries(places, &path) {
            None => State::Here(places.short(&path)),
            Some(lacking) => {
                State::Missing(format!("{} lacks {lacking}; {}", path.display(), System::here().install_line(&[need])))
            }
        },
        None if fetchable => State::Fetched,
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

fn version(program: &str, argument: &str, remedy: &str) -> State {
    match ask(program, &[argument]).and_then(|text| text.lines().next().map(str::to_owned)) {
        Some(line) => State::Here(line),
        None => State::Missing(remedy.to_owned()),
    }
}

fn tool(name: &str, remedy: &str) -> State {
    path(which(name), remedy)
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

/// PostgreSQL's server is not in a user's `PATH` on Debian: it lies beside its version.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|entry| entry.path().join("bin/postgres")).filter(|path| path.is_file()).max();
    newest.or_else(|| which("postgres"))
}

fn vpcd_driver() -> Option<PathBuf> {
    ["/usr/lib/pcsc/drivers/serial/libifdvpcd.so", "/usr/lib64/pcsc/drivers/serial/libifdvpcd.so"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file())
}

fn namespaces() -> State {
    let root = ask("id", &["-u"]).is_some_and(|uid| uid.trim() == "0");
    let flag = if root { "-m" } else { "-Urm" };
    match ask("unshare", &[flag, "true"]) {
        Some(_) => State::Here(format!("unshare {flag}")),
        None => {
            State::Missing("this kernel or container forbids them (sysctl kernel.unprivileged_userns_clone)".to_owned())
        }
    }
}

fn kryoptic() -> State {
    let named = std::env::var_os("FUDA_KRYOPTIC_MODULE").map(PathBuf::from).filter(|path| path.is_file());
    path(named, "build crates.io `kryoptic` as a cdylib and name the file in FUDA_KRYOPTIC_MODULE")
}

fn yubikit() -> State {
    match ask(
        "python3",
        &["-c", "import importlib.metadata as m; print('yubikey-manager', m.version('yubikey-manager'))"],
    ) {
        Some(text) => State::Here(text.trim().to_owned()),
        None => State::Missing("pip install yubikey-manager".to_owned()),
    }
}
