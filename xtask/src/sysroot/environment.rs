//! The variables that children get, and the file `target/fuda/env` for people who go on by hand.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::fail::Failure;
use crate::places::Places;
use crate::process::ask;
use crate::sysroot::{Tools, known};

impl Tools {
    /// The variables that make children find what was found or fetched. Ours stay as they are.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let mut variables = vec![("FUDA_PKCS11_MODULE".into(), self.module.clone().into())];
        if let Some(module) = &self.kryoptic {
            variables.push(("FUDA_KRYOPTIC_MODULE".into(), module.clone().into()));
        }
        if let Some(folder) = &self.postgres {
            variables.push(("FUDA_POSTGRES_BIN".into(), folder.clone().into()));
        }
        if let Some(dir) = &self.pcsc_lib_dir {
            variables.push(("PCSC_LIB_DIR".into(), dir.clone().into()));
        }
        for (name, folders) in self.search_paths() {
            variables.push((name.into(), joined(&folders, std::env::var_os(name).as_ref())));
        }
        variables
    }

    /// Search paths that get folders of the sysroot in front.
    fn search_paths(&self) -> Vec<(&'static str, Vec<PathBuf>)> {
        let Some(root) = &self.sysroot else { return Vec::new() };
        let programs = ["usr/bin", "usr/sbin"].map(|dir| root.join(dir)).into_iter().filter(|dir| dir.is_dir());
        let paths = [("LD_LIBRARY_PATH", known::library_folders(root)), ("PATH", programs.collect())];
        paths.into_iter().filter(|(_, folders)| !folders.is_empty()).collect()
    }
}

/// Where pkg-config does not know libpcsclite (its development package is not here), a folder with the one name that a
/// linker looks for.
///
/// # Errors
/// When the link cannot be made.
pub(super) fn link_pcsclite(places: &Places, library: &Path) -> Result<Option<PathBuf>, Failure> {
    if cfg!(target_os = "macos") || ask("pkg-config", &["--exists", "libpcsclite"]).is_some() {
        return Ok(None);
    }
    let dir = places.fuda.join("link");
    let link = dir.join("libpcsclite.so");
    if std::fs::read_link(&link).is_ok_and(|target| target == library) {
        return Ok(Some(dir));
    }
    let _ = std::fs::remove_file(&link);
    std::fs::create_dir_all(&dir).map_err(|e| Failure::io("create the folder", &dir, &e))?;
    std::os::unix::fs::symlink(library, &link).map_err(|e| Failure::io("create the link", &link, &e))?;
    Ok(Some(dir))
}

fn joined(folders: &[PathBuf], before: Option<&OsString>) -> OsString {
    let before: Vec<PathBuf> = before.into_iter().flat_map(std::env::split_paths).collect();
    std::env::join_paths(folders.iter().chain(&before)).unwrap_or_default()
}

/// The text of a `softhsm2.conf` that keeps tokens in `tokens`.
pub(crate) fn softhsm_conf(tokens: &Path) -> String {
    format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        tokens.display()
    )
}

/// Writes `target/fuda/env` and the development token folder it points to.
///
/// # Errors
/// When `target/fuda` cannot be written.
pub(crate) fn write(places: &Places, tools: &Tools) -> Result<(), Failure> {
    let tokens = places.fuda.join("tokens");
    std::fs::create_dir_all(&tokens).map_err(|e| Failure::io("create the folder", &tokens, &e))?;
    let conf = places.fuda.join("softhsm2.conf");
    std::fs::write(&conf, softhsm_conf(&tokens)).map_err(|e| Failure::io("write", &conf, &e))?;
    let path = places.fuda.join("env");
    let text = for_shells(places, tools, &[("SOFTHSM2_CONF", &conf)]);
    std::fs::write(&path, text).map_err(|e| Failure::io("write", &path, &e))
}

/// A file that a POSIX shell sources: what children get, our binaries, and `more` variables that are paths.
pub(crate) fn for_shells(places: &Places, tools: &Tools, more: &[(&str, &Path)]) -> String {
    let mut text = String::from("# Written by cargo xtask, to be sourced by a shell:  . ./env\n");
    let mut export = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "export {name}={value}");
    };
    export("FUDA_PKCS11_MODULE", &quoted(&tools.module));
    for (name, path) in more {
        export(name, &quoted(path));
    }
    if let Some(module) = &tools.kryoptic {
        export("FUDA_KRYOPTIC_MODULE", &quoted(module));
    }
    if let Some(folder) = &tools.postgres {
        export("FUDA_POSTGRES_BIN", &quoted(folder));
    }
    if let Some(dir) = &tools.pcsc_lib_dir {
        export("PCSC_LIB_DIR", &quoted(dir));
    }
    let mut paths = tools.search_paths();
    paths.push(("PATH", vec![places.bins.clone()]));
    for (name, folders) in paths {
        let ours: Vec<String> = folders.iter().map(|folder| quoted(folder)).collect();
        export(name, &format!("{}\"${{{name}:+:${name}}}\"", ours.join(":")));
    }
    text
}

/// `path` as one word of a POSIX shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::quoted;

    #[test]
    fn a_path_stays_one_word_of_a_shell() {
        let shell = |path: &str| {
            let script = format!("printf %s {}", quoted(Path::new(path)));
            crate::process::ask("sh", &["-c", &script]).unwrap()
        };
        for path in ["/a b/c", "/it's", "/$HOME/`id`/\\n"] {
            assert_eq!(shell(path), path);
        }
    }
}
