//! `check` and `token show`: every fault that they name, provoked in a real token.

use crate::faulty::Faulty;
use crate::site::{Maker, Site, both_tokens, site_test};
use crate::template::{but, derives_only, secret};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use fuda_cli::Source;
use fuda_kms::KeyVersion;
use fuda_kms::checkup::anomaly::Anomaly;
use fuda_kms::checkup::{self, inventory};
use fuda_kms::keys_file::KeysFile;
use fuda_store::Store;
use serde_json::Value;

/// Subject and code of every fault.
fn faults(site: &Site, file: Option<&str>) -> Vec<(String, &'static str)> {
    let file =
        file.map(|keys| KeysFile::parse(&Source::new("keys.toml", format!("token = \"factory\"\n{keys}"))).unwrap());
    let found = checkup::run(&site.token(), &site.registry(), file.as_ref()).unwrap();
    let named = |finding: &checkup::Finding| {
        finding.faults.iter().map(|fault| (finding.subject.clone(), fault.code())).collect::<Vec<_>>()
    };
    found.findings.iter().flat_map(named).collect()
}

fn owned(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected.iter().map(|(subject, code)| ((*subject).to_owned(), *code)).collect()
}

fn object(session: &Session, label: &str, class: ObjectClass) -> ObjectHandle {
    session.find_objects(&[Attribute::Label(label.as_bytes().to_vec()), Attribute::Class(class)]).unwrap()[0]
}

/// Puts another object in the place of a version's, as this house would make it but for some attributes.
fn replace(site: &Site, session: &Session, version: &str, bytes: usize, changed: &[Attribute]) {
    let record = site.registry().version(&version.parse::<KeyVersion>().unwrap()).unwrap();
    session.destroy_object(object(session, version, ObjectClass::SECRET_KEY)).unwrap();
    let place = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Label(record.label.into_bytes()),
        Attribute::Id(record.object_id),
        Attribute::Value(vec![0x5A; bytes]),
    ];
    let template = secret(&[place.as_slice(), &derives_only()].concat());
    let template = changed.iter().fold(template, |template, change| but(&template, change));
    session.create_object(&template).unwrap();
}

/// Changes rows of the registry behind its back.
fn change(site: &Site, set: &str, name: &str) {
    let (store, name) = (Store::open(&site.config().store.url).unwrap(), name.to_owned());
    let statement = format!("/* test.change */ UPDATE key_version SET {set} WHERE name = $1");
    store
        .run_tx_blocking("test.change", async move |tx| {
            let statement = sqlx::AssertSqlSafe(statement);
            assert_eq!(sqlx::query(statement).bind(name).execute(&mut *tx).await?.rows_affected(), 1);
            Ok::<_, fuda_store::Error>(())
        })
        .unwrap();
}

both_tokens! {
    fn a_key_that_is_not_as_this_house_makes_it_is_named_by_what_is_wrong(site) {
        site.init(&["issuer", "index"]);
        assert_eq!(faults(site, None), []);
        let session = site.session();
        let of_issuer = |bytes, changed: &[Attribute]| {
            replace(site, &session, "issuer@1", bytes, changed);
            faults(site, None).into_iter().map(|(subject, code)| {
                assert_eq!(subject, "issuer@1");
                code
            }).collect::<Vec<_>>()
        };
        assert_eq!(of_issuer(16, &[]), ["KEY_KCV_MISMATCH"], "another key");
        assert_eq!(of_issuer(16, &[Attribute::Extractable(true)]), ["KEY_READABLE", "KEY_KCV_MISMATCH"]);
        assert_eq!(
            of_issuer(16, &[Attribute::Encrypt(true), Attribute::Unwrap(true)]),
            ["KEY_RIGHTS_MORE", "KEY_RIGHTS_MORE", "KEY_KCV_MISMATCH"],
        );
        assert_eq!(of_issuer(16, &[Attribute::Derive(false)]), ["KEY_RIGHTS_LESS"]);
        assert_eq!(of_issuer(32, &[]), ["KEY_WRONG_LENGTH", "KEY_KCV_MISMATCH"]);
        assert_eq!(of_issuer(16, &[Attribute::Modifiable(true)]), ["KEY_MODIFIABLE", "KEY_KCV_MISMATCH"]);
        let objects = inventory::run(&site.token(), &site.registry()).unwrap();
        let issuer = objects.iter().find(|object| object.label == "issuer@1").unwrap();
        assert_eq!(issuer.faults.iter().map(Anomaly::code).collect::<Vec<_>>(), ["KEY_MODIFIABLE"]);
        assert_eq!(issuer.what, "AES-128 secret key");
        replace(site, &session, "index@1", 32, &[Attribute::Derive(false), Attribute::Sign(true)]);
        assert!(faults(site, None).contains(&("index@1".to_owned(), "KEY_HISTORY")), "it was not generated in the token");
    }
}

