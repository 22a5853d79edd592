//! A PKCS#11 library that fails to order: it stands before the site's own (`tests/faulty/faulty.c`), compiled here by the machine's C compiler.

use crate::site::Site;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library of one site.
#[derive(Debug)]
pub(crate) struct Faulty(PathBuf);

impl Faulty {
    /// Compiles the library into the site, and makes fuda.toml name it.
    pub(crate) fn before(site: &Site) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faulty/faulty.c");
        let library = site.path("faulty.so");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status().unwrap();
        assert!(compiled.success());
        let library = library.canonicalize().unwrap();
        std::fs::write(Self::beside(&library, "real"), site.module().to_str().unwrap()).unwrap();
        std::fs::create_dir(Self::beside(&library, "d")).unwrap();
        let toml = std::fs::read_to_string(site.path("fuda.toml")).unwrap();
        let text = |path: &Path| format!("\"{}\"", path.display());
        std::fs::write(site.path("fuda.toml"), toml.replace(&text(&site.module()), &text(&library))).unwrap();
        Self(library)
    }

    fn beside(library: &Path, extension: &str) -> PathBuf {
        PathBuf::from(format!("{}.{extension}", library.display()))
    }

    fn order_path(&self, function: &str, number: &str) -> PathBuf {
        Self::beside(&self.0, "d").join(format!("{function}.{number}"))
    }

    /// The next `times` calls of a function return this value.
    pub(crate) fn next(&self, function: &str, times: usize, value: u64) {
        for number in 1..=times {
            std::fs::write(self.order_path(function, &number.to_string()), format!("{value:#x}")).unwrap();
        }
    }

    /// The next call does this: `hang` or `crash`.
    pub(crate) fn next_does(&self, function: &str, what: &str) {
        std::fs::write(self.order_path(function, "1"), what).unwrap();
    }

    /// Every call does this.
    pub(crate) fn always_does(&self, function: &str, what: &str) {
        std::fs::write(self.order_path(function, "always"), what).unwrap();
    }

    /// Every call of a function returns this value.
    pub(crate) fn always(&self, function: &str, value: u64) {
        std::fs::write(self.order_path(function, "always"), format!("{value:#x}")).unwrap();
    }

    /// Takes all orders back; says how many were left.
    pub(crate) fn recover(&self) -> usize {
        let orders = std::fs::read_dir(Self::beside(&self.0, "d")).unwrap().map(|entry| entry.unwrap().path());
        orders.map(|path| std::fs::remove_file(path).unwrap()).count()
    }

    /// How often C_Login was called so far, by all processes.
    pub(crate) fn logins(&self) -> usize {
        let calls = std::fs::read_to_string(Self::beside(&self.0, "calls")).unwrap_or_default();
        calls.lines().filter(|line| line.starts_with("C_Login ")).count()
    }
}
