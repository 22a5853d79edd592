//! What a token does with CKA_UNWRAP_TEMPLATE and CKA_COPYABLE=false: a KEK with both lets a key in for deriving alone, and gets no right more.
//!
//! The KEK here may unwrap, as those of duty tokens do; it enters by the call of `pkcs11-ext`.

use crate::site::{Site, both_tokens};
use crate::template::{bring_kek, but, derives_only, generate, secret};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

/// A key of the session that a KEK lets in.
fn passing(more: &[Attribute]) -> Vec<Attribute> {
    secret(&[&[Attribute::Token(false)], more].concat())
}

/// A KEK in the token that unwraps by its template, and a key wrapped under it.
fn kek_and_blob(site: &Site, session: &Session) -> (ObjectHandle, Vec<u8>) {
    let newborn = generate(session, &[Attribute::Wrap(true), Attribute::Sensitive(true), Attribute::Extractable(true)]);
    let key = generate(session, &[Attribute::Derive(true), Attribute::Sensitive(true), Attribute::Extractable(true)]);
    let blob = session.wrap_key(&Mechanism::AesKeyWrap, newborn, key).unwrap();
    (bring_kek(site, session, "KEK", newborn, &[Attribute::Unwrap(true)], &derives_only()), blob)
}

both_tokens! {
    fn what_fits_comes_in_and_nothing_else_does(site) {
        site.init(&["issuer"]);
        let session = site.session();
        let (kek, blob) = kek_and_blob(site, &session);
        let unwrap = |more: &[Attribute]| session.unwrap_key(&Mechanism::AesKeyWrap, kek, &blob, &passing(more));
        let key = unwrap(&derives_only()).unwrap();
        let asked = [AttributeType::Sensitive, AttributeType::Extractable, AttributeType::Derive, AttributeType::Modifiable];
        let expected = [Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Derive(true), Attribute::Modifiable(false)];
        assert_eq!(session.get_attributes(key, &asked).unwrap(), expected);
        assert_eq!(session.get_attributes(key, &[AttributeType::Value]).unwrap(), []);
        for other in [
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::Derive(false),
            Attribute::Sign(true),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Wrap(true),
            Attribute::Unwrap(true),
            Attribute::Modifiable(true),
        ] {
            assert!(unwrap(&but(&derives_only(), &other)).is_err(), "{other:?}");
        }
        let data = [Attribute::Class(ObjectClass::DATA), Attribute::Token(false)];
        assert!(session.unwrap_key(&Mechanism::AesKeyWrap, kek, &blob, &data).is_err(), "a data object");
        let readable = passing(&[Attribute::Sensitive(false), Attribute::Extractable(true)]);
        for mechanism in [Mechanism::AesKeyWrapPad, Mechanism::AesEcb, Mechanism::AesCbc([0; 16]), Mechanism::AesCbcPad([0; 16])] {
            assert!(session.unwrap_key(&mechanism, kek, &blob, &readable).is_err(), "{mechanism:?}");
        }
    }
}

both_tokens! {
    /// An unwrap template that names every right and forgets that keys stay is worth nothing, and is found out.
    fn a_kek_whose_template_lets_readable_keys_in_is_not_adopted(site) {
        site.init(&["issuer"]);
        let session = site.session();
        let stays = [AttributeType::Extractable, AttributeType::Sensitive];
        for number in 0..stays.len() {
            let forgotten = &stays[..=number];
            let lets_in: Vec<_> =
                derives_only().into_iter().filter(|one| !forgotten.contains(&one.attribute_type())).collect();
            let label = format!("LEAKY-{number}");
            kek(site, &session, &label, &lets_in);
            let said = site.fuda_kms(&["key", "adopt", "--label", &label, "kek/custody@1", "--json"]);
            assert_eq!(said.status.code(), Some(6), "{said:?}");
            assert!(String::from_utf8(said.stdout).unwrap().contains("KEK_LEAKS"));
        }
        kek(site, &session, "SOUND", &derives_only());
        assert!(site.fuda_kms(&["key", "adopt", "--label", "SOUND", "kek/custody@1"]).status.success());
    }
}

/// A KEK that unwraps and shows its check value, with an unwrap template.
fn kek(site: &Site, session: &Session, label: &str, lets_in: &[Attribute]) {
    let newborn = generate(session, &[Attribute::Sensitive(true), Attribute::Extractable(true)]);
    let _ = bring_kek(site, session, label, newborn, &[Attribute::Encrypt(true), Attribute::Unwrap(true)], lets_in);
}

both_tokens! {
    fn a_kek_gets_no_other_right_by_a_copy_or_a_change(site) {
        site.init(&["issuer"]);
        let session = site.session();
        let (kek, blob) = kek_and_blob(site, &session);
        for more in [Attribute::Decrypt(true), Attribute::Encrypt(true), Attribute::Wrap(true), Attribute::Extractable(true)] {
            assert!(session.update_attributes(kek, std::slice::from_ref(&more)).is_err(), "set {more:?}");
            let copy = session.copy_object(kek, &[Attribute::Token(false), more.clone()]);
            assert!(copy.is_err(), "copy with {more:?}");
        }
        assert!(session.copy_object(kek, &[Attribute::Token(false)]).is_err(), "a copy");
        assert!(session.decrypt(&Mechanism::AesEcb, kek, &blob[..16]).is_err(), "decryption");
    }
}

both_tokens! {
    /// The KEKs that this house bears can wrap and cannot be copied: a copy might open the blobs that lie beside it.
    fn a_kek_that_is_born_here_is_not_copied(site) {
        site.init(&["kek/backup"]);
        let session = site.session();
        let kek = session.find_objects(&[Attribute::Label(b"kek/backup@1".to_vec())]).unwrap()[0];
        for more in [Attribute::Decrypt(true), Attribute::Unwrap(true), Attribute::Label(b"x".to_vec())] {
            assert!(session.copy_object(kek, &[Attribute::Token(false), more.clone()]).is_err(), "copy with {more:?}");
        }
        let said = site.fuda_kms(&["key", "show", "kek/backup@1"]);
        assert!(String::from_utf8(said.stdout).unwrap().contains("CKA_COPYABLE"));
        assert!(site.fuda_kms(&["check"]).status.success());
    }
}
