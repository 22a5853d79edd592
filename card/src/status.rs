//! Status words SW1 SW2: ISO/IEC 7816-4:2020 §5.6, tables 6 and 7.

use std::fmt;

/// The two status bytes that end every response.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusWord(u16);

/// Declares the named status words once, for the constants and for [`StatusWord::meaning`].
macro_rules! status_words {
    ($($name:ident = $value:literal, $meaning:literal;)*) => {
        impl StatusWord {
            $(#[doc = $meaning] pub const $name: Self = Self($value);)*

            /// What the standard says this status word means; `None` where it has no fixed meaning.
            #[must_use]
            pub const fn meaning(self) -> Option<&'static str> {
                match self.0 { $($value => Some($meaning),)* _ => None }
            }
        }
    };
}

status_words! {
    SUCCESS = 0x9000, "no further qualification";
    FILE_DEACTIVATED_WARNING = 0x6283, "selected file deactivated";
    FILE_TERMINATED_WARNING = 0x6285, "selected file in termination state";
    AUTHENTICATION_FAILED = 0x6300, "authentication of the host cryptogram failed";
    EXECUTION_ERROR = 0x6400, "execution error, memory unchanged";
    MEMORY_FAILURE = 0x6581, "memory failure";
    WRONG_LENGTH = 0x6700, "wrong length";
    CHANNEL_NOT_SUPPORTED = 0x6881, "logical channel not supported";
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882, "secure messaging not supported";
    LAST_COMMAND_EXPECTED = 0x6883, "last command of the chain expected";
    CHAINING_NOT_SUPPORTED = 0x6884, "command chaining not supported";
    INCOMPATIBLE_FILE = 0x6981, "command incompatible with file structure";
    SECURITY_STATUS_NOT_SATISFIED = 0x6982, "security status not satisfied";
    AUTHENTICATION_BLOCKED = 0x6983, "authentication method blocked";
    REFERENCE_DATA_NOT_USABLE = 0x6984, "reference data not usable";
    CONDITIONS_NOT_SATISFIED = 0x6985, "conditions of use not satisfied";
    NO_CURRENT_EF = 0x6986, "command not allowed, no current EF";
    SM_OBJECTS_MISSING = 0x6987, "expected secure messaging data objects missing";
    SM_OBJECTS_INCORRECT = 0x6988, "incorrect secure messaging data objects";
    WRONG_DATA = 0x6A80, "incorrect parameters in the command data field";
    FUNCTION_NOT_SUPPORTED = 0x6A81, "function not supported";
    FILE_NOT_FOUND = 0x6A82, "file or application not found";
    RECORD_NOT_FOUND = 0x6A83, "record not found";
    NOT_ENOUGH_MEMORY = 0x6A84, "not enough memory space in the file";
    NC_INCONSISTENT_WITH_TLV = 0x6A85, "Nc inconsistent with TLV structure";
    INCORRECT_P1_P2 = 0x6A86, "incorrect parameters P1-P2";
    REFERENCED_DATA_NOT_FOUND = 0x6A88, "referenced data not found";
    FILE_ALREADY_EXISTS = 0x6A89, "file already exists";
    DF_NAME_ALREADY_EXISTS = 0x6A8A, "DF name already exists";
    WRONG_OFFSET = 0x6B00, "wrong parameters P1-P2, offset outside the EF";
    INS_NOT_SUPPORTED = 0x6D00, "instruction code not supported or invalid";
    CLA_NOT_SUPPORTED = 0x6E00, "class not supported";
    NO_PRECISE_DIAGNOSIS = 0x6F00, "no precise diagnosis";
}

impl StatusWord {
    /// From the number SW1 · 256 + SW2.
    #[must_use]
    pub const fn from_u16(value: u16) -> Self {
        Self(value)
    }

    /// From SW1, SW2.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_be_bytes(bytes))
    }

    /// SW1, SW2.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// The number SW1 · 256 + SW2.
    #[must_use]
    pub const fn to_u16(self) -> u16 {
        self.0
    }

    /// 9000: done.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 == 0x9000
    }

    /// 62xx or 63xx: done, with a warning. Under SCP03 these carry an R-MAC as 9000 does.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        matches!(self.to_bytes()[0], 0x62 | 0x63)
    }

    /// 63Cx: a verification failed and x tries are left.
    #[must_use]
    pub const fn tries_left(self) -> Option<u8> {
        if self.0 & 0xFFF0 == 0x63C0 { Some(self.to_bytes()[1] & 0x0F) } else { None }
    }

    /// 61xx: this many response bytes (256 for 6100) wait for GET RESPONSE.
    #[must_use]
    pub const fn bytes_available(self) -> Option<u32> {
        match self.to_bytes() {
            [0x61, 0] => Some(256),
            [0x61, n] => Some(n as u32),
            _ => None,
        }
    }

    /// 6Cxx: the command must be repeated with this Ne (256 for 6C00).
    #[must_use]
    pub const fn exact_ne(self) -> Option<u32> {
        match self.to_bytes() {
            [0x6C, 0] => Some(256),
            [0x6C, n] => Some(n as u32),
            _ => None,
        }
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SW {:04X}", self.0)
    }
}
