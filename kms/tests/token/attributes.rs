//! What the token itself says about the keys that `init` made.

use crate::site::both_tokens;
use fuda_kms::{KeyVersion, inspect};

/// Rights of each kind; all others must be false.
const KINDS: [(&str, &[&str]); 6] = [
    ("issuer@1", &["CKA_DERIVE"]),
    ("kek/backup@1", &["CKA_WRAP"]),
    ("vault@1", &["CKA_ENCRYPT", "CKA_DECRYPT"]),
    ("index@1", &["CKA_SIGN"]),
    ("activation@1", &["CKA_SIGN"]),
    ("receipt@1", &["CKA_SIGN"]),
];

const RIGHTS: [&str; 6] = ["CKA_DERIVE", "CKA_SIGN", "CKA_ENCRYPT", "CKA_DECRYPT", "CKA_WRAP", "CKA_UNWRAP"];

both_tokens! {
    fn every_kind_has_its_one_right_and_cannot_leave(site) {
        site.init(&["issuer", "kek/backup", "vault", "index", "activation", "receipt"]);
        for (version, rights) in KINDS {
            let version: KeyVersion = version.parse().unwrap();
            let rows = inspect::attributes(&site.token(), &site.registry(), &version).unwrap();
            let value = |name: &str| {
                rows.iter().find(|(row, _)| format!("CKA_{row}") == name).map_or("absent", |(_, value)| value.as_str())
            };
            for (name, expected) in [
                ("CKA_TOKEN", "true"),
                ("CKA_PRIVATE", "true"),
                ("CKA_SENSITIVE", "true"),
                ("CKA_EXTRACTABLE", "false"),
                ("CKA_MODIFIABLE", "false"),
            ] {
                assert_eq!(value(name), expected, "{version} {name}");
            }
            for name in RIGHTS {
                let granted = rights.contains(&name);
                assert_eq!(value(name) == "true", granted, "{version} {name} is {}", value(name));
            }
        }
    }
}

both_tokens! {
    fn check_finds_what_the_registry_does_not_know_and_what_is_not_as_it_must_be(site) {
        use cryptoki::object::Attribute;
        site.init(&["issuer", "receipt"]);
        let all_well = inspect::check(&site.token(), &site.registry()).unwrap().findings;
        assert!(all_well.iter().all(|finding| finding.fault.is_none()), "{all_well:?}");
        let session = site.session();
        crate::site::import(&session, "stray", &[1; 16]);
        let issuer = session.find_objects(&[Attribute::Label(b"issuer@1".to_vec())]).unwrap()[0];
        session.destroy_object(issuer).unwrap();
        let codes: Vec<_> = inspect::check(&site.token(), &site.registry())
            .unwrap()
            .findings
            .iter()
            .filter_map(|finding| finding.fault.as_ref().map(|fault| (finding.subject.clone(), fault.code())))
            .collect();
        assert_eq!(codes, [("issuer@1".to_owned(), "KEY_NOT_IN_TOKEN"), ("stray".to_owned(), "OBJECT_STRAY")]);
    }
}
