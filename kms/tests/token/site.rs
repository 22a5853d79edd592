//! A test's own site: token, PIN, fuda.toml, database; and the child process that runs the test in it.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use fuda_cli::Source;
use fuda_cli::config::{self, Config};
use fuda_kms::adopt::{self, Adoption};
use fuda_kms::init::{self, Order, Report};
use fuda_kms::keys_file::KeysFile;
use fuda_kms::{Error, Hsm, HsmConfig, KeyLength, KeyVersion, Place, Registry, Scheme, TokenConfig};
use fuda_store::Store;
use std::io::Write;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Names the folder of the site to the child that runs a test's body.
const SITE: &str = "FUDA_KMS_TEST_SITE";

/// The second token: its library, as `cargo xtask peers` builds it.
const KRYOPTIC: &str = "FUDA_KRYOPTIC_MODULE";

/// Whose token a site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    SoftHsm,
    Kryoptic,
}

const MODULES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// A test whose body gets a site of its own.
macro_rules! site_test {
    ($(#[$meta:meta])* fn $name:ident($site:ident) $body:block) => {
        $(#[$meta])*
        #[test]
        fn $name() {
            crate::site::in_child(concat!(module_path!(), "::", stringify!($name)), crate::site::Maker::SoftHsm, |$site| $body);
        }
    };
}
pub(crate) use site_test;

/// The same on a site of each maker: `name::softhsm`, and `name::kryoptic`, which is skipped by name where Kryoptic is not.
macro_rules! both_tokens {
    ($(#[$meta:meta])* fn $name:ident($site:ident) $body:block) => {
        $(#[$meta])*
        mod $name {
            use super::*;

            fn body($site: &crate::site::Site) $body

            #[test]
            fn softhsm() {
                crate::site::in_child(concat!(module_path!(), "::softhsm"), crate::site::Maker::SoftHsm, body);
            }

            #[test]
            fn kryoptic() {
                crate::site::in_child(concat!(module_path!(), "::kryoptic"), crate::site::Maker::Kryoptic, body);
            }
        }
    };
}
pub(crate) use both_tokens;

/// A test whose body gets a site with a Kryoptic token.
macro_rules! kryoptic_test {
    ($(#[$meta:meta])* fn $name:ident($site:ident) $body:block) => {
        $(#[$meta])*
        #[test]
        fn $name() {
            crate::site::in_child(concat!(module_path!(), "::", stringify!($name)), crate::site::Maker::Kryoptic, |$site| $body);
        }
    };
}
pub(crate) use kryoptic_test;

#[derive(Debug)]
pub(crate) struct Site {
    folder: PathBuf,
    maker: Maker,
}

/// Runs `body` in a child of this binary that has a fresh site, and shows its output when it fails.
pub(crate) fn in_child(test: &str, maker: Maker, body: impl FnOnce(&Site)) {
    if let Some(folder) = std::env::var_os(SITE) {
        body(&Site { folder: folder.into(), maker });
        return;
    }
    if maker == Maker::Kryoptic && std::env::var_os(KRYOPTIC).is_none() {
        return skipped(test, "there is no Kryoptic: `cargo xtask peers` builds it");
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Site::make(folder.path(), maker);
    let name = test.split_once("::").unwrap().1;
    let output = site
        .environment(Command::new(std::env::current_exe().unwrap()))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    print!("{out}");
    assert!(output.status.success(), "{test}: {}\n{out}\n{err}", output.status);
    assert!(out.contains("1 passed"), "{test} did not run: {out}");
}

/// Says that a test cannot run here.
fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED {test}: {why}\n");
    eprint!("{line}");
    if let Some(log) = std::env::var_os("FUDA_SKIP_LOG") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
    }
}

/// SoftHSM's library.
pub(crate) fn softhsm() -> PathBuf {
    let named = std::env::var_os("FUDA_PKCS11_MODULE").map(PathBuf::from);
    named.or_else(|| MODULES.iter().map(PathBuf::from).find(|path| path.exists())).unwrap_or_else(|| {
        panic!("no SoftHSM: set FUDA_PKCS11_MODULE to libsofthsm2.so, or run `cargo xtask test`, which fetches it")
    })
}

impl Site {
    fn make(folder: &Path, maker: Maker) -> Self {
        let site = Self { folder: folder.to_owned(), maker };
        match maker {
            Maker::SoftHsm => site.configure_softhsm(),
            Maker::Kryoptic => site.configure_kryoptic(&[]),
        }
        site.configure("test");
        site
    }

    fn configure_softhsm(&self) {
        let tokens = self.path("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let conf =
            format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
        std::fs::write(self.path("softhsm2.conf"), conf).unwrap();
    }

    /// Writes Kryoptic's configuration, without some mechanisms. The library reads it once per process.
    pub(crate) fn configure_kryoptic(&self, without: &[&str]) {
        let denied: String = without.iter().map(|name| format!(", \"{name}\"")).collect();
        let mechanisms = if without.is_empty() { String::new() } else { format!("mechanisms = [\"DENY\"{denied}]\n") };
        let conf = format!(
            "[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n{mechanisms}",
            self.path("kryoptic.sql").display()
        );
        std::fs::write(self.path("kryoptic.conf"), conf).unwrap();
    }

    /// The library that fuda.toml names at first.
    pub(crate) fn module(&self) -> PathBuf {
        match self.maker {
            Maker::SoftHsm => softhsm(),
            Maker::Kryoptic => std::env::var_os(KRYOPTIC).unwrap().into(),
        }
    }

    /// Whose token it is.
    pub(crate) const fn maker(&self) -> Maker {
        self.maker
    }

    /// Writes fuda.toml for a mode.
    pub(crate) fn configure(&self, mode: &str) {
        let text = format!(
            "[site]\nname = \"t\"\nmode = \"{mode}\"\n[hsm]\nmodule = \"{}\"\nprovider = \"{}\"\n\
             token = {{ label = \"factory\" }}\npin = {{ file = \"pin\" }}\nworkers = 2\n[store]\nurl = \"sqlite:fuda.db\"\n",
            self.module().display(),
            match self.maker {
                Maker::SoftHsm => "softhsm",
                Maker::Kryoptic => "kryoptic",
            }
        );
        std::fs::write(self.path("fuda.toml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command with this site's environment.
    pub(crate) fn environment(&self, mut command: Command) -> Command {
        command.env(SITE, &self.folder);
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).env("KRYOPTIC_CONF", self.path("kryoptic.conf"));
        command
    }

    /// Runs `fuda-kms` at this site.
    pub(crate) fn fuda_kms(&self, arguments: &[&str]) -> Output {
        self.fuda_kms_command().args(arguments).output().unwrap()
    }

    /// `fuda-kms` at this site, to be started.
    pub(crate) fn fuda_kms_command(&self) -> Command {
        let mut command = self.environment(Command::new(env!("CARGO_BIN_EXE_fuda-kms")));
        command.arg("--config").arg(self.path("fuda.toml")).current_dir(&self.folder);
        command
    }

    pub(crate) fn config(&self) -> Config {
        config::parse(&Source::read(&self.path("fuda.toml")).unwrap(), &self.folder).unwrap()
    }

    pub(crate) fn token(&self) -> TokenConfig {
        TokenConfig::from_file(&self.config()).unwrap()
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::open(Store::open(&self.config().store.url).unwrap())
    }

    pub(crate) fn try_init(&self, keys: &str) -> Result<Report, Error> {
        let keys = KeysFile::parse(&Source::new("keys.toml", format!("token = \"factory\"\n{keys}"))).unwrap();
        let blobs = self.path("blobs");
        std::fs::create_dir_all(&blobs).unwrap();
        init::run(Order { token: &self.token(), keys: &keys, blobs: Some(&blobs) }, &self.registry())
    }

    /// Makes the token with these keys, each born as named.
    pub(crate) fn init(&self, names: &[&str]) -> Report {
        let keys: String = names.iter().map(|name| format!("[[key]]\nname = \"{name}\"\n")).collect();
        self.try_init(&keys).unwrap()
    }

    /// Workers as threads of the test, on the token itself: a test can take their login or their keys away.
    pub(crate) fn hsm(&self, workers: u16) -> Result<Hsm, Error> {
        self.hsm_at(Place::Threads, workers)
    }

    /// Workers as in production.
    pub(crate) fn pool(&self, workers: u16) -> Result<Hsm, Error> {
        self.hsm_at(Place::Processes { program: env!("CARGO_BIN_EXE_fuda-kms").into() }, workers)
    }

    /// The same with a token whose provider profile a test has changed.
    pub(crate) fn pool_of(&self, token: TokenConfig, workers: u16) -> Result<Hsm, Error> {
        self.hsm_of(token, Place::Processes { program: env!("CARGO_BIN_EXE_fuda-kms").into() }, workers)
    }

    pub(crate) fn hsm_at(&self, place: Place, workers: u16) -> Result<Hsm, Error> {
        self.hsm_of(self.token(), place, workers)
    }

    pub(crate) fn hsm_of(&self, token: TokenConfig, place: Place, workers: u16) -> Result<Hsm, Error> {
        let config = HsmConfig { token, workers: NonZeroU16::new(workers).unwrap(), place };
        Hsm::start(&config, &self.registry())
    }

    /// A session of the test's own, logged in.
    pub(crate) fn session(&self) -> Session {
        let session = self.open_session();
        let pin = std::fs::read_to_string(self.path("pin")).unwrap();
        let _ = session.login(UserType::User, Some(&AuthPin::from(pin.trim_end().to_owned())));
        session
    }

    /// The same, not logged in.
    pub(crate) fn open_session(&self) -> Session {
        let library = Pkcs11::new(self.module()).unwrap();
        let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slot = library
            .get_slots_with_token()
            .unwrap()
            .into_iter()
            .find(|slot| library.get_token_info(*slot).unwrap().label() == "factory")
            .unwrap();
        library.open_rw_session(slot).unwrap()
    }

    /// Puts a MAC key of known value into the token and registers it.
    pub(crate) fn adopt_mac(&self, session: &Session, version: &str, value: &[u8; 32]) {
        import_for(session, version, version.as_bytes(), value, Purpose::Mac);
        self.adopt(version.parse().unwrap(), Scheme::Kdf3, KeyLength::default());
    }

    /// Puts a key of known value into the token and registers it, as a vendor's ceremony would.
    pub(crate) fn import(&self, session: &Session, version: &str, value: &[u8]) {
        self.import_as(session, version, value, Scheme::Kdf3);
    }

    /// The same by a scheme.
    pub(crate) fn import_as(&self, session: &Session, version: &str, value: &[u8], scheme: Scheme) {
        import(session, version, value);
        self.adopt(version.parse().unwrap(), scheme, KeyLength::from_bytes(value.len()).unwrap());
    }

    fn adopt(&self, version: KeyVersion, scheme: Scheme, length: KeyLength) {
        let adoption = Adoption { label: version.to_string(), version, id: None, scheme, length, check: None };
        adopt::run(&self.token(), &self.registry(), &adoption).unwrap();
    }
}

/// C_CreateObject of a key-derivation key with a known value.
pub(crate) fn import(session: &Session, label: &str, value: &[u8]) {
    import_with_id(session, label, format!("id of {label}").as_bytes(), value);
}

/// The same with an identifier.
pub(crate) fn import_with_id(session: &Session, label: &str, id: &[u8], value: &[u8]) {
    import_for(session, label, id, value, Purpose::Derive);
}

/// What an imported key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Derive,
    Mac,
}

fn import_for(session: &Session, label: &str, id: &[u8], value: &[u8], purpose: Purpose) {
    session
        .create_object(&[
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Id(id.to_vec()),
            Attribute::Value(value.to_vec()),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Derive(purpose == Purpose::Derive),
            Attribute::Sign(purpose == Purpose::Mac),
            Attribute::Verify(false),
            Attribute::Encrypt(false),
            Attribute::Decrypt(false),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
        ])
        .unwrap();
}
