//! Provider profiles against real tokens: a wrong one is found, an untested one stays out of production.

use crate::site::{Site, both_tokens, site_test};
use serde_json::Value;

fn failing(site: &Site, arguments: &[&str]) -> (u64, String, String) {
    let output = site.fuda_kms(&[arguments, &["--json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let error = &report["error"];
    let words = |name: &str| error[name].as_str().unwrap().to_owned();
    (error["exit"].as_u64().unwrap(), words("code"), words("what"))
}

/// Changes one word of fuda.toml.
fn edit(site: &Site, from: &str, to: &str) {
    let file = std::fs::read_to_string(site.path("fuda.toml")).unwrap();
    assert!(file.contains(from));
    std::fs::write(site.path("fuda.toml"), file.replace(from, to)).unwrap();
}

both_tokens! {
    fn a_token_of_another_provider_is_refused_before_the_pin_is_used(site) {
        site.init(&["issuer"]);
        let (own, other) = match site.maker() {
            crate::site::Maker::SoftHsm => ("softhsm", "kryoptic"),
            crate::site::Maker::Kryoptic => ("kryoptic", "softhsm"),
        };
        edit(site, &format!("provider = \"{own}\""), &format!("provider = \"{other}\""));
        std::fs::write(site.path("pin"), "999999\n").unwrap();
        let (exit, code, what) = failing(site, &["check"]);
        assert_eq!((exit, code.as_str()), (5, "PROVIDER_MISMATCH"), "{what}");
        assert!(what.to_lowercase().contains(own), "{what}");
        assert!(site.token().files().latched().unwrap().is_none(), "the PIN was tried");
    }
}

both_tokens! {
    fn check_says_whose_token_it_is_and_how_it_derives(site) {
        site.init(&["issuer"]);
        let output = site.fuda_kms(&["check", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let (name, aes_128, aes_256) = match site.maker() {
            crate::site::Maker::SoftHsm => ("softhsm", "encrypt-data", Value::Null),
            crate::site::Maker::Kryoptic => ("kryoptic", "sp800-108", "sp800-108".into()),
        };
        assert_eq!((&report["provider"], &report["provider_tested"]), (&name.into(), &true.into()));
        assert_eq!((&report["routes"]["aes_128"], &report["routes"]["aes_256"]), (&aes_128.into(), &aes_256));
        let shown = site.fuda_kms(&["token", "show"]);
        assert!(String::from_utf8(shown.stdout).unwrap().contains("tested: kms/tests/token"));
    }
}

site_test! {
    fn an_untested_profile_is_kept_out_of_production_until_the_site_repeats_its_name(site) {
        site.init(&["issuer"]);
        site.configure("production");
        edit(site, "\"softhsm\"", "\"nshield\"");
        let (exit, code, what) = failing(site, &["token", "show"]);
        assert_eq!((exit, code.as_str()), (4, "POLICY"));
        assert!(what.contains("`nshield` was written from documentation"), "{what}");
        edit(site, "\"nshield\"", "\"nshield\"\nuntested_provider = \"luna\"");
        assert_eq!(failing(site, &["token", "show"]).0, 4, "another name accepts nothing");
        edit(site, "untested_provider = \"luna\"", "untested_provider = \"nshield\"");
        let shown = site.fuda_kms(&["token", "show"]);
        assert_eq!(shown.status.code(), Some(1), "the token, without a login to it");
        assert!(String::from_utf8(shown.stdout).unwrap().contains("objects not shown: POLICY"));
        // What the token says of itself is looked at all the same.
        assert_eq!(failing(site, &["check"]).0, 4, "a soft token");
        edit(site, "production", "test");
        assert_eq!(failing(site, &["check"]).1, "PROVIDER_MISMATCH");
    }
}