site_test! {
    fn a_key_that_everybody_may_see_is_named_too(site) {
        site.init(&["issuer"]);
        let session = site.session();
        replace(site, &session, "issuer@1", 16, &[Attribute::Private(false), Attribute::Sensitive(false)]);
        assert_eq!(
            faults(site, None),
            owned(&[("issuer@1", "KEY_ATTRIBUTE"), ("issuer@1", "KEY_READABLE"), ("issuer@1", "KEY_KCV_MISMATCH")]),
        );
    }
}

both_tokens! {
    fn what_is_missing_what_is_nobodys_and_what_is_there_twice(site) {
        site.init(&["issuer", "transport", "recovery", "ap/ticket", "receipt", "audit"]);
        let session = site.session();
        let id = |version: &str| site.registry().version(&version.parse().unwrap()).unwrap().object_id;
        crate::site::import(&session, "stray", &[1; 16]);
        session.destroy_object(object(&session, "issuer@1", ObjectClass::SECRET_KEY)).unwrap();
        session.destroy_object(object(&session, "audit@1", ObjectClass::PUBLIC_KEY)).unwrap();
        crate::site::import_with_id(&session, "transport@1", b"other", &[2; 16]);
        crate::site::import_with_id(&session, "other", &id("recovery@1"), &[3; 16]);
        crate::site::import_with_id(&session, "ap/ticket@1", &id("ap/ticket@1"), &[4; 16]);
        let found = faults(site, None);
        let expected = owned(&[
            ("ap/ticket@1", "KEY_AMBIGUOUS"),
            ("audit@1", "KEY_PUBLIC_HALF"),
            ("issuer@1", "KEY_NOT_IN_TOKEN"),
            ("other", "OBJECT_STRAY"),
            ("stray", "OBJECT_STRAY"),
            ("transport@1", "OBJECT_STRAY"),
            ("ap/ticket@1", "OBJECT_LABEL_TWICE"),
            ("transport@1", "OBJECT_LABEL_TWICE"),
        ]);
        for fault in &expected {
            assert!(found.contains(fault), "{fault:?} not in {found:?}");
        }
        assert_eq!(found.iter().filter(|(_, code)| *code == "OBJECT_ID_TWICE").count(), 1, "{found:?}");
        assert_eq!(found.len(), expected.len() + 1, "{found:?}");
    }
}

both_tokens! {
    fn a_registry_that_says_something_else_is_believed_no_more_than_the_token(site) {
        site.init(&["issuer", "transport", "recovery"]);
        change(site, "state = 'DESTROYED'", "issuer");
        change(site, "check_value = NULL, state = 'PRE-ACTIVE'", "transport");
        change(site, "check_value = 'gp:ABCDEF'", "recovery");
        let expected = owned(&[
            ("issuer@1", "KEY_DESTROYED_PRESENT"),
            ("recovery@1", "KEY_KCV_MISMATCH"),
            ("transport@1", "KEY_BIRTH_UNFINISHED"),
        ]);
        assert_eq!(faults(site, None), expected);
        let shown = inventory::run(&site.token(), &site.registry()).unwrap();
        let codes = shown.iter().flat_map(|object| object.faults.iter().map(Anomaly::code)).collect::<Vec<_>>();
        assert!(codes.contains(&"KEY_DESTROYED_PRESENT") && codes.contains(&"KEY_BIRTH_UNFINISHED"), "{codes:?}");
    }
}

