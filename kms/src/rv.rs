//! What a PKCS#11 return value asks for: the table of classes, as data, and the official names.
//!
//! OASIS PKCS #11 Specification 3.1 §5.1 lists the values; what to do about them is this house's experience with tokens.

use cryptoki::error::RvError;
use std::fmt;

/// What to do about a return value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing is wrong.
    Fine,
    /// Open a new session, find the keys again, try once more.
    ReopenOnce,
    /// The library or the device may be gone: start over, but only when a test derivation fails too.
    Reset,
    /// Wait and try again a few times.
    BackOff,
    /// Trying again does harm.
    NeverRetry,
    /// The token, the provider profile or a template is not what we think; trying again is useless.
    Configuration,
    /// Anything else: reported as it is, not tried again.
    Other,
}

impl Class {
    /// Every class.
    pub(crate) const ALL: [Self; 7] =
        [Self::Fine, Self::ReopenOnce, Self::Reset, Self::BackOff, Self::NeverRetry, Self::Configuration, Self::Other];

    /// The word in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::ReopenOnce => "re-open once",
            Self::Reset => "reset",
            Self::BackOff => "back off",
            Self::NeverRetry => "never retry",
            Self::Configuration => "configuration",
            Self::Other => "other",
        }
    }
}

/// A return value other than CKR_OK.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReturnValue(RvError);

impl ReturnValue {
    /// From the binding's value.
    #[must_use]
    pub const fn new(value: RvError) -> Self {
        Self(value)
    }

    /// What to do about it.
    #[must_use]
    pub fn class(self) -> Class {
        CLASSES.iter().find(|(value, _)| *value == self.0).map_or(Class::Other, |(_, class)| *class)
    }
}

/// Values that are in no row are [`Class::Other`].
const CLASSES: &[(RvError, Class)] = &[
    (RvError::UserAlreadyLoggedIn, Class::Fine),
    (RvError::CryptokiAlreadyInitialized, Class::Fine),
    (RvError::SessionHandleInvalid, Class::ReopenOnce),
    (RvError::SessionClosed, Class::ReopenOnce),
    (RvError::OperationActive, Class::ReopenOnce),
    (RvError::UserNotLoggedIn, Class::ReopenOnce),
    (RvError::KeyHandleInvalid, Class::ReopenOnce),
    (RvError::ObjectHandleInvalid, Class::ReopenOnce),
    (RvError::WrappingKeyHandleInvalid, Class::ReopenOnce),
    (RvError::UnwrappingKeyHandleInvalid, Class::ReopenOnce),
    (RvError::DeviceError, Class::Reset),
    (RvError::DeviceRemoved, Class::Reset),
    (RvError::GeneralError, Class::Reset),
    (RvError::TokenNotPresent, Class::Reset),
    (RvError::CryptokiNotInitialized, Class::Reset),
    (RvError::FunctionFailed, Class::Reset),
    (RvError::SessionCount, Class::BackOff),
    (RvError::HostMemory, Class::BackOff),
    (RvError::DeviceMemory, Class::BackOff),
    (RvError::PinIncorrect, Class::NeverRetry),
    (RvError::PinInvalid, Class::NeverRetry),
    (RvError::PinLenRange, Class::NeverRetry),
    (RvError::PinExpired, Class::NeverRetry),
    (RvError::PinLocked, Class::NeverRetry),
    (RvError::PinTooWeak, Class::NeverRetry),
    (RvError::UserPinNotInitialized, Class::NeverRetry),
    (RvError::MechanismInvalid, Class::Configuration),
    (RvError::MechanismParamInvalid, Class::Configuration),
    (RvError::TemplateIncomplete, Class::Configuration),
    (RvError::TemplateInconsistent, Class::Configuration),
    (RvError::AttributeReadOnly, Class::Configuration),
    (RvError::AttributeSensitive, Class::Configuration),
    (RvError::AttributeTypeInvalid, Class::Configuration),
    (RvError::AttributeValueInvalid, Class::Configuration),
    (RvError::FunctionNotSupported, Class::Configuration),
    (RvError::KeyFunctionNotPermitted, Class::Configuration),
    (RvError::KeyUnextractable, Class::Configuration),
    (RvError::KeyNotWrappable, Class::Configuration),
    (RvError::KeyTypeInconsistent, Class::Configuration),
    (RvError::KeySizeRange, Class::Configuration),
    (RvError::WrappingKeyTypeInconsistent, Class::Configuration),
    (RvError::ActionProhibited, Class::Configuration),
];

/// `CKR_PIN_INCORRECT`; vendor values as `CKR_0x80000001`.
impl fmt::Display for ReturnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let RvError::VendorDefined(number) | RvError::UnknownErrorCode(number) = self.0 {
            return write!(f, "CKR_0x{number:08X}");
        }
        f.write_str("CKR")?;
        for letter in format!("{:?}", self.0).chars() {
            if letter.is_ascii_uppercase() {
                f.write_str("_")?;
            }
            write!(f, "{}", letter.to_ascii_uppercase())?;
        }
        Ok(())
    }
}

impl fmt::Debug for ReturnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_official_names() {
        for (value, name) in [
            (RvError::PinIncorrect, "CKR_PIN_INCORRECT"),
            (RvError::SessionHandleInvalid, "CKR_SESSION_HANDLE_INVALID"),
            (RvError::VendorDefined(0x8000_0001), "CKR_0x80000001"),
        ] {
            assert_eq!(ReturnValue::new(value).to_string(), name);
        }
    }

    #[test]
    fn every_row_is_provoked_by_a_test() {
        let tests = include_str!("../tests/token/return_values.rs");
        for (value, class) in CLASSES {
            let name = ReturnValue::new(*value).to_string();
            assert!(*class == Class::Fine || tests.contains(&format!("\"{name}\"")), "{name}");
        }
    }

    #[test]
    fn every_value_has_one_row_at_most_and_pin_errors_are_never_tried_again() {
        for (number, (value, class)) in CLASSES.iter().enumerate() {
            assert!(CLASSES.iter().skip(number + 1).all(|(other, _)| other != value), "{value:?} twice");
            if format!("{value:?}").contains("Pin") {
                assert_eq!(*class, Class::NeverRetry, "{value:?}");
            }
        }
        assert_eq!(ReturnValue::new(RvError::NoEvent).class(), Class::Other);
    }
}
