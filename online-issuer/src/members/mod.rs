//! Members: who joined, and what they said of themselves, which is in the vault alone.

mod error;
mod fields;
mod number;
mod register;
mod service;

pub use error::MemberError;
pub use fields::{FieldName, MemberFields};
pub use number::assign as assign_number;
pub use register::{Member, MemberExport, Registered, forget};
pub(crate) use register::{Person, person_if_kept};
pub use service::{Service, Services};
