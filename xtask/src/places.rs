//! Where things are: the workspace, cargo's target folder and our own corner of it.

use std::path::{Path, PathBuf};

use crate::fail::Failure;

/// The folders that every command starts from.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Where cargo puts the binaries of the profile we were built with.
    pub(crate) bins: PathBuf,
    /// `target/fuda`: all that `xtask` ever writes besides what cargo writes.
    pub(crate) fuda: PathBuf,
}

impl Places {
    /// Finds them from the environment that `cargo run` gives us and from our own place on disk.
    ///
    /// # Errors
    /// When the running program has no path.
    pub(crate) fn find() -> Result<Places, Failure> {
        let manifest =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().unwrap_or(&manifest).to_path_buf();
        let me = std::env::current_exe().map_err(|e| Failure::io("find the running program", &root, &e))?;
        let bins = me.parent().unwrap_or(&root).to_path_buf();
        // Cargo marks its target folder with CACHEDIR.TAG; that holds for CARGO_TARGET_DIR and build.target-dir too.
        let target = bins
            .ancestors()
            .find(|dir| dir.join("CACHEDIR.TAG").is_file())
            .map_or_else(|| root.join("target"), Path::to_path_buf);
        Ok(Places { fuda: target.join("fuda"), root, bins })
    }

    /// `path` as a person at the workspace's root would write it.
    pub(crate) fn short(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// Finds `name` in the folders of `PATH` and in the two where daemons live, which a user's `PATH` often lacks.
pub(crate) fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
