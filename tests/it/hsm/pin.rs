//! Every C_Login of every process, as OpenSC's PKCS#11 spy saw it between the workers and the token.

use fuda_tests::program::binary;
use fuda_tests::site::module;
use fuda_tests::skip::skipped;
use fuda_tests::{Order, Site};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// The spy comes with OpenSC; Debian and Fedora put it among the libraries or into a folder there.
fn spy() -> Option<PathBuf> {
    let named = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let system =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"].map(PathBuf::from);
    let folders = std::env::split_paths(&named).chain(system);
    folders
        .flat_map(|folder| ["pkcs11-spy.so", "pkcs11/pkcs11-spy.so"].map(|name| folder.join(name)))
        .find(|path| path.is_file())
}

/// Runs `fuda-factory check` with eight workers through the spy; its error code, if it failed.
fn check(site: &Site) -> Option<String> {
    let mut command = site.command(&binary("fuda-factory"), &["check", "order.toml", "--json", "--no-input"]);
    command.env("PKCS11SPY", module()).env("PKCS11SPY_OUTPUT", site.path("spy.log"));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let object: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    object["error"]["code"].as_str().map(str::to_owned)
}

/// C_Login calls so far.
fn logins(site: &Site) -> usize {
    let log = String::from_utf8_lossy(&std::fs::read(site.path("spy.log")).unwrap()).into_owned();
    log.lines().filter(|line| line.ends_with(": C_Login")).count()
}

#[test]
fn a_wrong_pin_with_eight_workers_and_three_restarts_is_one_login() {
    let Some(spy) = spy() else {
        return skipped(
            "hsm::pin::a_wrong_pin_with_eight_workers_and_three_restarts_is_one_login",
            "there is no pkcs11-spy.so",
        );
    };
    let site = Site::new();
    site.order(&Order::small(1));
    let configuration = std::fs::read_to_string(site.path("fuda.toml")).unwrap();
    site.write("fuda.toml", &configuration.replace("workers = 1", "workers = 8"));
    site.edit("fuda.toml", &module().display().to_string(), &spy.display().to_string());
    assert_eq!(check(&site), None);
    assert_eq!(logins(&site), 8, "the spy sees the login of each worker");

    let right = std::fs::read_to_string(site.path("pin")).unwrap();
    site.write("pin", "00000000000000000000000000000000");
    std::fs::set_permissions(site.path("pin"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check(&site).as_deref(), Some("PIN_REFUSED"));
    for _ in 0..3 {
        assert_eq!(check(&site).as_deref(), Some("PIN_LATCHED"));
    }
    assert_eq!(logins(&site), 8 + 1, "one try, whoever asks");

    site.write("pin", &right);
    assert_eq!(check(&site).as_deref(), Some("PIN_LATCHED"));
    assert_eq!(logins(&site), 8 + 1, "even the right PIN is not tried");
    let _ = site.kms(&["token", "clear-pin-latch"]).done();
    assert_eq!(check(&site), None);
    assert_eq!(logins(&site), 8 + 1 + 8);
}
