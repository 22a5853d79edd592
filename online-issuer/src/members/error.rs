//! What is wrong about a member, a service or their data.

use thiserror::Error;

/// Why a request about a member is refused. No value of a field is ever in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MemberError {
    /// No such member.
    #[error("there is no member {member}")]
    NotFound {
        /// The name asked for.
        member: String,
    },
    /// The member was erased.
    #[error("member {member} was erased")]
    Erased {
        /// The member.
        member: String,
    },
    /// An order of the member holds money or a card.
    #[error("member {member} has an order that is {state}")]
    Busy {
        /// The member.
        member: String,
        /// State of the entitlement.
        state: String,
    },
    /// A field's name or value is not as it must be.
    #[error("field {field}: {what}")]
    Field {
        /// Its name, as far as it is one.
        field: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The field is not among those that can be looked for.
    #[error("members cannot be looked for by {field}")]
    NotIndexed {
        /// The field.
        field: String,
    },
    /// No such service.
    #[error("there is no service {service}")]
    NoService {
        /// What was asked for.
        service: String,
    },
    /// Every number of the service is assigned.
    #[error("the member numbers of service {service} are used up")]
    NumbersUsedUp {
        /// The service.
        service: String,
    },
}

impl MemberError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "MEMBER_NOT_FOUND",
            Self::Erased { .. } => "MEMBER_ERASED",
            Self::Busy { .. } => "MEMBER_BUSY",
            Self::Field { .. } => "MEMBER_FIELD",
            Self::NotIndexed { .. } => "MEMBER_NOT_INDEXED",
            Self::NoService { .. } => "SERVICE_NOT_FOUND",
            Self::NumbersUsedUp { .. } => "MEMBER_NUMBERS_USED_UP",
        }
    }
}
