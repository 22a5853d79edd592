//! `fuda-kms` as an operator meets it: exit codes, reports, JSON, help.

use crate::site::{Site, site_test};
use serde_json::Value;
use std::process::Output;

fn json(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

fn keys(site: &Site, text: &str) {
    std::fs::write(site.path("keys.toml"), text).unwrap();
}

site_test! {
    fn from_nothing_to_checked_keys(site) {
        keys(site, include_str!("../../../softhsm-config/keys.toml"));
        let dry = json(&site.fuda_kms(&["init", "keys.toml", "--dry-run", "--json"]));
        assert_eq!(dry["token"]["done"], "would be made");
        assert!(!site.path("pin").exists(), "a dry run makes nothing");
        let made = json(&site.fuda_kms(&["init", "keys.toml", "--json"]));
        assert_eq!((&made["token"]["done"], made["keys"].as_array().unwrap().len()), (&"made".into(), 13));
        let again = json(&site.fuda_kms(&["init", "keys.toml", "--json"]));
        assert!(again["keys"].as_array().unwrap().iter().all(|key| key["done"] == "kept"), "{again}");
        let check = site.fuda_kms(&["check", "--json"]);
        assert_eq!((check.status.code(), &json(&check)["faults"]), (Some(0), &0.into()));
        let kcv = json(&site.fuda_kms(&["key", "kcv", "initial", "--method", "gp", "--json"]));
        assert_eq!((&kcv["key"], &kcv["method"], &kcv["value"]), (&"initial@1".into(), &"gp".into(), &"42B925".into()));
        let shown = json(&site.fuda_kms(&["key", "show", "issuer@1", "--json"]));
        assert_eq!(shown["attributes"]["CKA_EXTRACTABLE"], "false");
        assert_eq!(json(&site.fuda_kms(&["token", "list", "--json"]))["tokens"][0]["label"], "factory");
        assert_eq!(json(&site.fuda_kms(&["key", "list", "--json"]))["keys"].as_array().unwrap().len(), 13);
    }
}

site_test! {
    fn every_refusal_has_its_exit_code_and_place(site) {
        let failing = |arguments: &[&str]| {
            let output = site.fuda_kms(&[arguments, &["--json"]].concat());
            let error = json(&output)["error"].clone();
            assert_eq!(u64::try_from(output.status.code().unwrap()).unwrap(), error["exit"].as_u64().unwrap());
            (error["exit"].as_u64().unwrap(), error["code"].as_str().unwrap().to_owned(), error["where"].clone())
        };
        keys(site, "token = \"factory\"\n[[key]]\nname = \"isuer\"\n");
        assert_eq!(failing(&["init", "keys.toml"]), (5, "INPUT_INVALID".to_owned(), "keys.toml:3:8".into()));
        keys(site, "token = \"issuer\"\n[[key]]\nname = \"issuer\"\n");
        assert_eq!(failing(&["init", "keys.toml"]), (5, "INPUT_INVALID".to_owned(), "keys.toml:1:9".into()));
        assert_eq!(failing(&["check"]).1, "TOKEN_NOT_FOUND");
        assert_eq!(failing(&["key", "kcv", "issuer"]).1, "KEY_NOT_ACTIVE");
        assert_eq!(failing(&["key", "show", "issuer@1"]).1, "KEY_UNKNOWN");
        keys(site, "token = \"factory\"\n[[key]]\nname = \"issuer\"\nkek = [\"kek/backup\"]\n");
        assert_eq!(failing(&["init", "keys.toml"]).0, 4, "KEKs without --blobs");
        keys(site, "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\n");
        site.configure("production");
        assert_eq!(failing(&["init", "keys.toml"]).0, 4, "a public key in production");
        site.configure("test");
        assert!(site.fuda_kms(&["init", "keys.toml"]).status.success());
        site.configure("production");
        assert_eq!(failing(&["check"]), (4, "POLICY".to_owned(), "".into()), "a soft token in production");
        let file = std::fs::read_to_string(site.path("fuda.toml")).unwrap();
        std::fs::write(site.path("fuda.toml"), file.replace("provider = \"softhsm\"", "provider = \"softhms\"")).unwrap();
        let place = format!("{}:6:12", site.path("fuda.toml").display());
        assert_eq!(failing(&["check"]), (5, "INPUT_INVALID".to_owned(), place.into()), "no such profile");
    }
}

site_test! {
    fn a_vendors_key_is_adopted_after_its_check_value_and_its_attributes(site) {
        site.init(&["issuer"]);
        let session = site.session();
        crate::site::import(&session, "VENDOR", &[0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F]);
        let adopt = |check: &str, version: &str| site.fuda_kms(&["key", "adopt", "--label", "VENDOR", "--check", check, version]);
        assert_eq!(adopt("gp:000000", "issuer@2").status.code(), Some(6));
        assert_eq!(adopt("gp:42B925", "kek/peer@1").status.code(), Some(6), "a key that derives is no KEK");
        assert!(adopt("gp:42B925", "issuer@2").status.success());
        let shown = json(&site.fuda_kms(&["key", "show", "issuer", "--json"]));
        assert_eq!(shown["keys"][1]["state"], "PRE-ACTIVE", "issuer@1 still issues");
        assert_eq!(adopt("gp:42B925", "issuer@2").status.code(), Some(4), "twice");
        assert!(site.fuda_kms(&["check"]).status.success());
    }
}

site_test! {
    fn a_pin_comes_from_a_descriptor_too(site) {
        site.init(&["issuer"]);
        let mut command = site.environment(std::process::Command::new(env!("CARGO_BIN_EXE_fuda-kms")));
        let pin = std::fs::File::open(site.path("pin")).unwrap();
        std::fs::remove_file(site.path("pin")).unwrap();
        command.arg("--config").arg(site.path("fuda.toml")).args(["check", "--pin", "fd:0"]).stdin(pin);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

site_test! {
    fn help_is_what_was_reviewed(site) {
        for (name, arguments) in [
            ("fuda-kms", vec!["--help"]),
            ("init", vec!["init", "--help"]),
            ("health", vec!["health", "--help"]),
            ("key", vec!["key", "--help"]),
            ("kcv", vec!["key", "kcv", "--help"]),
            ("token", vec!["token", "--help"]),
        ] {
            let output = site.fuda_kms(&arguments);
            assert!(output.status.success());
            insta::assert_snapshot!(format!("help-{name}"), String::from_utf8(output.stdout).unwrap());
        }
    }
}
