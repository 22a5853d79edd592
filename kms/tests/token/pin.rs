//! A wrong PIN is tried once: by one process, by eight at a time, and after restarts.

use crate::faulty::Faulty;
use crate::site::{Site, site_test};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use fuda_kms::Error;
use std::os::unix::fs::PermissionsExt;

fn write_pin(site: &Site, pin: &str) {
    std::fs::write(site.path("pin"), pin).unwrap();
}

site_test! {
    fn a_wrong_pin_is_tried_once_and_latches_until_an_operator_clears_it(site) {
        site.init(&["issuer"]);
        let right = std::fs::read_to_string(site.path("pin")).unwrap();
        write_pin(site, "0000wrong\n");
        assert!(matches!(site.hsm(2), Err(Error::PinRefused { .. })));
        for _ in 0..3 {
            assert!(matches!(site.hsm(2), Err(Error::PinLatched { .. })));
        }
        write_pin(site, &right);
        assert!(matches!(site.hsm(2), Err(Error::PinLatched { .. })), "a right PIN does not clear the latch");
        assert_eq!(site.fuda_kms(&["check"]).status.code(), Some(7));
        let shown = site.fuda_kms(&["token", "show"]);
        assert!(String::from_utf8_lossy(&shown.stdout).contains("SET (C_Login returned CKR_PIN_INCORRECT)"));
        assert!(site.fuda_kms(&["token", "clear-pin-latch"]).status.success());
        site.hsm(2).unwrap();
    }
}

site_test! {
    fn eight_processes_with_a_wrong_pin_make_one_try(site) {
        site.init(&["issuer"]);
        write_pin(site, "0000wrong\n");
        let codes: Vec<String> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| site.fuda_kms(&["check", "--json"]))).collect();
            let outputs = runs.into_iter().map(|run| run.join().unwrap());
            outputs
                .map(|output| {
                    assert_eq!(output.status.code(), Some(7));
                    let text = String::from_utf8(output.stdout).unwrap();
                    let object: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
                    object["error"]["code"].as_str().unwrap().to_owned()
                })
                .collect()
        });
        assert_eq!(codes.iter().filter(|code| *code == "PIN_REFUSED").count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| *code == "PIN_LATCHED").count(), 7, "{codes:?}");
    }
}

site_test! {
    fn a_pin_file_that_others_may_read_is_not_even_tried(site) {
        site.init(&["issuer"]);
        std::fs::set_permissions(site.path("pin"), std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = site.hsm(1).unwrap_err();
        assert!(matches!(error, Error::PinFile { .. }), "{error}");
        assert!(!site.token().files().latch_path().exists());
    }
}

site_test! {
    fn where_a_try_cannot_be_noted_none_is_made(site) {
        site.init(&["issuer"]);
        let faulty = Faulty::before(site);
        // As a disk that is full: the note cannot be written.
        std::fs::create_dir(site.path("token-factory.pin-try")).unwrap();
        write_pin(site, "0000wrong\n");
        assert!(matches!(site.hsm(1), Err(Error::File { .. })));
        assert_eq!(faulty.logins(), 0);
    }
}

site_test! {
    fn a_login_that_was_cut_is_repeated_unless_the_token_counts_a_wrong_pin(site) {
        site.init(&["issuer"]);
        let note = site.path("token-factory.pin-try");
        std::fs::write(&note, "").unwrap();
        drop(site.pool(2).unwrap());
        assert!(!note.exists(), "a login that ends takes its note away");

        // Somebody's wrong PIN alone, by hand, is not ours.
        let session = site.open_session();
        assert!(session.login(UserType::User, Some(&AuthPin::from("0000wrong".to_owned()))).is_err());
        drop(session);
        let faulty = Faulty::before(site);
        std::fs::write(&note, "cut").unwrap();
        let error = site.pool(2).unwrap_err();
        assert_eq!((error.code(), faulty.logins()), ("PIN_LATCHED", 0), "{error}");
        assert!(!note.exists());
        assert!(site.fuda_kms(&["token", "clear-pin-latch"]).status.success());
        drop(site.pool(2).unwrap());
        assert_eq!(faulty.logins(), 2);
    }
}
