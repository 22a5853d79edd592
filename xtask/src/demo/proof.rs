//! The delivery as anybody checks it: with coreutils and OpenSSL, knowing nothing of Fuda.

use std::path::Path;
use std::process::Command;

use crate::places::which;
use crate::process::Runner;
use crate::sysroot::Tools;

/// `sha256sum -c SHA256SUMS`; macOS calls it `shasum -a 256`.
pub(super) fn digests(runner: &Runner, dir: &Path) -> Command {
    let mut command = match which("sha256sum") {
        Some(program) => runner.command(program),
        None => {
            let mut command = runner.command("shasum");
            command.args(["-a", "256"]);
            command
        }
    };
    command.args(["-c", "SHA256SUMS"]).current_dir(dir);
    command
}

/// `openssl dgst -sha256 -verify receipt.pem -signature manifest.sig manifest.json`.
pub(super) fn signature(runner: &Runner, tools: &Tools, dir: &Path) -> Command {
    let mut command = runner.command(&tools.openssl);
    command
        .args(["dgst", "-sha256", "-verify", "receipt.pem", "-signature", "manifest.sig", "manifest.json"])
        .current_dir(dir);
    command
}
