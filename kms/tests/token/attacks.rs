//! What somebody tries who has the PIN and the library: refused where a token can refuse, and named where it cannot.

use crate::site::{Maker, Site, both_tokens, site_test};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::ekdf::AesCbcDeriveParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

fn key(session: &Session, label: &str) -> ObjectHandle {
    session.find_objects(&[Attribute::Label(label.as_bytes().to_vec())]).unwrap()[0]
}

fn readable() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ]
}

fn blob(site: &Site) -> Vec<u8> {
    let path = site.path("blobs").join("issuer@1.kek-backup@1.kw.json");
    let object: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((&object["key"], &object["kek"]), (&"issuer@1".into(), &"kek/backup@1".into()));
    hex::decode(object["blob"].as_str().unwrap()).unwrap()
}

site_test! {
    fn a_blob_is_not_opened_by_the_kek_in_the_token(site) {
        site.try_init("[[key]]\nname = \"issuer\"\nkek = [\"kek/backup\"]\n[[key]]\nname = \"kek/backup\"\n").unwrap();
        let session = site.session();
        let (kek, blob) = (key(&session, "kek/backup@1"), blob(site));
        assert_eq!(blob.len(), 24);
        let unwrapped = session.unwrap_key(&Mechanism::AesKeyWrap, kek, &blob, &readable());
        assert!(unwrapped.is_err(), "readable unwrap");
        assert!(session.decrypt(&Mechanism::AesEcb, kek, &blob[..16]).is_err(), "unwrap by decryption");
    }
}

both_tokens! {
    /// Kryoptic copies what may be copied with any right, whatever MODIFIABLE says; SoftHSM does not, and neither lets a copy leave. Keys of cards
    /// and MACs may be copied, because Kryoptic's workers copy the first; SECURITY.md says what that costs.
    fn a_copy_never_leaves_and_gets_more_rights_only_where_that_is_said(site) {
        site.init(&["issuer", "index", "vault", "kek/backup"]);
        let session = site.session();
        for label in ["issuer@1", "index@1", "vault@1", "kek/backup@1"] {
            let key = key(&session, label);
            let copies = |more: &Attribute| session.copy_object(key, &[Attribute::Token(false), more.clone()]).is_ok();
            let may_be_copied = site.maker() == Maker::Kryoptic && matches!(label, "issuer@1" | "index@1");
            for more in [Attribute::Extractable(true), Attribute::Sensitive(false)] {
                assert!(!copies(&more), "{label}: a copy with {more:?}");
                assert!(session.update_attributes(key, &[more]).is_err(), "{label}");
            }
            for more in [
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
                Attribute::Wrap(true),
                Attribute::Unwrap(true),
                Attribute::Modifiable(true),
                Attribute::Label(b"ap/ticket@1".to_vec()),
            ] {
                assert_eq!(copies(&more), may_be_copied, "{label}: a copy with {more:?}");
                assert!(session.update_attributes(key, &[more]).is_err(), "{label}");
            }
            let stays = [Attribute::Token(true), Attribute::Encrypt(true), Attribute::Label(b"mine".to_vec())];
            let kept = session.copy_object(key, &stays);
            assert_eq!(kept.is_ok(), may_be_copied, "{label}");
            if let Ok(copy) = kept {
                let said = site.fuda_kms(&["check", "--json"]);
                assert_eq!(said.status.code(), Some(6), "{label}: {said:?}");
                assert!(String::from_utf8(said.stdout).unwrap().contains("OBJECT_STRAY"), "{label}");
                session.destroy_object(copy).unwrap();
            }
        }
        assert!(site.fuda_kms(&["check"]).status.success());
    }
}

site_test! {
    fn a_key_gets_no_more_rights_and_does_not_leave(site) {
        site.init(&["issuer", "kek/backup"]);
        let session = site.session();
        let (issuer, kek) = (key(&session, "issuer@1"), key(&session, "kek/backup@1"));
        assert_eq!(session.get_attributes(issuer, &[AttributeType::Value]).unwrap(), [], "the value is not readable");
        assert!(session.wrap_key(&Mechanism::AesKeyWrap, kek, issuer).is_err(), "the key is not wrapped after its birth");
        assert!(session.encrypt(&Mechanism::AesEcb, issuer, &[0; 16]).is_err(), "the key may only derive");
        for more in [
            Attribute::Extractable(true),
            Attribute::Sensitive(false),
            Attribute::Encrypt(true),
            Attribute::Unwrap(true),
            Attribute::Label(b"ap/ticket@1".to_vec()),
        ] {
            let what = format!("{more:?}");
            assert!(session.update_attributes(issuer, std::slice::from_ref(&more)).is_err(), "set {what}");
            let copy = session.copy_object(issuer, &[Attribute::Token(false), more]);
            assert!(copy.is_err(), "copy with {what}");
        }
    }
}

site_test! {
    /// PKCS#11 has no way to forbid this: whoever has the PIN has the keys of cards. Hence one token and one PIN per duty.
    fn a_readable_child_cannot_be_refused_and_so_is_said_out_loud(site) {
        site.init(&["issuer"]);
        let session = site.session();
        let block = [0; 16];
        let mechanism = Mechanism::AesCbcEncryptData(AesCbcDeriveParams::new([0; 16], &block));
        let mut template = readable();
        template.push(Attribute::ValueLen(16.into()));
        let child = session.derive_key(&mechanism, key(&session, "issuer@1"), &template).unwrap();
        assert_eq!(session.get_attributes(child, &[AttributeType::Value]).unwrap().len(), 1);
    }
}
