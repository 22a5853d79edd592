//! MACs and sealed data: what comes out, what is refused, and that a data key is outside the token only wrapped.

use crate::oracle;
use crate::site::{Site, both_tokens};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use fuda_kms::state::State;
use fuda_kms::{Error, Hsm, KeyVersion, Question, WrappedDataKey, vault};
use std::time::{Duration, Instant};

const AAD: &[u8] = b"member 17, record 3";
const PLAIN: &[u8] = "札幌 花子".as_bytes();

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

fn open(hsm: &Hsm, key: &WrappedDataKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
    hsm.open(&version("vault@1"), key, aad, sealed).map(|plain| plain.expose().to_vec())
}

fn code<T>(outcome: Result<T, Error>) -> &'static str {
    outcome.map_or_else(|error| error.code(), |_| "done")
}

/// Workers as in production, and a key that is not theirs.
fn start(site: &Site) -> Hsm {
    site.init(&["issuer", "kek/backup", "vault", "index", "activation"]);
    site.pool(1).unwrap()
}

both_tokens! {
    fn what_is_sealed_opens_under_its_own_key_and_name_and_no_other(site) {
        let (hsm, vault) = (start(site), version("vault@1"));
        let (key, other) = (hsm.new_data_key(&vault).unwrap(), hsm.new_data_key(&vault).unwrap());
        assert_ne!(key, other);
        for plain in [&b""[..], b"1", PLAIN, &[0xAA; vault::PLAIN_BYTES_MAX]] {
            let sealed = hsm.seal(&vault, &key, AAD, plain).unwrap();
            assert_eq!(sealed.len(), plain.len() + 28);
            assert_eq!(open(&hsm, &key, AAD, &sealed).unwrap(), plain);
            assert_ne!(hsm.seal(&vault, &key, AAD, plain).unwrap(), sealed, "a nonce twice");
        }
        let sealed = hsm.seal(&vault, &key, AAD, PLAIN).unwrap();
        let changed = |at: usize| { let mut sealed = sealed.clone(); sealed[at] ^= 1; sealed };
        for at in [0, 11, 12, sealed.len() - 17, sealed.len() - 16, sealed.len() - 1] {
            assert_eq!(code(open(&hsm, &key, AAD, &changed(at))), "SEAL_BROKEN", "byte {at}");
        }
        for cut in [0, 11, 27, sealed.len() - 1] {
            assert_eq!(code(open(&hsm, &key, AAD, &sealed[..cut])), "SEAL_BROKEN", "{cut} bytes");
        }
        assert_eq!(code(open(&hsm, &key, b"member 18, record 3", &sealed)), "SEAL_BROKEN");
        assert_eq!(code(open(&hsm, &key, b"", &sealed)), "SEAL_BROKEN");
        assert_eq!(code(open(&hsm, &other, AAD, &sealed)), "SEAL_BROKEN");
        let mut wrapped = *key.as_bytes();
        wrapped[20] ^= 1;
        let wrapped = WrappedDataKey::from_bytes(&wrapped).unwrap();
        assert_eq!(code(open(&hsm, &wrapped, AAD, &sealed)), "SEAL_BROKEN");
        assert_eq!(code(hsm.seal(&vault, &wrapped, AAD, PLAIN)), "SEAL_BROKEN");
        assert_eq!(open(&hsm, &key, AAD, &sealed).unwrap(), PLAIN);
    }
}

both_tokens! {
    fn a_mac_is_what_the_standard_says_and_each_key_makes_its_own(site) {
        let hsm = start(site);
        let (index, activation) = (version("index@1"), version("activation@1"));
        let mac = hsm.mac(&index, PLAIN).unwrap();
        assert_eq!((mac, hsm.mac(&index, PLAIN).unwrap()), (mac, mac));
        assert_ne!(mac, hsm.mac(&activation, PLAIN).unwrap());
        assert_ne!(mac, hsm.mac(&index, AAD).unwrap());
        // A key whose value the test knows, as a ceremony would bring it.
        let value = [0x42; 32];
        let session = site.session();
        site.adopt_mac(&session, "index@2", &value);
        let known = || hsm.mac(&version("index@2"), PLAIN);
        let since = Instant::now();
        site.registry().change_state(&version("index@1"), State::Grace).unwrap();
        site.registry().change_state(&version("index@2"), State::Active).unwrap();
        while known().is_err() && since.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(known().unwrap(), oracle::cmac(&value, PLAIN));
        assert_eq!(hsm.mac(&index, PLAIN).unwrap(), mac, "GRACE still makes what was made before");
    }
}

both_tokens! {
    fn keys_of_another_kind_and_what_is_too_long_are_refused(site) {
        let hsm = start(site);
        let key = hsm.new_data_key(&version("vault@1")).unwrap();
        for other in ["issuer@1", "index@1"] {
            let other = version(other);
            assert_eq!(code(hsm.new_data_key(&other)), "KEY_KIND");
            assert_eq!(code(hsm.seal(&other, &key, AAD, PLAIN)), "KEY_KIND");
            assert_eq!(code(hsm.open(&other, &key, AAD, &[0; 40])), "KEY_KIND");
        }
        assert_eq!(code(hsm.mac(&version("vault@1"), PLAIN)), "KEY_KIND");
        assert_eq!(code(hsm.mac(&version("kek/backup@1"), PLAIN)), "KEY_KIND");
        assert_eq!(code(hsm.mac(&version("index@9"), PLAIN)), "KEY_UNKNOWN");
        assert_eq!(code(hsm.mac(&version("index@1"), &[0; vault::MAC_BYTES_MAX + 1])), "HSM_REQUEST");
        assert_eq!(code(hsm.seal(&version("vault@1"), &key, AAD, &[0; vault::PLAIN_BYTES_MAX + 1])), "HSM_REQUEST");
        assert_eq!(code(hsm.seal(&version("vault@1"), &key, &[0; vault::AAD_BYTES_MAX + 1], PLAIN)), "HSM_REQUEST");
        hsm.seal(&version("vault@1"), &key, &[0; vault::AAD_BYTES_MAX], &[0; vault::PLAIN_BYTES_MAX]).unwrap();
        hsm.mac(&version("index@1"), &[0; vault::MAC_BYTES_MAX]).unwrap();
    }
}

