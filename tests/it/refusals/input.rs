//! Mistakes in order, profile, keys and configuration: exit 5 with file:line:column before anything is started.

use super::{nothing_started, site};
use fuda_tests::Site;
use fuda_tests::site::repository;

/// Replacement in the order file, and the place that the report must name.
const ORDERS: [(&str, &str, &str); 20] = [
    ("quantity = 2", "quantity = 0", "order.toml:4:12"),
    ("quantity = 2", "quantity = \"2\"", "order.toml:4:12"),
    ("quantity = 2", "quantity = 9999999", "order.toml:4:12"),
    ("quantity = 2", "quantity = 2\nquantity = 3", "order.toml:5:1"),
    ("quantity = 2", "quantitty = 2", "order.toml:4:1"),
    ("spares = 2", "", "order.toml:1:1"),
    ("spares = 2", "spares = -1", "order.toml:5:10"),
    ("stages = [0, 1]", "stages = [1, 0]", "order.toml:3:10"),
    ("order = \"T-1\"", "order = \"../T\"", "order.toml:1:9"),
    ("order = \"T-1\"", "order = T-1", "order.toml:1:9"),
    ("lot = \"T\"", "lot = \"0123456789ABCDEFG\"", "order.toml:6:7"),
    ("source = \"counter\"", "source = \"dice\"", "order.toml:8:10"),
    ("first = \"8810400000001\"", "first = 8810400000001", "order.toml:9:9"),
    ("check = \"luhn\"", "check = \"sum\"", "order.toml:10:9"),
    ("\"issuer\" = \"issuer\"", "\"issuer\" = \"transport\"", "order.toml:13:12"),
    ("\"issuer\" = \"issuer\"", "\"issuer\" = \"issuer@0\"", "order.toml:13:12"),
    ("\"ap/ticket\" = ", "\"ap/library\" = \"ap/library\"\n\"ap/ticket\" = ", "order.toml:14:16"),
    ("stop_after = 5", "stop_after = 0", "order.toml:17:14"),
    ("stop_after = 5", "stop_affter = 5", "order.toml:17:1"),
    ("[line]", "[lines]", "order.toml:15:2"),
];

#[test]
fn an_order_with_a_mistake_starts_nothing() {
    let site = site();
    let good = std::fs::read_to_string(site.path("order.toml")).unwrap();
    let spec = format!("vpcd:{}", site.address(1));
    for (from, to, place) in ORDERS {
        site.write("order.toml", &good);
        site.edit("order.toml", from, to);
        for command in [&["check", "order.toml"][..], &["run", "order.toml", "--encoders", &spec]] {
            let failure = site.factory(command).fails(5, "INPUT_INVALID");
            assert_eq!(failure.place, place, "{to}: {failure:?}");
            assert!(!failure.remedy.is_empty(), "{to}: {failure:?}");
        }
    }
    nothing_started(&site);
    let _ = site.factory(&["check", "no-such-order.toml"]).exits(5);
    site.write("order.toml", &good);
    site.edit("order.toml", "8810400000001", "9999999999998");
    let short = site.factory(&["check", "order.toml"]).fails(5, "SERIAL_RANGE_EXHAUSTED");
    assert_eq!(short.place, "order.toml:9:9", "{short:?}");
    site.write("order.toml", &good);
    let _ = site.factory(&["check", "order.toml"]).done();
    nothing_started(&site);
}

/// Replacement in a copy of `membership-1ap`, and the place.
const PROFILES: [(&str, &str, &str); 8] = [
    ("version = 1", "version = \"one\"", "bad.toml:6:11"),
    ("version = 1", "verison = 1", "bad.toml:6:1"),
    ("fid = \"1001\"", "fid = \"3F00\"", "bad.toml:22:7"),
    ("fid = \"1001\"", "fid = \"10\"", "bad.toml:22:7"),
    ("key = \"ap/ticket\"", "key = \"ticket\"", "bad.toml:24:7"),
    ("size = 16", "size = 0", "bad.toml:31:8"),
    ("structure = \"transparent\"", "structure = \"round\"", "bad.toml:15:13"),
    ("df_name = \"F04655444101\"", "df_name = \"A000000151000000\"", "bad.toml:23:11"),
];

