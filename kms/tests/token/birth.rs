//! `init`: what is there is left, what was cut is finished, what differs is refused; after a real SIGKILL too.

use crate::site::{Site, site_test};
use cryptoki::object::Attribute;
use fuda_kms::checkup::anomaly::Anomaly;
use fuda_kms::init::Deed;
use fuda_kms::state::State;
use fuda_kms::{Error, KeyVersion, checkup};
use fuda_store::Store;
use std::process::{Command, Stdio};

fn version(text: &str) -> KeyVersion {
    text.parse().unwrap()
}

fn deeds(site: &Site, names: &[&str]) -> Vec<Deed> {
    site.init(names).keys.iter().map(|key| key.deed).collect()
}

fn all_well(site: &Site) {
    let findings = checkup::run(&site.token(), &site.registry(), None).unwrap().findings;
    assert!(findings.iter().all(|finding| finding.faults.is_empty()), "{findings:?}");
}

/// Puts the registry back to the moment between intent and birth.
fn unfinish(site: &Site, name: &str) {
    let (store, name) = (Store::open(&site.config().store.url).unwrap(), name.to_owned());
    store
        .run_tx_blocking("test.unfinish", async move |tx| {
            sqlx::query(
                "/* test.unfinish */ UPDATE key_version SET check_value = NULL, state = 'PRE-ACTIVE' WHERE name = $1",
            )
            .bind(name)
            .execute(&mut *tx)
            .await?;
            Ok::<_, fuda_store::Error>(())
        })
        .unwrap();
}

site_test! {
    fn a_second_init_changes_nothing_and_a_longer_list_adds(site) {
        assert_eq!(deeds(site, &["issuer", "receipt"]), [Deed::Born, Deed::Born]);
        let before = site.registry().snapshot().unwrap();
        assert_eq!(deeds(site, &["issuer", "receipt"]), [Deed::Kept, Deed::Kept]);
        assert_eq!(site.registry().snapshot().unwrap(), before);
        assert_eq!(deeds(site, &["issuer", "receipt", "ap/ticket"]), [Deed::Kept, Deed::Kept, Deed::Born]);
        assert_eq!(site.registry().active(&"ap/ticket".parse().unwrap()).unwrap().state, State::Active);
        all_well(site);
    }
}

site_test! {
    fn a_birth_that_was_cut_is_finished_wherever_it_was_cut(site) {
        let names = ["transport", "issuer", "recovery"];
        site.init(&names);
        let session = site.session();
        let object = |label: &str| session.find_objects(&[Attribute::Label(label.as_bytes().to_vec())]).unwrap()[0];
        let before = site.registry().version(&version("transport@1")).unwrap().check_value;
        for name in names {
            unfinish(site, name);
        }
        // transport: the object is whole. issuer: there is none. recovery: another object lies there, half-made.
        session.destroy_object(object("issuer@1")).unwrap();
        session.destroy_object(object("recovery@1")).unwrap();
        let id = site.registry().version(&version("recovery@1")).unwrap().object_id;
        crate::site::import_with_id(&session, "recovery@1", &id, &[0x55; 16]);
        assert_eq!(deeds(site, &names), [Deed::Finished; 3]);
        assert_eq!(site.registry().version(&version("transport@1")).unwrap().check_value, before);
        all_well(site);
    }
}

site_test! {
    fn a_killed_init_is_run_again_until_it_is_through(site) {
        let names: Vec<String> = (0..12).map(|number| format!("ap/a{number}")).collect();
        let keys: String = names.iter().map(|name| format!("[[key]]\nname = \"{name}\"\n")).collect();
        std::fs::write(site.path("keys.toml"), format!("token = \"factory\"\n{keys}")).unwrap();
        site.init(&["receipt"]);
        let registry = site.registry();
        for wanted in [1, 3, 4, 7, 9] {
            let mut command = site.environment(Command::new(env!("CARGO_BIN_EXE_fuda-kms")));
            command.arg("--config").arg(site.path("fuda.toml")).arg("init").arg(site.path("keys.toml"));
            let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // Killed among births, after the login: SoftHSM rewrites its token file there, and a kill may destroy it.
            while registry.list().unwrap().len() <= wanted && run.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            run.kill().unwrap();
            run.wait().unwrap();
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        site.init(&names);
        let records = registry.list().unwrap();
        assert_eq!(records.len(), 13);
        assert!(records.iter().all(|record| record.state == State::Active), "{records:?}");
        site.hsm(1).unwrap();
        // What a kill inside SoftHSM leaves has no name: it is nobody's key, and `check` says so.
        let strays = checkup::run(&site.token(), &registry, None).unwrap().findings.into_iter().flat_map(|finding| finding.faults);
        assert!(strays.into_iter().all(|fault| matches!(&fault, Anomaly::Key(Error::ObjectStray { label }) if label.is_empty())));
    }
}

site_test! {
    fn what_differs_or_is_unknown_is_refused(site) {
        site.init(&["issuer", "kek/backup"]);
        let refused = |keys: &str| site.try_init(keys).unwrap_err();
        let error = refused("[[key]]\nname = \"issuer\"\nkek = [\"kek/backup\"]\n");
        assert_eq!((error.code(), error.exit()), ("KEY_DIFFERS", fuda_cli::Exit::Integrity), "{error}");
        let error = refused("[[key]]\nname = \"issuer\"\ncheck = \"000000\"\n");
        assert_eq!((error.code(), error.exit()), ("KEY_KCV_MISMATCH", fuda_cli::Exit::Integrity), "{error}");
        let error = refused("[[key]]\nname = \"transport\"\ncheck = \"000000\"\n");
        assert_eq!((error.code(), error.exit()), ("POLICY", fuda_cli::Exit::Refused), "{error}");
        let error = refused("[[key]]\nname = \"transport\"\nkek = [\"kek/peer\"]\n");
        assert_eq!(error.code(), "KEY_NOT_ACTIVE", "{error}");
        let home = site.registry().version(&version("issuer@1")).unwrap();
        assert_eq!(home.label, "issuer@1");
        // The home of a key that is not registered is occupied.
        let id = {
            use sha2::Digest;
            sha2::Sha256::digest(b"recovery@1")[..8].to_vec()
        };
        crate::site::import_with_id(&site.session(), "recovery@1", &id, &[1; 16]);
        let error = refused("[[key]]\nname = \"recovery\"\n");
        assert_eq!((error.code(), error.exit()), ("KEY_UNREGISTERED", fuda_cli::Exit::Integrity), "{error}");
    }
}

site_test! {
    fn the_public_test_key_has_its_known_check_value(site) {
        site.try_init("[[key]]\nname = \"initial\"\npublic = \"gp-default\"\ncheck = \"42B925\"\n").unwrap();
    }
}
