//! The PKCS#11 side: one library, one token, sessions that count their calls, templates built by purpose.
//!
//! OASIS PKCS #11 Specification 3.1; nothing outside this folder names a mechanism or an attribute.

pub(crate) mod keys;
pub(crate) mod module;
pub(crate) mod reported;
pub(crate) mod session;
pub(crate) mod template;

pub(crate) use module::{Module, Token};
pub(crate) use session::Door;
