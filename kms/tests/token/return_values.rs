//! What each return value is met with, row by row of the table in `src/rv.rs`: the library returns it for one call and for all calls of a
//! function that may return it (OASIS PKCS #11 3.1 §5.1), while a whole card is asked for.

use crate::faulty::Faulty;
use crate::site::{Site, site_test};
use fuda_kms::{CardChallenge, CardRequest, CardStep, Error, Hsm};

/// A return value: its number, its name, and a function that a card needs and that may return it.
type Row = (u64, &'static str, &'static str);

/// A session or a handle is gone: opened anew, once.
const REOPENED: [Row; 8] = [
    (0xB3, "CKR_SESSION_HANDLE_INVALID", "C_DeriveKey"),
    (0xB0, "CKR_SESSION_CLOSED", "C_SignInit"),
    (0x90, "CKR_OPERATION_ACTIVE", "C_SignInit"),
    (0x101, "CKR_USER_NOT_LOGGED_IN", "C_DeriveKey"),
    (0x60, "CKR_KEY_HANDLE_INVALID", "C_DeriveKey"),
    (0x82, "CKR_OBJECT_HANDLE_INVALID", "C_DeriveKey"),
    (0x113, "CKR_WRAPPING_KEY_HANDLE_INVALID", "C_WrapKey"),
    (0xF0, "CKR_UNWRAPPING_KEY_HANDLE_INVALID", "C_WrapKey"),
];

/// The library or the device may be gone: started over when a test derivation fails too.
const RESET: [Row; 6] = [
    (0x30, "CKR_DEVICE_ERROR", "C_DeriveKey"),
    (0x32, "CKR_DEVICE_REMOVED", "C_DeriveKey"),
    (0x05, "CKR_GENERAL_ERROR", "C_DeriveKey"),
    (0xE0, "CKR_TOKEN_NOT_PRESENT", "C_OpenSession"),
    (0x190, "CKR_CRYPTOKI_NOT_INITIALIZED", "C_OpenSession"),
    (0x06, "CKR_FUNCTION_FAILED", "C_DeriveKey"),
];

/// Something is short: waited for.
const WAITED_FOR: [Row; 3] = [
    (0xB1, "CKR_SESSION_COUNT", "C_OpenSession"),
    (0x02, "CKR_HOST_MEMORY", "C_DeriveKey"),
    (0x31, "CKR_DEVICE_MEMORY", "C_DeriveKey"),
];

/// A PIN error: never tried again, by nobody, until an operator says so.
const LATCHED: [Row; 7] = [
    (0xA0, "CKR_PIN_INCORRECT", "C_Login"),
    (0xA1, "CKR_PIN_INVALID", "C_Login"),
    (0xA2, "CKR_PIN_LEN_RANGE", "C_Login"),
    (0xA3, "CKR_PIN_EXPIRED", "C_Login"),
    (0xA4, "CKR_PIN_LOCKED", "C_Login"),
    (0x1B8, "CKR_PIN_TOO_WEAK", "C_Login"),
    (0x102, "CKR_USER_PIN_NOT_INITIALIZED", "C_Login"),
];

/// The token is not what we think: said at once.
const CONFIGURATION: [Row; 16] = [
    (0x70, "CKR_MECHANISM_INVALID", "C_DeriveKey"),
    (0x71, "CKR_MECHANISM_PARAM_INVALID", "C_DeriveKey"),
    (0xD0, "CKR_TEMPLATE_INCOMPLETE", "C_DeriveKey"),
    (0xD1, "CKR_TEMPLATE_INCONSISTENT", "C_DeriveKey"),
    (0x10, "CKR_ATTRIBUTE_READ_ONLY", "C_DeriveKey"),
    (0x11, "CKR_ATTRIBUTE_SENSITIVE", "C_DeriveKey"),
    (0x12, "CKR_ATTRIBUTE_TYPE_INVALID", "C_DeriveKey"),
    (0x13, "CKR_ATTRIBUTE_VALUE_INVALID", "C_DeriveKey"),
    (0x54, "CKR_FUNCTION_NOT_SUPPORTED", "C_WrapKey"),
    (0x68, "CKR_KEY_FUNCTION_NOT_PERMITTED", "C_SignInit"),
    (0x6A, "CKR_KEY_UNEXTRACTABLE", "C_WrapKey"),
    (0x69, "CKR_KEY_NOT_WRAPPABLE", "C_WrapKey"),
    (0x63, "CKR_KEY_TYPE_INCONSISTENT", "C_SignInit"),
    (0x62, "CKR_KEY_SIZE_RANGE", "C_WrapKey"),
    (0x115, "CKR_WRAPPING_KEY_TYPE_INCONSISTENT", "C_WrapKey"),
    (0x1B, "CKR_ACTION_PROHIBITED", "C_DeriveKey"),
];

const KEYS: [&str; 2] = ["issuer@1", "ap/ticket@1"];

/// A site on the failing library, and its one worker.
fn start(site: &Site) -> (Faulty, Hsm) {
    site.init(&["issuer", "ap/ticket"]);
    let faulty = Faulty::before(site);
    (faulty, site.hsm(1).unwrap())
}

