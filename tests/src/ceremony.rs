//! What an HSM vendor's own ceremony does: an object in the token, made with PKCS#11 and nothing of ours.
//!
//! A library reads its configuration once per process, and every site has its own: the ceremony is a child of the test binary, which runs
//! the same test again and finds the task in its environment.

use crate::site::Site;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use fuda_pkcs11_ext::Library;
use std::path::Path;

/// What the child is to do, written by [`Task::text`].
const TASK: &str = "FUDA_TEST_CEREMONY";

/// The library that the child loads.
const MODULE: &str = "FUDA_TEST_CEREMONY_MODULE";

/// A change of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Makes a key-derivation key of a known value.
    Import {
        /// CKA_LABEL.
        label: String,
        /// The key, hex.
        value: String,
    },
    /// Makes a key that MACs, of a known value.
    Mac {
        /// CKA_LABEL.
        label: String,
        /// The key, hex.
        value: String,
    },
    /// Makes a KEK for the sets of single cards, of a known value.
    CardKek {
        /// CKA_LABEL.
        label: String,
        /// The key, hex.
        value: String,
        /// Where it is.
        side: Side,
    },
    /// Makes a KEK of a known value that lets keys in for deriving or for MACs, by an unwrap template.
    LetsIn {
        /// CKA_LABEL.
        label: String,
        /// The key, hex.
        value: String,
    },
    /// Makes a key of a known value that wraps data keys and lets them in again, by an unwrap template.
    Vault {
        /// CKA_LABEL.
        label: String,
        /// The key, hex.
        value: String,
    },
    /// Destroys the objects with a label.
    Destroy {
        /// CKA_LABEL.
        label: String,
    },
}

/// What a KEK for the sets of single cards may do where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// WRAP: where sets are sealed.
    Seals,
    /// UNWRAP, and ENCRYPT for its check value: where they are opened.
    Opens,
}

impl Task {
    fn text(&self) -> String {
        match self {
            Self::Import { label, value } => format!("{label}={value}"),
            Self::Mac { label, value } => format!("{label}=mac {value}"),
            Self::CardKek { label, value, side: Side::Seals } => format!("{label}=seals {value}"),
            Self::CardKek { label, value, side: Side::Opens } => format!("{label}=opens {value}"),
            Self::LetsIn { label, value } => format!("{label}=lets-in {value}"),
            Self::Vault { label, value } => format!("{label}=vault {value}"),
            Self::Destroy { label } => label.clone(),
        }
    }

    fn parse(text: &str) -> Self {
        let kek = |label: &str, value: &str, side| {
            let (label, value) = (label.to_owned(), value.to_owned());
            Self::CardKek { label, value, side }
        };
        match text.split_once('=').map(|(label, value)| (label, value.split_once(' ').unwrap_or(("", value)))) {
            Some((label, ("mac", value))) => Self::Mac { label: label.to_owned(), value: value.to_owned() },
            Some((label, ("seals", value))) => kek(label, value, Side::Seals),
            Some((label, ("opens", value))) => kek(label, value, Side::Opens),
            Some((label, ("vault", value))) => Self::Vault { label: label.to_owned(), value: value.to_owned() },
            Some((label, ("lets-in", value))) => Self::LetsIn { label: label.to_owned(), value: value.to_owned() },
            Some((label, (_, value))) => Self::Import { label: label.to_owned(), value: value.to_owned() },
            None => Self::Destroy { label: text.to_owned() },
        }
    }
}

/// Whether this process is the ceremony's; then it is done, and the test returns.
#[must_use]
pub fn is_held_here() -> bool {
    let Ok(task) = std::env::var(TASK) else { return false };
    let session = session();
    match Task::parse(&task) {
        Task::Import { label, value } => import(&session, &label, &value, &[Attribute::Derive(true)]),
        Task::Mac { label, value } => import(&session, &label, &value, &[Attribute::Sign(true)]),
        Task::CardKek { label, value, side: Side::Seals } => import(&session, &label, &value, &[Attribute::Wrap(true)]),
        Task::CardKek { label, value, side: Side::Opens } => {
            import(&session, &label, &value, &[Attribute::Unwrap(true), Attribute::Encrypt(true)]);
        }
        Task::LetsIn { label, value } => {
            let_in(&session, &label, &value, &[Attribute::Unwrap(true), Attribute::Encrypt(true)], &keys());
        }
        Task::Vault { label, value } => {
            let_in(&session, &label, &value, &[Attribute::Wrap(true), Attribute::Unwrap(true)], &data_keys());
        }
        Task::Destroy { label } => destroy(&session, &label),
    }
    true
}

