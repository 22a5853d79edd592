//! A line that cannot begin, because its encoders or its token are not there.

use super::{nothing_started, site};
use std::net::TcpListener;

#[test]
fn a_port_that_is_taken_is_named() {
    let site = site();
    let taken = TcpListener::bind(("127.0.0.1", site.first_port() + 1)).unwrap();
    let failure = site.line(2, &[]).wait().fails(9, "ENCODER_LISTEN");
    let address = taken.local_addr().unwrap().to_string();
    assert!(failure.what.contains(&address) || failure.place.contains(&address), "{failure:?}");
    nothing_started(&site);
}

#[test]
fn no_encoder_or_one_that_is_none_is_a_usage_error() {
    let site = site();
    let _ = site.factory(&["run", "order.toml"]).fails(2, "ENCODER_NONE");
    for spec in ["usb:1", "vpcd:127.0.0.1", "vpcd:127.0.0.1:9-8"] {
        let ended = site.factory(&["run", "order.toml", "--encoders", spec]).exits(2);
        assert_eq!(ended.json()["error"]["code"], "USAGE", "{ended}");
    }
    nothing_started(&site);
}

#[test]
fn a_token_that_is_gone_is_named_and_the_job_waits_for_it() {
    let site = site();
    std::fs::rename(site.path("tokens"), site.path("elsewhere")).unwrap();
    std::fs::create_dir(site.path("tokens")).unwrap();
    for ended in [site.line(1, &[]).wait(), site.factory(&["check", "order.toml"]), site.kms(&["check"])] {
        let failure = ended.fails(7, "TOKEN_NOT_FOUND");
        assert!(failure.what.contains("factory"), "{failure:?}");
    }
    nothing_started(&site);
    site.edit("fuda.toml", "libsofthsm2.so", "no-such-library.so");
    let _ = site.line(1, &[]).wait().fails(7, "HSM_MODULE_NOT_LOADED");
}
