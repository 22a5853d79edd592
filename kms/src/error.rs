//! What can go wrong with keys, by who is at fault. Codes, exit codes and remedies follow from the variant (`report.rs`).

use crate::check_value::CheckValue;
pub(crate) use crate::doing::Doing;
use crate::exchange::ExchangeError;
use crate::exchange::pair::PairError;
use crate::fault::Fault;
use crate::label::TokenLabel;
use crate::length::KeyLength;
use crate::message::Epoch;
use crate::name::{KeyName, KeyVersion, NameError};
use crate::pool::error::PoolError;
use crate::provider::ProviderError;
use crate::route::Route;
use crate::rv::ReturnValue;
use crate::scheme::Scheme;
use crate::state::State;
use std::path::PathBuf;
use thiserror::Error;

/// An error of this crate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The PKCS#11 library cannot be loaded.
    #[error("cannot load the PKCS#11 library {}: {text}", path.display())]
    Module {
        /// The library.
        path: PathBuf,
        /// What the loader says.
        text: String,
    },
    /// A PKCS#11 function returned something other than CKR_OK.
    #[error("cannot {doing}: C_{function} returned {value} ({})", value.class().as_str())]
    Token {
        /// What it was called for.
        doing: &'static str,
        /// The function, without `C_`.
        function: String,
        /// What it returned.
        value: ReturnValue,
    },
    /// The binding refused a call before or after the library saw it.
    #[error("cannot {doing}: {text}")]
    Binding {
        /// What was tried.
        doing: &'static str,
        /// What the binding says.
        text: String,
    },
    /// A PKCS#11 function succeeded with an output of a length that cannot be.
    #[error("{function} gave {found} bytes where {expected} must come")]
    OutputLength {
        /// The function.
        function: &'static str,
        /// Bytes that must come.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// Text that is no token label.
    #[error("`{text}` is no token label")]
    TokenLabel {
        /// The text.
        text: String,
    },
    /// No token has the label.
    #[error("no token is labelled `{label}` in {}", module.display())]
    TokenAbsent {
        /// The label.
        label: TokenLabel,
        /// The library that was asked.
        module: PathBuf,
    },
    /// Two tokens have the label.
    #[error("two tokens are labelled `{label}`")]
    TokenTwice {
        /// The label.
        label: TokenLabel,
    },
    /// No slot can take a new token.
    #[error("no slot without a token in {}", module.display())]
    NoFreeSlot {
        /// The library that was asked.
        module: PathBuf,
    },
    /// The PIN file cannot be used.
    #[error("PIN file {}: {reason}", path.display())]
    PinFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: PinFileReason,
    },
    /// The PIN cannot be read from a descriptor or a prompt.
    #[error("cannot read the PIN: {text}")]
    PinInput {
        /// Why not.
        text: String,
    },
    /// The token refused the PIN; this was the one try.
    #[error("token `{label}` refused the PIN: C_Login returned {value}")]
    PinRefused {
        /// The token.
        label: TokenLabel,
        /// What C_Login returned.
        value: ReturnValue,
    },
    /// A PIN error of an earlier start has not been cleared.
    #[error("token `{label}` is latched after a PIN error ({note}); C_Login was not called")]
    PinLatched {
        /// The token.
        label: TokenLabel,
        /// What the latch file says.
        note: String,
    },
    /// The next wrong PIN would lock the token, or it is locked.
    #[error("token `{label}` {says}; C_Login was not called")]
    PinAtLimit {
        /// The token.
        label: TokenLabel,
        /// What its flags say.
        says: &'static str,
    },
    /// A file of ours beside the token (lock, latch, blob) cannot be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process held the token's start-up lock for too long.
    #[error("another process has been starting on token `{label}` for {waited_s} s")]
    StartupBusy {
        /// The token.
        label: TokenLabel,
        /// How long we waited, in seconds.
        waited_s: u64,
    },
    /// A name that is no key's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The registry knows no such version.
    #[error("the registry knows no {version}")]
    VersionUnknown {
        /// The version.
        version: KeyVersion,
    },
    /// The registry has no ACTIVE version of the key.
    #[error("no version of {name} is ACTIVE")]
    NoActiveVersion {
        /// The key.
        name: KeyName,
    },
    /// The version exists already.
    #[error("{version} is registered already")]
    VersionExists {
        /// The version.
        version: KeyVersion,
    },
    /// The object is registered as a version already.
    #[error("the object `{label}` is registered already, so it cannot become {version}")]
    ObjectTaken {
        /// The version that it was to become.
        version: KeyVersion,
        /// Its label.
        label: String,
    },
    /// The version's state forbids what was asked.
    #[error("{version} is {state}: it may not {wanted}")]
    StateForbids {
        /// The version.
        version: KeyVersion,
        /// Its state.
        state: State,
        /// What was asked.
        wanted: &'static str,
    },
    /// The version is of another kind than the request needs.
    #[error("{version} is no {wanted} key")]
    WrongKind {
        /// The version.
        version: KeyVersion,
        /// The kind asked for.
        wanted: &'static str,
    },
    /// The token has no object for a version that the registry knows.
    #[error("{version}: the token has no object labelled `{label}`")]
    KeyAbsent {
        /// The version.
        version: KeyVersion,
        /// The label looked for.
        label: String,
    },
    /// The token has several objects for one version.
    #[error("{version}: the token has {count} objects of that name")]
    KeyTwice {
        /// The version.
        version: KeyVersion,
        /// How many.
        count: usize,
    },
    /// The token has an object that the registry does not know.
    #[error("{version}: the token has an object of that name which the registry does not know")]
    KeyUnregistered {
        /// The version.
        version: KeyVersion,
    },
    /// The token has an object that belongs to no version.
    #[error("the token has an object `{label}` that the registry does not know")]
    ObjectStray {
        /// Its label.
        label: String,
    },
    /// A birth was intended and not finished.
    #[error("{version}: its birth was cut and is not finished")]
    BirthUnfinished {
        /// The version.
        version: KeyVersion,
    },
    /// The key's rights do not allow a method of check value.
    #[error("{version}: {why}")]
    MethodUnfit {
        /// The version.
        version: KeyVersion,
        /// Why not.
        why: &'static str,
    },
    /// An attribute of a key is not what it must be.
    #[error("{version}: the token reports {found} where {expected} must be")]
    KeyAttribute {
        /// The version.
        version: KeyVersion,
        /// What must be.
        expected: String,
        /// What the token reports.
        found: String,
    },
    /// The token holds another key than the registry's.
    #[error("{version}: check value {found}, but {expected} is on record")]
    KcvMismatch {
        /// The version.
        version: KeyVersion,
        /// On record.
        expected: CheckValue,
        /// Made from the key in the token.
        found: CheckValue,
    },
    /// keys.toml wants something else than what is registered.
    #[error("{version}: {what} differs: keys.toml says {wanted}, the registry says {registered}")]
    Differs {
        /// The version.
        version: KeyVersion,
        /// What differs.
        what: &'static str,
        /// By keys.toml.
        wanted: String,
        /// By the registry.
        registered: String,
    },
    /// The token computes something else than the published answer.
    #[error("known-answer test failed: {route} gave {found} where {expected} is right ({what})")]
    KnownAnswer {
        /// The route tested.
        route: &'static str,
        /// What was computed.
        what: &'static str,
        /// The right answer.
        expected: String,
        /// The token's.
        found: String,
    },
    /// The token has no way to derive card keys of a length that can be trusted.
    #[error("the token cannot derive {length} card keys{}", instead_text(*instead))]
    NoRoute {
        /// The length.
        length: KeyLength,
        /// The route that it has, for other lengths.
        instead: Option<Route>,
    },
    /// Policy of the site forbids it.
    #[error("{what}")]
    Policy {
        /// What is forbidden, one sentence.
        what: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The version's scheme forbids what was asked.
    #[error("{version} has the scheme `{scheme}`: it may not {wanted}")]
    SchemeForbids {
        /// The version.
        version: KeyVersion,
        /// Its scheme.
        scheme: Scheme,
        /// What was asked.
        wanted: &'static str,
    },
    /// The provider profile.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A request that no well-made caller sends.
    #[error("bad request: {what}")]
    BadRequest {
        /// What is wrong.
        what: &'static str,
    },
    /// What was sealed does not open.
    #[error(
        "what was sealed under {version} does not open: it, its associated data or its wrapped data key is another"
    )]
    SealBroken {
        /// The vault key.
        version: KeyVersion,
    },
    /// A message is not what the contract says.
    #[error("bad message: {text}")]
    Message {
        /// What is wrong, without the message's content.
        text: String,
    },
    /// The caller has seen a newer registry than this worker can read.
    #[error("request of registry epoch {wanted}, but the registry is at {found}")]
    EpochAhead {
        /// Of the request.
        wanted: Epoch,
        /// Of the registry.
        found: Epoch,
    },
    /// The queue stayed full, or the answer did not come in time.
    #[error("the HSM workers did not answer within {waited_s} s")]
    Deadline {
        /// How long we waited, in seconds.
        waited_s: u64,
    },
    /// Every worker has ended.
    #[error("no HSM worker is running")]
    NoWorker,
    /// A key on its road between tokens.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A worker process, seen from outside.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// What a worker reported.
    #[error("{0}")]
    Worker(Box<Fault>),
    /// The registry's table holds something that cannot be.
    #[error("registry: {text}")]
    Registry {
        /// What is wrong.
        text: String,
    },
    /// A file of sealed sets is not what it was when it was opened.
    #[error("{file} has changed since it was opened")]
    SetsChanged {
        /// The file.
        file: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] fuda_store::Error),
}

fn instead_text(instead: Option<Route>) -> String {
    instead.map_or_else(String::new, |route| format!(": the route `{route}`, which it has, is not right for them"))
}

/// Why a PIN file was refused.
#[derive(Debug, Error)]
pub enum PinFileReason {
    /// It cannot be read or made.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Others may read it.
    #[error("mode {mode:04o} lets others read it")]
    Mode {
        /// Its permission bits.
        mode: u32,
    },
    /// It is no regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// It holds no PIN.
    #[error("it is empty, or longer than a PIN, or has more than one line")]
    Content,
}

impl From<PairError> for Error {
    fn from(error: PairError) -> Self {
        Self::Exchange(error.into())
    }
}
