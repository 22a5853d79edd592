//! Where systems put SoftHSM, libpcsclite and the driver of virtual readers.

use std::path::{Path, PathBuf};

/// SoftHSM's PKCS#11 module: Debian and Arch, Fedora, openSUSE, Homebrew (Apple silicon, Intel).
const SOFTHSM: &[&str] = &[
    "usr/lib/softhsm/libsofthsm2.so",
    "usr/lib64/pkcs11/libsofthsm2.so",
    "usr/lib64/softhsm/libsofthsm2.so",
    "usr/lib64/libsofthsm2.so",
    "usr/lib/pkcs11/libsofthsm2.so",
    "usr/local/lib/softhsm/libsofthsm2.so",
    "opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// Folders of shared libraries; Debian's multiarch folders come from [`library_folders`].
const LIBRARY_FOLDERS: &[&str] = &["usr/lib64", "lib64", "usr/lib", "lib", "usr/local/lib", "opt/homebrew/lib"];

/// Folders of shared libraries under `root` that exist.
pub(crate) fn library_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for parent in ["usr/lib", "lib"] {
        let entries = std::fs::read_dir(root.join(parent)).into_iter().flatten().flatten();
        let multiarch = entries.filter(|e| e.file_name().to_string_lossy().starts_with(std::env::consts::ARCH));
        folders.extend(multiarch.map(|e| e.path()).filter(|p| p.is_dir()));
    }
    folders.extend(LIBRARY_FOLDERS.iter().map(|folder| root.join(folder)).filter(|p| p.is_dir()));
    folders
}

/// SoftHSM under `root`.
pub(super) fn softhsm(root: &Path) -> Option<PathBuf> {
    let multiarch = library_folders(root).into_iter().map(|folder| folder.join("softhsm/libsofthsm2.so"));
    SOFTHSM.iter().map(|path| root.join(path)).chain(multiarch).find(|path| path.is_file())
}

/// libpcsclite under `root`; macOS brings the same interface as a framework.
pub(super) fn pcsclite(root: &Path) -> Option<PathBuf> {
    if cfg!(target_os = "macos") {
        return Some(PathBuf::from("/System/Library/Frameworks/PCSC.framework"));
    }
    library(root, "libpcsclite.so.1")
}

/// A shared library under `root` by its file's name.
pub(crate) fn library(root: &Path, name: &str) -> Option<PathBuf> {
    library_folders(root).into_iter().map(|folder| folder.join(name)).find(|path| path.exists())
}

/// libclang under `root`: Debian keeps a version's libraries in a folder of their own too.
pub(super) fn libclang(root: &Path) -> Option<PathBuf> {
    let llvm = std::fs::read_dir(root.join("usr/lib")).into_iter().flatten().flatten();
    let llvm = llvm.filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm"));
    let folders = library_folders(root).into_iter().chain(llvm.map(|entry| entry.path().join("lib")));
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
    let is_libclang = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rest =
            name.strip_prefix("libclang").and_then(|rest| rest.strip_suffix(".so").or(rest.split(".so.").next()));
        rest.is_some_and(|rest| rest.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()))
    };
    files.map(|file| file.path()).find(|path| is_libclang(path) && path.exists())
}

/// PostgreSQL's server under `root`: Debian keeps each version's programs in a folder of their own, others have one version.
pub(super) fn postgres(root: &Path) -> Option<PathBuf> {
    let versions = ["usr/lib/postgresql", "opt/homebrew/opt"].map(|folder| std::fs::read_dir(root.join(folder)));
    let versions = versions.into_iter().flatten().flatten().flatten().map(|version| version.path().join("bin"));
    let is_complete = |bin: &PathBuf| ["initdb", "postgres"].iter().all(|name| bin.join(name).is_file());
    let single = ["usr/bin", "usr/local/bin", "usr/pgsql/bin"].map(|folder| root.join(folder));
    let found = versions.filter(is_complete).max().or_else(|| single.into_iter().find(is_complete));
    found.map(|bin| bin.join("postgres"))
}

/// The PC/SC driver of virtual readers: Debian and Arch, Fedora.
pub(super) fn vpcd_driver(root: &Path) -> Option<PathBuf> {
    ["usr/lib/pcsc/drivers/serial/libifdvpcd.so", "usr/lib64/pcsc/drivers/serial/libifdvpcd.so"]
        .map(|path| root.join(path))
        .into_iter()
        .find(|path| path.is_file())
}