#[test]
fn a_profile_with_a_mistake_starts_nothing() {
    let site = site();
    let good = std::fs::read_to_string(repository("profiles/membership-1ap.toml")).unwrap();
    let good = good.replacen("name = \"membership-1ap\"", "name = \"bad\"", 1);
    site.edit("order.toml", "membership-1ap", "bad");
    let missing = site.factory(&["check", "order.toml"]).fails(5, "PROFILE_NOT_FOUND");
    assert!(missing.what.contains("bad"), "{missing:?}");
    site.write("bad.toml", &good);
    let _ = site.factory(&["check", "order.toml"]).done();
    for (from, to, place) in PROFILES {
        site.write("bad.toml", &good);
        site.edit("bad.toml", from, to);
        let failure = site.factory(&["check", "order.toml"]).fails(5, "INPUT_INVALID");
        assert_eq!(failure.place.trim_start_matches("./"), place, "{to}: {failure:?}");
        assert!(!failure.remedy.is_empty(), "{to}: {failure:?}");
    }
    site.write("bad.toml", &good.replacen("name = \"bad\"", "name = \"other\"", 1));
    let _ = site.factory(&["check", "order.toml"]).fails(5, "INPUT_INVALID");
    nothing_started(&site);
}

/// Replacement in `fuda.toml`, and the place.
const CONFIGS: [(&str, &str, &str); 8] = [
    ("mode = \"test\"", "mode = \"live\"", "fuda.toml:3:8"),
    ("provider", "providor", "fuda.toml:6:1"),
    ("workers = 1", "workers = 0", "fuda.toml:9:1"),
    ("workers = 1", "workers = \"1\"", "fuda.toml:9:11"),
    ("sqlite:factory.db", "mysql:factory.db", "fuda.toml:11:1"),
    ("[store]", "[stores]", "fuda.toml:10:2"),
    ("out = \"deliveries\"", "out = \"deliveries", "fuda.toml:13:18"),
    ("out = \"deliveries\"", "encoders = [\"usb:1\"]", "fuda.toml, factory.encoders"),
];

#[test]
fn a_configuration_with_a_mistake_starts_nothing() {
    let site = site();
    let good = std::fs::read_to_string(site.path("fuda.toml")).unwrap();
    for (from, to, place) in CONFIGS {
        site.write("fuda.toml", &good);
        site.edit("fuda.toml", from, to);
        let ended = site.factory(&["run", "order.toml"]).exits(5);
        assert_eq!(ended.json()["error"]["where"], place, "{to}: {ended}");
    }
    std::fs::remove_file(site.path("fuda.toml")).unwrap();
    let _ = site.factory(&["run", "order.toml"]).exits(5);
    site.write("fuda.toml", &good);
    nothing_started(&site);
}

/// A list of keys with a mistake, and the place.
const KEYS: [(&str, &str); 7] = [
    ("token = \"factory\"\n[[key]]\nname = \"isuer\"\n", "keys.toml:3:8"),
    ("token = \"other\"\n[[key]]\nname = \"issuer\"\n", "keys.toml:1:9"),
    ("token = \"factory\"\n[[key]]\nname = \"issuer\"\n[[key]]\nname = \"issuer\"\n", "keys.toml:5:8"),
    ("token = \"factory\"\n[[key]]\nnames = \"issuer\"\n", "keys.toml:3:1"),
    ("token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"my-own\"\n", "keys.toml:4:10"),
    ("token = \"factory\"\n[[key]]\nname = \"issuer\"\ncheck = \"XYZ\"\n", "keys.toml:4:9"),
    ("token = \"factory\"\n[[key]\nname = \"issuer\"\n", "keys.toml:2:7"),
];

#[test]
fn a_list_of_keys_with_a_mistake_makes_no_token() {
    let site = Site::bare();
    for (text, place) in KEYS {
        site.write("keys.toml", text);
        let failure = site.kms(&["init", "keys.toml"]).fails(5, "INPUT_INVALID");
        assert_eq!(failure.place, place, "{text}: {failure:?}");
    }
    assert_eq!(std::fs::read_dir(site.path("tokens")).unwrap().count(), 0, "a token was made");
    assert!(!site.path("pin").exists(), "a PIN was made");
}

#[test]
fn another_order_under_the_number_of_a_job_is_refused() {
    let site = site();
    site.make(&fuda_tests::Order::small(2), 1);
    let before = site.database().rows("SELECT order_sha256, entries FROM job");
    site.edit("order.toml", "quantity = 2", "quantity = 3");
    let failure = site.line(1, &[]).wait().fails(5, "ORDER_CHANGED");
    assert!(failure.what.contains("T-1") && failure.remedy.contains("another number"), "{failure:?}");
    assert_eq!(site.database().rows("SELECT order_sha256, entries FROM job"), before);
}
