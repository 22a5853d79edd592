//! What an HSM vendor's own ceremony does: an object in the token, made with PKCS#11 and nothing of ours.
//!
//! A library reads its configuration once per process, and every site has its own: the ceremony is a child of the test binary, which runs
//! the same test again and finds the task in its environment.

use crate::site::Site;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

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
    /// Destroys the objects with a label.
    Destroy {
        /// CKA_LABEL.
        label: String,
    },
}

impl Task {
    fn text(&self) -> String {
        match self {
            Self::Import { label, value } => format!("{label}={value}"),
            Self::Destroy { label } => label.clone(),
        }
    }

    fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((label, value)) => Self::Import { label: label.to_owned(), value: value.to_owned() },
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
        Task::Import { label, value } => import(&session, &label, &value),
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
    let slot = slots.find(|slot| library.get_token_info(*slot).unwrap().label() == "factory").unwrap();
    let session = library.open_rw_session(slot).unwrap();
    let pin = std::fs::read_to_string("pin").unwrap();
    session.login(UserType::User, Some(&AuthPin::from(pin.trim_end().to_owned()))).unwrap();
    session
}

fn import(session: &Session, label: &str, value: &str) {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Label(label.as_bytes().to_vec()),
        Attribute::Id(label.as_bytes().to_vec()),
        Attribute::Value(hex::decode(value).unwrap()),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Derive(true),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
    ];
    session.create_object(&template).unwrap();
}

fn destroy(session: &Session, label: &str) {
    let objects = session.find_objects(&[Attribute::Label(label.as_bytes().to_vec())]).unwrap();
    assert!(!objects.is_empty(), "the token has no `{label}`");
    for object in objects {
        session.destroy_object(object).unwrap();
    }
}