site_test! {
    fn every_state_but_suspended_has_its_check_value_made(site) {
        site.init(&["issuer"]);
        let value = site.registry().version(&"issuer@1".parse().unwrap()).unwrap().check_value;
        for (state, made) in
            [("PRE-ACTIVE", true), ("GRACE", true), ("RETIRED", true), ("SUSPENDED(ACTIVE)", false), ("SUSPENDED(GRACE)", false)]
        {
            change(site, &format!("state = '{state}'"), "issuer");
            let found = checkup::run(&site.token(), &site.registry(), None).unwrap().findings;
            assert!(found[0].faults.is_empty(), "{found:?}");
            assert_eq!(found[0].check_value, value.clone().filter(|_| made), "{state}");
        }
    }
}

site_test! {
    fn the_reviewed_file_is_compared_both_ways(site) {
        site.init(&["issuer", "transport", "recovery"]);
        let key = |name: &str, more: &str| format!("[[key]]\nname = \"{name}\"\n{more}");
        let as_it_is = [key("issuer", ""), key("transport", ""), key("recovery", "")].concat();
        assert_eq!(faults(site, Some(&as_it_is)), []);
        let other = [
            key("issuer", "bits = 256\n"),
            key("transport", "check = \"ABCDEF\"\n"),
            key("ap/ticket", ""),
        ].concat();
        let expected = owned(&[
            ("issuer@1", "KEY_DIFFERS"),
            ("recovery@1", "KEY_NOT_IN_FILE"),
            ("transport@1", "KEY_KCV_MISMATCH"),
            ("ap/ticket", "KEY_NOT_REGISTERED"),
        ]);
        assert_eq!(faults(site, Some(&other)), expected);
    }
}

both_tokens! {
    /// Where it is the only route, nothing else is worth looking at; where there is a better one, it is a finding.
    fn a_route_that_computes_something_else_is_found_out(site) {
        site.init(&["issuer"]);
        Faulty::before(site).always_does("C_DeriveKey", "lie");
        let checked = site.fuda_kms(&["check", "--json"]);
        assert_eq!(checked.status.code(), Some(6));
        let found = json(&checked);
        if site.maker() == Maker::SoftHsm {
            assert_eq!(found["error"]["code"], "HSM_KNOWN_ANSWER");
            return;
        }
        assert_eq!((&found["faults"], &found["keys"][1]["code"]), (&1.into(), &"HSM_KNOWN_ANSWER".into()), "{found}");
        let results: Vec<_> = found["tried"].as_array().unwrap().iter().map(|tried| tried["result"].as_str().unwrap()).collect();
        let (passed, unnamed) = ("known answers passed", "not named by the profile");
        assert_eq!(results, [passed, passed, "WRONG ANSWERS", unnamed]);
    }
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_str(String::from_utf8_lossy(&output.stdout).lines().last().unwrap()).unwrap()
}

