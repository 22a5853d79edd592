//! What a token does with an RSA pair that carries an unwrap template: a KEK that was sealed for it comes in as it must be and in no other way.

use crate::site::both_tokens;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use fuda_pkcs11_ext::Library;

fn oaep() -> Mechanism<'static> {
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1, PkcsOaepSource::empty()))
}

/// What a KEK is where keys come to.
fn kek() -> Vec<Attribute> {
    vec![
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Derive(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(true),
        Attribute::Copyable(false),
        Attribute::Modifiable(false),
    ]
}

/// What it lets in.
fn derives() -> Vec<Attribute> {
    vec![
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Modifiable(false),
    ]
}

fn secret(token: Attribute, more: Vec<Attribute>) -> Vec<Attribute> {
    let head = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        token,
        Attribute::Private(true),
    ];
    [head, more].concat()
}

fn pair(session: &Session, library: Library) -> (ObjectHandle, ObjectHandle) {
    let public = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::ModulusBits(3072.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
        Attribute::Label(b"pair".to_vec()),
        Attribute::Encrypt(false),
        Attribute::Verify(false),
        Attribute::Wrap(true),
        Attribute::Modifiable(false),
    ];
    let private = [
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Label(b"pair".to_vec()),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(false),
        Attribute::Decrypt(false),
        Attribute::Derive(false),
        Attribute::SignRecover(false),
        Attribute::Unwrap(true),
        Attribute::Copyable(false),
        Attribute::Modifiable(false),
    ];
    library.generate_pair(session, &Mechanism::RsaPkcsKeyPairGen, &public, &private, &kek()).unwrap()
}

both_tokens! {
    fn a_sealed_kek_comes_in_as_it_must_be_and_in_no_other_way(site) {
        site.init(&["issuer"]);
        let session = site.session();
        let library = Library::load(&site.token().module).unwrap();
        let (public, private) = pair(&session, library);
        let told = session.get_attributes(public, &[AttributeType::Modulus, AttributeType::PublicExponent]).unwrap();
        let [Attribute::Modulus(modulus), Attribute::PublicExponent(exponent)] = told.as_slice() else { panic!("{told:?}") };
        let elsewhere = session.create_object(&[
            Attribute::Class(ObjectClass::PUBLIC_KEY),
            Attribute::KeyType(KeyType::RSA),
            Attribute::Token(false),
            Attribute::Private(false),
            Attribute::Wrap(true),
            Attribute::Encrypt(false),
            Attribute::Verify(false),
            Attribute::Modulus(modulus.clone()),
            Attribute::PublicExponent(exponent.clone()),
        ]).unwrap();
        let born = session.generate_key(&Mechanism::AesKeyGen, &secret(Attribute::Token(false), vec![
            Attribute::ValueLen(32.into()), Attribute::Sensitive(true), Attribute::Extractable(true), Attribute::Sign(true),
        ])).unwrap();
        let blob = session.wrap_key(&oaep(), elsewhere, born).unwrap();
        assert_eq!(blob.len(), 384);
        let unwrap = |template: &[Attribute]| library.unwrap_key(&session, &oaep(), private, &blob, &secret(Attribute::Token(true), template.to_vec()), &derives());
        for (at, other) in [
            (0, Attribute::Sensitive(false)),
            (1, Attribute::Extractable(true)),
            (3, Attribute::Sign(true)),
            (6, Attribute::Decrypt(true)),
            (7, Attribute::Wrap(true)),
            (9, Attribute::Copyable(true)),
            (10, Attribute::Modifiable(true)),
        ] {
            let mut template = kek();
            let what = format!("{other:?}");
            template[at] = other;
            assert!(unwrap(&template).is_err(), "{what}");
        }
        let kek = unwrap(&kek()).unwrap();
        assert!(session.decrypt(&oaep(), private, &blob).is_err(), "decryption");
        assert!(session.copy_object(private, &[Attribute::Token(false), Attribute::Decrypt(true)]).is_err(), "a copy");
        assert!(session.update_attributes(private, &[Attribute::Decrypt(true)]).is_err(), "a change");
        assert_eq!(session.get_attributes(kek, &[AttributeType::Value]).unwrap(), []);
        let mut one = [0; 16];
        session.encrypt_init(&Mechanism::AesEcb, kek).unwrap();
        assert_eq!(library.encrypt(&session, &[1; 16], &mut one).unwrap(), 16);
        println!("{one:02x?}");
    }
}
