//! What the token itself says about the keys that `init` made.

use crate::site::both_tokens;
use fuda_kms::{KeyVersion, inspect};

/// Rights of each kind; all others must be false.
const KINDS: [(&str, &[&str]); 7] = [
    ("issuer@1", &["CKA_DERIVE"]),
    ("kek/backup@1", &["CKA_WRAP"]),
    ("card-kek/line@1", &["CKA_WRAP"]),
    ("vault@1", &["CKA_WRAP", "CKA_UNWRAP"]),
    ("index@1", &["CKA_SIGN"]),
    ("activation@1", &["CKA_SIGN"]),
    ("receipt@1", &["CKA_SIGN"]),
];

const RIGHTS: [&str; 6] = ["CKA_DERIVE", "CKA_SIGN", "CKA_ENCRYPT", "CKA_DECRYPT", "CKA_WRAP", "CKA_UNWRAP"];

both_tokens! {
    fn every_kind_has_its_rights_and_cannot_leave(site) {
        site.init(&["issuer", "kek/backup", "card-kek/line", "vault", "index", "activation", "receipt"]);
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
