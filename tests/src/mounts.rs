//! Tests that need file systems of their own: they run once more in a mount namespace, where they may mount what they like.

use crate::skip::skipped;
use std::path::Path;
use std::process::{Command, Stdio};

/// Says to the child that it is there.
const INSIDE: &str = "FUDA_TEST_MOUNTS";

/// The options of `unshare` that make a mount namespace: as root, else as root of a user namespace. `None` where neither is allowed.
#[must_use]
pub fn unshare() -> Option<&'static [&'static str]> {
    [&["-m"][..], &["-Urm"][..]].into_iter().find(|options| {
        let tried = Command::new("unshare")
            .args(*options)
            .args(["--propagation", "private", "mount", "-t", "tmpfs", "none", "/run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    })
}

/// Whether this process has mounts of its own. If not, the test of this name runs again in one that has, or is skipped.
#[must_use]
pub fn are_our_own(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let Some(options) = unshare() else {
        skipped(test, "no mount namespace can be made here");
        return false;
    };
    let mut command = Command::new("unshare");
    command.args(options).args(["--propagation", "private"]).arg(std::env::current_exe().unwrap());
    let output = command.args([test, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// A file system in memory over a folder, with room for so many KiB. It goes with the namespace.
#[derive(Debug)]
pub struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    /// Over a folder, which is made.
    #[must_use]
    pub fn over(folder: &'p Path, room_kib: u32) -> Self {
        std::fs::create_dir(folder).unwrap();
        let disk = Self(folder);
        disk.mount(&["-t", "tmpfs", "-o", &format!("size={room_kib}k"), "none"]);
        disk
    }

    /// Another size, with what is on it.
    pub fn resize(&self, room_kib: u32) {
        self.mount(&["-o", &format!("remount,size={room_kib}k")]);
    }

    fn mount(&self, arguments: &[&str]) {
        let output = Command::new("mount").args(arguments).arg(self.0).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