both_tokens! {
    fn grace_opens_and_makes_macs_but_seals_nothing_new_and_suspended_does_nothing(site) {
        let (hsm, vault, index) = (start(site), version("vault@1"), version("index@1"));
        let key = hsm.new_data_key(&vault).unwrap();
        let sealed = hsm.seal(&vault, &key, AAD, PLAIN).unwrap();
        let outcomes = || [
            code(hsm.new_data_key(&vault)), code(hsm.seal(&vault, &key, AAD, PLAIN)), code(open(&hsm, &key, AAD, &sealed)), code(hsm.mac(&index, AAD)),
        ];
        let no = "KEY_STATE_FORBIDS";
        for (state, expected) in [
            (State::SuspendedActive, [no; 4]),
            (State::Active, ["done"; 4]),
            (State::Grace, [no, no, "done", "done"]),
            (State::SuspendedGrace, [no; 4]),
            (State::Retired, [no; 4]),
            (State::Destroyed, [no; 4]),
        ] {
            for key in [&vault, &index] {
                site.registry().change_state(key, state).unwrap();
            }
            let since = Instant::now();
            while outcomes() != expected {
                assert!(since.elapsed() < Duration::from_secs(10), "{state}: {:?}", outcomes());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

both_tokens! {
    /// Whoever has the PIN may use the data keys while they have it, and cannot take them away.
    fn a_data_key_cannot_be_let_in_readable_and_a_vault_key_gets_no_right_more(site) {
        let hsm = start(site);
        let wrapped = hsm.new_data_key(&version("vault@1")).unwrap();
        let session = site.session();
        let vault = session.find_objects(&[Attribute::Label(b"vault@1".to_vec())]).unwrap()[0];
        let key = |more: &[Attribute]| {
            let head = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), Attribute::Token(false)];
            [&head, more].concat()
        };
        for more in [
            vec![Attribute::Sensitive(false), Attribute::Extractable(true)],
            vec![Attribute::Sensitive(true), Attribute::Extractable(true)],
            vec![Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Wrap(true)],
            vec![Attribute::Sensitive(true), Attribute::Extractable(false), Attribute::Derive(true)],
        ] {
            let outcome = session.unwrap_key(&Mechanism::AesKeyWrap, vault, wrapped.as_bytes(), &key(&more));
            assert!(outcome.is_err(), "{more:?}");
        }
        for more in [Attribute::Decrypt(true), Attribute::Extractable(true), Attribute::Sensitive(false)] {
            assert!(session.update_attributes(vault, std::slice::from_ref(&more)).is_err(), "set {more:?}");
            assert!(session.copy_object(vault, &[Attribute::Token(false), more.clone()]).is_err(), "copy with {more:?}");
        }
        assert!(session.decrypt(&Mechanism::AesEcb, vault, &wrapped.as_bytes()[..16]).is_err(), "unwrap by decryption");
        assert!(site.fuda_kms(&["check"]).status.success());
    }
}

both_tokens! {
    fn questions_that_go_together_are_answered_together_or_not_at_all(site) {
        let (hsm, vault, index) = (start(site), version("vault@1"), version("index@1"));
        let key = hsm.new_data_key(&vault).unwrap();
        let (sealed, mac) = (hsm.seal(&vault, &key, AAD, PLAIN).unwrap(), hsm.mac(&index, PLAIN).unwrap());
        let open = |sealed: &[u8]| Question::open(vault.clone(), key.clone(), AAD.to_vec(), sealed.to_vec()).unwrap();
        let question = |sealed: &[u8]| open(sealed).and(Question::mac(index.clone(), PLAIN.to_vec()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();

        // More at once than the queue has places, and one thread that waits for all.
        let before = hsm.metrics().requests;
        let asked = (0..40).map(|_| hsm.ask(question(&sealed)));
        for answer in runtime.block_on(futures_util::future::join_all(asked)) {
            let (plain, found) = answer.unwrap();
            assert_eq!((plain.expose(), found), (PLAIN, mac));
        }
        assert_eq!(hsm.metrics().requests - before, 40);

        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert_eq!(code(runtime.block_on(hsm.ask(question(&changed)))), "SEAL_BROKEN");
        let foreign = question(&sealed).and(Question::sign(version("receipt@9"), [0; 32]));
        assert_eq!(code(hsm.ask_blocking(foreign)), "KEY_UNKNOWN");
        let seal = || Question::seal(vault.clone(), key.clone(), AAD.to_vec(), &[0; vault::PLAIN_BYTES_MAX]).unwrap();
        assert_eq!(code(runtime.block_on(hsm.ask(seal().and(seal())))), "HSM_REQUEST", "no worker dies of it");
        assert_eq!((hsm.metrics().deaths, hsm.metrics().timeouts), (0, 0));
        assert_eq!(runtime.block_on(hsm.ask(open(&sealed))).unwrap().expose(), PLAIN);
    }
}