/// Runs a task at a site. `test` is the calling test, named as the harness names it; its first line asks [`is_held_here`].
pub fn hold(site: &Site, test: &str, task: &Task) {
    let program = std::env::current_exe().unwrap();
    let mut command = site.command(&program, &[test, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(TASK, task.text()).env(MODULE, site.module());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{test}: {said}");
}

/// A session in the working directory's site, logged in.
fn session() -> Session {
    let library = Pkcs11::new(std::env::var_os(MODULE).unwrap()).unwrap();
    library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let mut slots = library.get_slots_with_token().unwrap().into_iter();
    let slot = slots.find(|slot| library.get_token_info(*slot).unwrap().token_initialized()).unwrap();
    let session = library.open_rw_session(slot).unwrap();
    let pin = std::fs::read_to_string("pin").unwrap();
    session.login(UserType::User, Some(&AuthPin::from(pin.trim_end().to_owned()))).unwrap();
    session
}

fn import(session: &Session, label: &str, value: &str, rights: &[Attribute]) {
    let value = Attribute::Value(hex::decode(value).unwrap());
    session.create_object(&[vec![value], kept(label, rights)].concat()).unwrap();
}

/// A token object that never leaves, with some rights and no others.
fn kept(label: &str, rights: &[Attribute]) -> Vec<Attribute> {
    let mut template = vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(label.as_bytes().to_vec()),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
    ];
    let none = [
        Attribute::Derive(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
    ];
    let granted = |no: &Attribute| rights.iter().find(|right| right.attribute_type() == no.attribute_type()).cloned();
    template.extend(none.into_iter().map(|no| granted(&no).unwrap_or(no)));
    template
}

/// What a KEK lets in: keys that derive or make MACs.
fn keys() -> Vec<Attribute> {
    [guarded(), vec![Attribute::Encrypt(false), Attribute::Decrypt(false)], unwrapping()].concat()
}

/// What a vault key lets in: keys that encrypt and decrypt.
fn data_keys() -> Vec<Attribute> {
    let own =
        vec![Attribute::Derive(false), Attribute::Sign(false), Attribute::Encrypt(true), Attribute::Decrypt(true)];
    [guarded(), own, unwrapping()].concat()
}

fn guarded() -> Vec<Attribute> {
    vec![Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Verify(false)]
}

fn unwrapping() -> Vec<Attribute> {
    vec![Attribute::Wrap(false), Attribute::Unwrap(false), Attribute::Modifiable(false)]
}

/// Brings a key in by C_UnwrapKey, the one call that gives it an unwrap template.
fn let_in(session: &Session, label: &str, value: &str, rights: &[Attribute], lets_in: &[Attribute]) {
    let known = |value: Vec<u8>, rights: &[Attribute]| {
        let head =
            [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), Attribute::Token(false)];
        session.create_object(&[head.as_slice(), &[Attribute::Value(value)], rights].concat()).unwrap()
    };
    let passage = known(vec![0x5C; 32], &[Attribute::Wrap(true), Attribute::Unwrap(true)]);
    let newborn = known(hex::decode(value).unwrap(), &[Attribute::Sensitive(true), Attribute::Extractable(true)]);
    let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, passage, newborn).unwrap();
    let mut template = kept(label, rights);
    template.extend([Attribute::Copyable(false), Attribute::Modifiable(false)]);
    let library = Library::load(Path::new(&std::env::var_os(MODULE).unwrap())).unwrap();
    library.unwrap_key(session, &Mechanism::AesKeyWrap, passage, &wrapped, &template, lets_in).unwrap();
}

fn destroy(session: &Session, label: &str) {
    let objects = session.find_objects(&[Attribute::Label(label.as_bytes().to_vec())]).unwrap();
    assert!(!objects.is_empty(), "the token has no `{label}`");
    for object in objects {
        session.destroy_object(object).unwrap();
    }
}
