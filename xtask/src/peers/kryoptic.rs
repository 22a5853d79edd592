//! Kryoptic, the second PKCS#11 token of the tests: built from crates.io as `tests/peers/kryoptic` pins it, a minute once.
//!
//! cargo does the work: a package without code depends on the crate whose only product is the library. Its build needs OpenSSL's headers,
//! libclang for reading them, and SQLite; what the machine lacks of these is in the fetched folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::found;
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::process::{Runner, ask, cargo_progress};
use crate::sysroot::{self, Need, known};
use crate::ui::Ui;

/// A first build on a slow machine.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The file that says from which pins the library was built.
const STAMP: &str = "built-from";

/// The library: the one that `FUDA_KRYOPTIC_MODULE` names, or ours when it is of today's pins.
pub(crate) fn module(places: &Places) -> Option<PathBuf> {
    let named = std::env::var_os("FUDA_KRYOPTIC_MODULE").map(PathBuf::from);
    let pins = pins(places);
    let ours = Some(folder(places).join("libkryoptic_pkcs11.so"));
    let ours = ours.filter(|_| std::fs::read_to_string(folder(places).join(STAMP)).ok() == pins);
    named.or(ours).filter(|module| module.is_file())
}

/// Builds it.
///
/// # Errors
/// When cargo, the compiler or something from outside fails.
pub(super) fn build(places: &Places, ui: Ui, tools: &sysroot::Tools) -> Result<(), Failure> {
    let mut step = ui.step("kryoptic");
    let folder = folder(places);
    let _ = std::fs::remove_dir_all(&folder);
    let package = folder.join("package");
    let target = folder.join("target");
    write_package(places, &package)?;
    let links = link_folder(places, &folder)?;
    let runner = Runner::new(folder.join("log"), tools.variables())?;
    let mut cargo = runner.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--release", "--locked", "--target-dir"]).arg(&target).current_dir(&package);
    // The workspace's own settings are not this package's.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.env("LIBCLANG_PATH", found(places, Need::LibClang)?).env("BINDGEN_EXTRA_CLANG_ARGS", clang_arguments(places));
    cargo.env("SQLITE3_LIB_DIR", &links).env("LIBRARY_PATH", &links).env("PKG_CONFIG", found(places, Need::PkgConfig)?);
    let root = sysroot::folder(places);
    if let Some(configurations) = configurations(&root) {
        cargo.env("PKG_CONFIG_PATH", configurations).env("PKG_CONFIG_SYSROOT_DIR", &root);
    }
    let running = runner.start("cargo", cargo)?;
    let ended = running.wait(LIMIT, |running| step.progress(&cargo_progress(&running.complained())))?.well()?;
    let module = folder.join("libkryoptic_pkcs11.so");
    let built = library(&target.join("release/deps"))?;
    std::fs::copy(&built, &module).map_err(|e| Failure::io("copy", &built, &e))?;
    let _ = std::fs::remove_dir_all(&target);
    let stamp = folder.join(STAMP);
    std::fs::write(&stamp, pins(places).unwrap_or_default()).map_err(|e| Failure::io("write", &stamp, &e))?;
    step.done(&format!("{} from {}", places.short(&module), cargo_progress(&ended.stderr)));
    Ok(())
}

fn folder(places: &Places) -> PathBuf {
    places.fuda.join("kryoptic")
}

/// What decides what is built: versions and features.
fn pins(places: &Places) -> Option<String> {
    let text = |name| std::fs::read_to_string(pinned(places).join(name)).ok();
    Some(text("peer.toml")? + &text("peer.lock")?)
}

fn pinned(places: &Places) -> PathBuf {
    places.root.join("tests/peers/kryoptic")
}

fn write_package(places: &Places, package: &Path) -> Result<(), Failure> {
    let source = package.join("src");
    std::fs::create_dir_all(&source).map_err(|e| Failure::io("create the folder", &source, &e))?;
    let library = source.join("lib.rs");
    std::fs::write(&library, "").map_err(|e| Failure::io("write", &library, &e))?;
    for (from, to) in [("peer.toml", "Cargo.toml"), ("peer.lock", "Cargo.lock")] {
        let from = pinned(places).join(from);
        std::fs::copy(&from, package.join(to)).map_err(|e| Failure::io("copy", &from, &e))?;
    }
    Ok(())
}

/// A folder with the names that a linker looks for: development packages link to libraries that may lie elsewhere.
fn link_folder(places: &Places, folder: &Path) -> Result<PathBuf, Failure> {
    let links = folder.join("link");
    std::fs::create_dir_all(&links).map_err(|e| Failure::io("create the folder", &links, &e))?;
    for (name, file) in
        [("libcrypto.so", "libcrypto.so.3"), ("libssl.so", "libssl.so.3"), ("libsqlite3.so", "libsqlite3.so.0")]
    {
        let roots = [sysroot::folder(places), PathBuf::from("/")];
        let library = roots.iter().find_map(|root| known::library(root, file)).ok_or_else(|| {
            Failure::new("NOT_FOUND", Exit::Lacking, format!("{file} was not found"), "install OpenSSL 3 and SQLite 3")
        })?;
        let link = links.join(name);
        std::os::unix::fs::symlink(&library, &link).map_err(|e| Failure::io("create the link", &link, &e))?;
    }
    Ok(links)
}

/// libclang comes without the compiler's own headers; those of gcc, which is here, serve as well.
fn clang_arguments(places: &Places) -> String {
    let own = ask("cc", &["-print-file-name=include"]).unwrap_or_default();
    let root = sysroot::folder(places);
    let fetched = [root.join("usr/include"), root.join("usr/include").join(multiarch())];
    let folders = std::iter::once(PathBuf::from(own.trim())).chain(fetched).filter(|folder| folder.is_dir());
    folders.map(|folder| format!("-I{}", folder.display())).collect::<Vec<_>>().join(" ")
}

/// Debian's name for this machine, in folders of headers.
fn multiarch() -> String {
    format!("{}-linux-gnu", std::env::consts::ARCH)
}

/// The fetched folder's descriptions for pkg-config, when OpenSSL's is among them.
fn configurations(root: &Path) -> Option<PathBuf> {
    let folder = root.join("usr/lib").join(multiarch()).join("pkgconfig");
    Some(folder).filter(|folder| folder.join("openssl.pc").is_file())
}

fn library(folder: &Path) -> Result<PathBuf, Failure> {
    let files = std::fs::read_dir(folder).map_err(|e| Failure::io("read the folder", folder, &e))?;
    let is_library = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libkryoptic_pkcs11") && name.ends_with(".so")
    };
    let missing =
        || Failure::new("NOT_FOUND", Exit::Bug, "cargo built no libkryoptic_pkcs11", "read the log beside it");
    files.flatten().map(|file| file.path()).find(is_library).ok_or_else(missing)
}