/// Opens a channel and wraps a key set: every function that a card needs.
pub(crate) fn card(hsm: &Hsm) -> Result<(), Error> {
    let [issuer, ticket] = KEYS.map(|key| key.parse().unwrap());
    let open =
        CardStep::OpenSession { key: ticket, host_challenge: [1; 8], challenge: CardChallenge::Answered([2; 8]) };
    let wrap = CardStep::WrapKeySet { new: KEYS[1].parse().unwrap(), under: issuer };
    hsm.card(CardRequest { epoch: hsm.epoch().unwrap(), kdd: [7; 10], steps: vec![open, wrap] }).map(drop)
}

/// The card fails, and the report names function, value and what class it is of.
fn fails_by_name(hsm: &Hsm, (_, name, function): Row, class: &str) {
    let error = card(hsm).unwrap_err().to_string();
    assert!(error.contains(&format!("{function} returned {name} ({class})")), "{error}");
}

site_test! {
    fn a_lost_session_or_handle_is_opened_anew_once(site) {
        let (faulty, hsm) = start(site);
        for row in REOPENED {
            let (value, name, function) = row;
            faulty.next(function, 1, value);
            card(&hsm).unwrap_or_else(|error| panic!("{name} once: {error}"));
            assert_eq!(faulty.recover(), 0, "{name} was not met");
            faulty.next(function, 2, value);
            fails_by_name(&hsm, row, "re-open once");
            assert_eq!(faulty.recover(), 0, "{name} was not met twice");
            card(&hsm).unwrap_or_else(|error| panic!("after {name}: {error}"));
        }
    }
}

site_test! {
    fn a_device_that_stumbles_once_is_asked_again_and_not_reset(site) {
        let (faulty, hsm) = start(site);
        for row in RESET {
            let (value, name, function) = row;
            let before = hsm.metrics();
            faulty.next(function, 1, value);
            card(&hsm).unwrap_or_else(|error| panic!("{name} once: {error}"));
            assert_eq!((faulty.recover(), hsm.metrics().retries), (0, before.retries + 1), "{name}");
            assert_eq!(faulty.logins(), 1, "{name}: a token that answers as it must is not logged in to again");
        }
    }
}

site_test! {
    fn a_device_that_fails_its_known_answer_too_is_started_over(site) {
        let (faulty, hsm) = start(site);
        for row in RESET {
            let (value, name, function) = row;
            let before = faulty.logins();
            // The card's call and the test derivation behind it.
            faulty.next(function, 2, value);
            card(&hsm).unwrap_or_else(|error| panic!("{name} twice: {error}"));
            assert_eq!((faulty.recover(), faulty.logins()), (0, before + 1), "{name}");
            faulty.always(function, value);
            let error = card(&hsm).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert_eq!(faulty.recover(), 1);
            card(&hsm).unwrap_or_else(|error| panic!("after {name}: {error}"));
        }
    }
}

site_test! {
    fn what_is_short_is_waited_for_a_few_times(site) {
        let (faulty, hsm) = start(site);
        for row in WAITED_FOR {
            let (value, name, function) = row;
            faulty.next(function, 3, value);
            card(&hsm).unwrap_or_else(|error| panic!("{name} three times: {error}"));
            assert_eq!(faulty.recover(), 0, "{name} was not met");
            faulty.always(function, value);
            fails_by_name(&hsm, row, "back off");
            assert_eq!(faulty.recover(), 1);
            card(&hsm).unwrap_or_else(|error| panic!("after {name}: {error}"));
        }
    }
}

site_test! {
    fn what_the_token_cannot_do_is_said_at_once(site) {
        let (faulty, hsm) = start(site);
        for row in CONFIGURATION {
            let (value, name, function) = row;
            faulty.next(function, 1, value);
            let before = hsm.metrics().retries;
            fails_by_name(&hsm, row, "configuration");
            assert_eq!((faulty.recover(), hsm.metrics().retries), (0, before), "{name} was tried again");
            card(&hsm).unwrap_or_else(|error| panic!("after {name}: {error}"));
        }
    }
}

site_test! {
    fn a_pin_error_of_any_kind_is_met_once_and_latched(site) {
        site.init(&["issuer"]);
        let faulty = Faulty::before(site);
        for (value, name, function) in LATCHED {
            let before = faulty.logins();
            faulty.next(function, 1, value);
            let error = site.hsm(2).unwrap_err();
            assert!(matches!(error, Error::PinRefused { .. }) && error.to_string().contains(name), "{error}");
            let error = site.hsm(2).unwrap_err();
            assert!(matches!(error, Error::PinLatched { .. }) && error.to_string().contains(name), "{error}");
            assert_eq!((faulty.logins() - before, faulty.recover()), (1, 0), "{name}");
            assert!(site.fuda_kms(&["token", "clear-pin-latch"]).status.success());
        }
        site.hsm(1).unwrap();
    }
}

site_test! {
    fn a_process_that_is_started_and_logged_in_already_is_fine(site) {
        site.init(&["issuer", "ap/ticket"]);
        let _session = site.session();
        card(&site.hsm(2).unwrap()).unwrap();
    }
}
