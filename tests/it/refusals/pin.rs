//! A PIN is tried once. After a refusal nobody tries again until an operator has looked.

use super::{nothing_started, site};
use fuda_tests::Site;
use std::os::unix::fs::PermissionsExt;

fn write_pin(site: &Site, pin: &str, mode: u32) {
    site.write("pin", pin);
    std::fs::set_permissions(site.path("pin"), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_wrong_pin_is_refused_once_and_never_tried_again() {
    let site = site();
    let right = std::fs::read_to_string(site.path("pin")).unwrap();
    write_pin(&site, "00000000000000000000000000000000", 0o600);
    let _ = site.line(1, &["--hsm-workers", "4"]).wait().fails(7, "PIN_REFUSED");
    let shown = site.kms(&["token", "show"]).exits(1).json();
    assert!(shown["pin_latch"].as_str().unwrap().contains("CKR_PIN_INCORRECT"), "{shown}");

    // Even the right PIN is not tried now: the latch stands before C_Login.
    write_pin(&site, &right, 0o600);
    for _ in 0..2 {
        let latched = site.line(1, &[]).wait().fails(7, "PIN_LATCHED");
        assert!(latched.remedy.contains("clear-pin-latch"), "{latched:?}");
        let _ = site.kms(&["check"]).fails(7, "PIN_LATCHED");
    }
    nothing_started(&site);
    let _ = site.kms(&["token", "clear-pin-latch"]).done();
    let _ = site.factory(&["check", "order.toml"]).done();
}

#[test]
fn a_pin_file_that_others_may_read_or_that_is_missing_is_not_used() {
    let site = site();
    let right = std::fs::read_to_string(site.path("pin")).unwrap();
    write_pin(&site, &right, 0o644);
    let refused = site.factory(&["check", "order.toml"]).fails(7, "PIN_FILE");
    assert!(refused.what.contains("0644"), "{refused:?}");
    std::fs::remove_file(site.path("pin")).unwrap();
    let _ = site.factory(&["check", "order.toml"]).fails(7, "PIN_FILE");
    assert_eq!(site.kms(&["token", "show"]).exits(1).json()["pin_latch"], serde_json::Value::Null, "no try was made");
}
