//! What a token does with an RSA pair that carries an unwrap template: a KEK that was sealed for it comes in as it must be and in no other way.

use crate::site::both_tokens;
use crate::template::{but, secret, stays_for_ever_with};
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
    stays_for_ever_with(&[Attribute::Encrypt(true), Attribute::Unwrap(true)])
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
        let born = session.generate_key(&Mechanism::AesKeyGen, &secret(&[
            Attribute::Token(false), Attribute::Private(true), Attribute::ValueLen(32.into()), Attribute::Sensitive(true), Attribute::Extractable(true), Attribute::Sign(true),
        ])).unwrap();
        let blob = session.wrap_key(&oaep(), elsewhere, born).unwrap();
        assert_eq!(blob.len(), 384);
        let unwrap = |template: &[Attribute]| {
            let template = secret(&[&[Attribute::Token(true), Attribute::Private(true)], template].concat());
            library.unwrap_key(&session, &oaep(), private, &blob, &template, &derives())
        };
        for other in [
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
            Attribute::Sign(true),
            Attribute::Decrypt(true),
            Attribute::Wrap(true),
            Attribute::Copyable(true),
            Attribute::Modifiable(true),
        ] {
            assert!(unwrap(&but(&kek(), &other)).is_err(), "{other:?}");
        }
        let kek = unwrap(&kek()).unwrap();
        assert!(session.decrypt(&oaep(), private, &blob).is_err(), "decryption");
        assert!(session.copy_object(private, &[Attribute::Token(false), Attribute::Decrypt(true)]).is_err(), "a copy");
        assert!(session.update_attributes(private, &[Attribute::Decrypt(true)]).is_err(), "a change");
        assert_eq!(session.get_attributes(kek, &[AttributeType::Value]).unwrap(), []);
        let mut one = [0; 16];
        session.encrypt_init(&Mechanism::AesEcb, kek).unwrap();
        assert_eq!(library.encrypt(&session, &[1; 16], &mut one).unwrap(), 16);
    }
}