both_tokens! {
    fn the_commands_say_it_to_people_and_programs(site) {
        site.init(&["issuer", "kek/backup", "receipt"]);
        std::fs::write(site.path("keys.toml"), "token = \"factory\"\n[[key]]\nname = \"issuer\"\n[[key]]\nname = \"kek/backup\"\n").unwrap();
        assert_eq!(site.fuda_kms(&["check"]).status.code(), Some(0));
        let checked = site.fuda_kms(&["check", "keys.toml", "--json"]);
        assert_eq!(checked.status.code(), Some(6));
        let found = json(&checked);
        assert_eq!((&found["faults"], &found["keys_file"]), (&1.into(), &"keys.toml".into()));
        let receipt = &found["keys"].as_array().unwrap()[2];
        assert_eq!((&receipt["key"], &receipt["code"]), (&"receipt@1".into(), &"KEY_NOT_IN_FILE".into()));
        assert!(!receipt["faults"][0]["do"].as_str().unwrap().is_empty());
        assert!(found["keys"][0]["check_value"].as_str().unwrap().starts_with("gp:"), "{found}");
        let text = String::from_utf8(site.fuda_kms(&["check", "keys.toml"]).stdout).unwrap();
        assert!(text.contains("KEY_NOT_IN_FILE: receipt@1") && text.contains("  do: add it"), "{text}");

        crate::site::import(&site.session(), "stray", &[1; 16]);
        let shown = site.fuda_kms(&["token", "show"]);
        assert_eq!(shown.status.code(), Some(0));
        let text = String::from_utf8(shown.stdout).unwrap();
        assert!(text.contains("WRONG      OBJECT_STRAY") && text.contains("registry   issuer@1 ACTIVE, born, gp:"), "{text}");
        let objects = text.split("\n\n").skip(1).flat_map(str::lines);
        assert!(objects.clone().count() > 15 && objects.into_iter().all(|line| line.chars().count() <= 80), "{text}");
        let shown = json(&site.fuda_kms(&["token", "show", "--json"]));
        let objects = shown["objects"].as_array().unwrap();
        let kek = objects.iter().find(|object| object["key"] == "kek/backup@1").unwrap();
        assert!(kek["what"].as_str().unwrap().starts_with("AES") && kek["attributes"]["CKA_COPYABLE"] == "false", "{kek}");
        let pair = objects.iter().find(|object| object["what"] == "EC private key").unwrap();
        assert_eq!((&pair["key"], &pair["attributes"]["CKA_LOCAL"]), (&"receipt@1".into(), &"true".into()));
        assert_eq!((&pair["attributes"]["CKA_NEVER_EXTRACTABLE"], &pair["attributes"]["CKA_ALWAYS_SENSITIVE"]), (&"true".into(), &"true".into()));
        assert_eq!(objects.iter().filter(|object| object["key"] == "receipt@1").count(), 2, "both halves");
    }
}

both_tokens! {
    fn the_list_of_tokens_fits_a_terminal_and_tells_what_matters(site) {
        site.init(&["issuer"]);
        let listed = json(&site.fuda_kms(&["token", "list", "--json"]));
        let first = &listed["tokens"][0];
        assert_eq!((&first["label"], &first["initialised"], &first["user_pin"]), (&"factory".into(), &true.into(), &"ok".into()));
        assert!(first["serial"].as_str().is_some_and(|serial| !serial.is_empty()) && first.get("free_bytes").is_some());
        let text = String::from_utf8(site.fuda_kms(&["token", "list"]).stdout).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 80) && text.contains("FREE BYTES"), "{text}");
        if site.maker() == Maker::SoftHsm {
            assert!(text.contains("(blank)") && listed["tokens"][1]["initialised"] == false, "{text}");
            let wrong = std::process::Command::new(env!("CARGO_BIN_EXE_fuda-kms"));
            let mut wrong = site.environment(wrong);
            std::fs::write(site.path("wrong"), "0000wrong\n").unwrap();
            std::fs::set_permissions(site.path("wrong"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            wrong.arg("--config").arg(site.path("fuda.toml")).args(["check", "--pin"]).arg(format!("file:{}", site.path("wrong").display()));
            assert_eq!(wrong.output().unwrap().status.code(), Some(7));
            let text = String::from_utf8(site.fuda_kms(&["token", "list"]).stdout).unwrap();
            assert!(text.contains("a wrong PIN"), "{text}");
            let shown = site.fuda_kms(&["token", "show", "--json"]);
            assert_eq!(shown.status.code(), Some(1), "the token without its objects");
            assert_eq!((&json(&shown)["objects"], &json(&shown)["objects_not_shown"]["code"]), (&Value::Null, &"PIN_LATCHED".into()));
        }
    }
}
