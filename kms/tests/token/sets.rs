//! Recovery sets: sealed for the cards of a list, opened for one of them, with the keys in no memory of ours.

use crate::site::{Site, both_tokens, site_test};
use crate::template::{bring_kek, but, named, secret, stays_with};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use fuda_cli::Exit;
use fuda_kms::adopt::{self, Adoption};
use fuda_kms::sets::SetsFile;
use fuda_kms::{
    CardRequest, CardStep, Elsewhere, Error, Hsm, KeyLength, Scheme, SealedSet, StepAnswer, TokenLabel, WrappedKey,
};
use serde_json::Value;
use std::process::{Output, Stdio};

const KEK: [u8; 32] = [0xC5; 32];
const CHIP: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const SEAL: [&str; 9] =
    ["key", "sets", "recovery@1", "--cards", "cards.csv", "--kek", "card-kek/a@1", "--out", "lot.sets"];

/// The KEK that two tokens have, as their makers' ceremonies put it there; here both are one.
fn card_kek(site: &Site, version: &str, rights: &[Attribute], value: &[u8]) -> Result<(), Error> {
    let template =
        secret(&[named(version).as_slice(), &[Attribute::Value(value.to_vec())], &stays_with(rights)].concat());
    site.session().create_object(&template).unwrap();
    let version: fuda_kms::KeyVersion = version.parse().unwrap();
    let (scheme, length) = (Scheme::Kdf3, KeyLength::Aes128);
    let adoption = Adoption { label: version.to_string(), version, id: None, scheme, length, check: None };
    adopt::run(&site.token(), &site.registry(), &adoption).map(drop)
}

const WRAPS: [Attribute; 1] = [Attribute::Wrap(true)];
const OPENS: [Attribute; 2] = [Attribute::Unwrap(true), Attribute::Encrypt(true)];

/// A site that seals and opens, and a list of so many chips of which CHIP is the first.
fn site_with(site: &Site, cards: u8) {
    site.init(&["recovery", "issuer"]);
    card_kek(site, "card-kek/a@1", &WRAPS, &KEK).unwrap();
    card_kek(site, "card-kek/b@1", &OPENS, &KEK).unwrap();
    let chips: String = (0..cards).map(|n| format!("{n:02X}010203040506070809\n")).collect();
    std::fs::write(site.path("cards.csv"), format!("chip_id\n{chips}")).unwrap();
}

fn json(output: &Output) -> Value {
    serde_json::from_str(String::from_utf8_lossy(&output.stdout).lines().last().unwrap()).unwrap()
}

fn seal(site: &Site) -> Output {
    site.fuda_kms(&[&SEAL[..], &["--json"]].concat())
}

fn set(hsm: &Hsm, step: CardStep) -> Result<[WrappedKey; 3], Error> {
    let request = CardRequest { epoch: hsm.epoch().unwrap(), kdd: CHIP, steps: vec![step] };
    match hsm.card(request)?.steps.remove(0) {
        StepAnswer::KeySet(set) => Ok(set),
        other => panic!("{other:?}"),
    }
}

/// The set of CHIP, for the KEK that opens.
fn sealed(site: &Site) -> SealedSet {
    let set = SetsFile::open(&site.path("lot.sets")).unwrap().set(&CHIP).unwrap().unwrap();
    SealedSet { kek: "card-kek/b@1".parse().unwrap(), ..set }
}

fn wrap_sealed(set: SealedSet) -> CardStep {
    CardStep::WrapSealedSet { set: Box::new(set), under: "issuer@1".parse().unwrap() }
}

both_tokens! {
    fn a_sealed_set_goes_onto_a_card_as_the_derived_one_would(site) {
        site_with(site, 3);
        assert_eq!(json(&seal(site))["cards"], 3);
        let hsm = site.pool(1).unwrap();
        let derived = CardStep::WrapKeySet { new: "recovery@1".parse().unwrap(), under: "issuer@1".parse().unwrap() };
        let derived = set(&hsm, derived).unwrap();
        assert_eq!(set(&hsm, wrap_sealed(sealed(site))).unwrap(), derived, "same ciphertext, same check values");
        let health = hsm.health();
        assert_eq!(health.exit(), Exit::Done, "{health:?}");
        assert_eq!(site.fuda_kms(&["check"]).status.code(), Some(0), "both KEKs are as they must be");
        let text = std::fs::read_to_string(site.path("lot.sets")).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), &lines[0]["key"], &lines[0]["cards"]), (5, &"recovery@1".into(), &3.into()));
        assert!(lines[1]["enc"]["kcv"].as_str().unwrap().starts_with("gp:"), "{text}");
        let value = site.registry().version(&"card-kek/b@1".parse().unwrap()).unwrap().check_value.unwrap();
        assert_eq!(lines[0]["kek_check_value"], value.to_string(), "both sides of a KEK have one check value");
        let sums = std::fs::metadata(site.path("lot.sets")).unwrap();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&sums.permissions()) & 0o777, 0o600);
    }
}

both_tokens! {
    fn what_was_changed_on_the_way_goes_onto_no_card(site) {
        site_with(site, 1);
        assert!(seal(site).status.success());
        let hsm = site.hsm(1).unwrap();
        let mut kcv = sealed(site);
        kcv.keys[1].kcv = [1, 2, 3];
        let error = set(&hsm, wrap_sealed(kcv)).unwrap_err();
        assert!(matches!(&error, Error::KcvMismatch { version, .. } if version.to_string() == "recovery@1"), "{error}");
        let mut blob = sealed(site);
        let mut bytes = blob.keys[0].blob.as_bytes().to_vec();
        bytes[20] ^= 1;
        blob.keys[0].blob = fuda_kms::Blob::new(bytes).unwrap();
        assert!(matches!(set(&hsm, wrap_sealed(blob)), Err(Error::Token { .. })), "RFC 3394 has its own check");
        let closed = SealedSet { kek: "card-kek/a@1".parse().unwrap(), ..sealed(site) };
        assert!(set(&hsm, wrap_sealed(closed)).is_err(), "the side that wraps opens nothing");
        let other = SealedSet { kek: "issuer@1".parse().unwrap(), ..sealed(site) };
        assert!(matches!(set(&hsm, wrap_sealed(other)), Err(Error::WrongKind { .. })));
        let unknown = SealedSet { kek: "card-kek/c@1".parse().unwrap(), ..sealed(site) };
        assert!(matches!(set(&hsm, wrap_sealed(unknown)), Err(Error::VersionUnknown { .. })));
    }
}

/// The KEK comes into the token with the unwrap template that `init` gives it, as one that opens.
fn guarded_card_kek(site: &Site, version: &str) {
    let session = site.session();
    let known = [Attribute::Value(KEK.to_vec()), Attribute::Token(false), Attribute::Extractable(true)];
    let known = session.create_object(&secret(&known)).unwrap();
    let _ = bring_kek(site, &session, version, known, &OPENS, &goes_onto_a_card());
}

/// What such a KEK lets in: never readable, and for nothing but to be wrapped once more.
fn goes_onto_a_card() -> Vec<Attribute> {
    but(&stays_with(&[Attribute::Encrypt(true)]), &Attribute::Extractable(true))
}

both_tokens! {
    fn a_kek_with_its_template_opens_sets_and_lets_nothing_readable_in(site) {
        site_with(site, 1);
        assert!(seal(site).status.success());
        guarded_card_kek(site, "card-kek/c@1");
        let version: fuda_kms::KeyVersion = "card-kek/c@1".parse().unwrap();
        let (scheme, length) = (Scheme::Kdf3, KeyLength::Aes128);
        let adoption = Adoption { label: version.to_string(), version: version.clone(), id: None, scheme, length, check: None };
        adopt::run(&site.token(), &site.registry(), &adoption).unwrap();
        let derived = CardStep::WrapKeySet { new: "recovery@1".parse().unwrap(), under: "issuer@1".parse().unwrap() };
        let hsm = site.hsm(1).unwrap();
        let opened = set(&hsm, wrap_sealed(SealedSet { kek: version, ..sealed(site) })).unwrap();
        assert_eq!(opened, set(&hsm, derived).unwrap());

        let (session, blob) = (site.session(), sealed(site).keys[0].blob.as_bytes().to_vec());
        let kek = session.find_objects(&[Attribute::Label(b"card-kek/c@1".to_vec())]).unwrap()[0];
        let unwrap = |template: &[Attribute]| {
            let template = secret(&[&[Attribute::Token(false)], template].concat());
            session.unwrap_key(&Mechanism::AesKeyWrap, kek, &blob, &template)
        };
        unwrap(&goes_onto_a_card()).unwrap();
        for other in [Attribute::Sensitive(false), Attribute::Derive(true), Attribute::Decrypt(true), Attribute::Wrap(true)] {
            assert!(unwrap(&but(&goes_onto_a_card(), &other)).is_err(), "{other:?}");
        }
    }
}

site_test! {
    fn a_card_kek_wraps_or_opens_and_never_both(site) {
        site.init(&["recovery"]);
        let both = [Attribute::Wrap(true), Attribute::Unwrap(true), Attribute::Encrypt(true)];
        let error = card_kek(site, "card-kek/a@1", &both, &KEK).unwrap_err();
        assert_eq!((error.code(), error.exit()), ("KEY_ATTRIBUTE", Exit::Integrity), "{error}");
        let reads = [Attribute::Unwrap(true), Attribute::Encrypt(true), Attribute::Decrypt(true)];
        assert!(card_kek(site, "card-kek/b@1", &reads, &KEK).is_err(), "DECRYPT would read what a blob holds");
    }
}

site_test! {
    fn a_run_that_was_cut_goes_on_where_it_stood_and_the_file_is_the_same(site) {
        site_with(site, 40);
        assert_eq!(json(&seal(site))["found"], 0);
        let whole = std::fs::read(site.path("lot.sets")).unwrap();
        let again = seal(site);
        assert_eq!((again.status.code(), json(&again)["error"]["code"].clone()), (Some(4), "POLICY".into()), "never overwritten");
        for cut in [0, 1, 300, 301, whole.len() / 2, whole.len() - 90, whole.len() - 1, whole.len()] {
            std::fs::remove_file(site.path("lot.sets")).unwrap();
            std::fs::write(site.path("lot.sets.part"), &whole[..cut]).unwrap();
            let report = json(&seal(site));
            assert_eq!(report["cards"], 40, "cut at {cut}: {report}");
            assert_eq!(std::fs::read(site.path("lot.sets")).unwrap(), whole, "cut at {cut}");
            assert!(!site.path("lot.sets.part").exists());
        }
        // The part of another list is nobody's to go on with.
        std::fs::remove_file(site.path("lot.sets")).unwrap();
        std::fs::write(site.path("lot.sets.part"), &whole[..whole.len() / 2]).unwrap();
        std::fs::write(site.path("cards.csv"), "FF010203040506070809\n").unwrap();
        assert_eq!(seal(site).status.code(), Some(4));
        assert_eq!(std::fs::read(site.path("lot.sets.part")).unwrap(), whole[..whole.len() / 2], "and is left as it was");
    }
}

site_test! {
    fn a_run_that_is_killed_again_and_again_ends_with_the_file_of_one_that_was_not(site) {
        site_with(site, 240);
        assert_eq!(json(&seal(site))["cards"], 240);
        let whole = std::fs::read(site.path("lot.sets")).unwrap();
        std::fs::remove_file(site.path("lot.sets")).unwrap();
        let (part, mut kills) = (site.path("lot.sets.part"), 0);
        let length = || std::fs::metadata(&part).map_or(0, |file| file.len());
        for wanted in [1, 9_000, 20_000, 40_000] {
            let mut run = site.fuda_kms_command().args(SEAL).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            // After the login, and while cards are sealed.
            while length() < wanted && run.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            run.kill().unwrap();
            kills += i32::from(!run.wait().unwrap().success());
        }
        assert!(kills > 1, "{kills} kills");
        let ended = seal(site);
        assert!(ended.status.success() || site.path("lot.sets").exists(), "{ended:?}");
        assert_eq!(std::fs::read(site.path("lot.sets")).unwrap(), whole);
    }
}

site_test! {
    fn what_another_site_says_of_its_key_must_stay_what_it_said_first(site) {
        site.init(&["issuer"]);
        let label = |text: &str| TokenLabel::new(text).unwrap();
        let told = Elsewhere {
            version: "recovery@1".parse().unwrap(),
            token: label("recovery"),
            check_value: "gp:ABCDEF".parse().unwrap(),
            scheme: Scheme::Kdf3,
            length: KeyLength::Aes128,
        };
        let (registry, ours) = (site.registry(), label("factory"));
        assert!(!registry.compare_elsewhere(&told, &ours).unwrap(), "nothing is known of it");
        registry.note_elsewhere(&told, &ours).unwrap();
        registry.note_elsewhere(&told, &ours).unwrap();
        assert_eq!(registry.version(&told.version).unwrap().token, told.token);
        let other = Elsewhere { check_value: "gp:000000".parse().unwrap(), ..told.clone() };
        assert!(matches!(registry.note_elsewhere(&other, &ours), Err(Error::KcvMismatch { .. })));
        let moved = Elsewhere { token: label("vault"), ..told };
        assert!(matches!(registry.note_elsewhere(&moved, &ours), Err(Error::Policy { .. })));
        let here = Elsewhere { version: "recovery@2".parse().unwrap(), token: ours.clone(), ..moved };
        assert!(matches!(registry.note_elsewhere(&here, &ours), Err(Error::Policy { .. })), "a line has no recovery key");
        site.hsm(1).unwrap();
        assert_eq!(site.fuda_kms(&["check"]).status.code(), Some(0), "it is missed by nobody here");
    }
}

site_test! {
    fn refusals_have_their_codes(site) {
        site_with(site, 1);
        let failing = |arguments: &[&str]| {
            let output = site.fuda_kms(&[arguments, &["--json"]].concat());
            (output.status.code().unwrap(), json(&output)["error"]["code"].as_str().unwrap().to_owned())
        };
        let with = |from: &str, to: &'static str| SEAL.map(|word| if word == from { to } else { word });
        let of = |code: i32, name: &str| (code, name.to_owned());
        assert_eq!(failing(&with("recovery@1", "issuer@1")), of(4, "KEY_KIND"));
        assert_eq!(failing(&with("card-kek/a@1", "issuer@1")), of(4, "KEY_KIND"));
        assert_eq!(failing(&with("recovery@1", "recovery@2")), of(7, "KEY_UNKNOWN"));
        assert_eq!(failing(&with("card-kek/a@1", "card-kek/b@1")), of(7, "HSM_CALL_FAILED"), "that side opens");
        std::fs::write(site.path("cards.csv"), "chip_id\n00010203040506070809\n00010203040506070809\n").unwrap();
        let twice = json(&site.fuda_kms(&[&SEAL[..], &["--json"]].concat()));
        assert_eq!((&twice["error"]["code"], &twice["error"]["where"]), (&"INPUT_INVALID".into(), &"cards.csv:3:1".into()));
        std::fs::write(site.path("cards.csv"), "00010203040506070809\n").unwrap();
        site.registry().change_state(&"recovery@1".parse().unwrap(), fuda_kms::state::State::Grace).unwrap();
        assert_eq!(failing(&SEAL), of(4, "KEY_STATE_FORBIDS"));
        assert!(!site.path("lot.sets").exists());
    }
}

site_test! {
    fn a_file_that_is_not_as_it_was_written_is_refused(site) {
        site_with(site, 3);
        assert!(seal(site).status.success());
        let text = std::fs::read_to_string(site.path("lot.sets")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let open = |text: &str| {
            std::fs::write(site.path("other.sets"), text).unwrap();
            let failure = SetsFile::open(&site.path("other.sets")).unwrap_err();
            (failure.code, failure.exit, failure.place.rsplit_once(".sets").unwrap().1.to_owned())
        };
        let unsound = || ("SETS_UNSOUND", Exit::Integrity, String::new());
        let invalid = |place: &str| ("INPUT_INVALID", Exit::Input, place.to_owned());
        assert_eq!(open(&lines[..4].join("\n")), unsound(), "no end");
        assert_eq!(open(&[lines[0], lines[1], lines[2], lines[4], ""].join("\n")), unsound(), "a card is gone");
        assert_eq!(open(&text.replacen("enc\":{\"blob\":\"", "enc\":{\"blob\":\"00", 1)), invalid(":2:1"));
        let swapped = [lines[0], lines[2], lines[1], lines[3], lines[4], ""].join("\n");
        assert_eq!(open(&swapped), unsound());
        assert_eq!(open(&text.replacen("kcv\":\"gp:", "kcv\":\"p11:", 1)), invalid(":2:1"));
        assert_eq!(open(&text.replace("fuda-sets-1", "fuda-sets-2")), invalid(":1:1"));
        assert_eq!(open("serial,printed\n"), invalid(":1:1"));
        assert_eq!(SetsFile::open(&site.path("none.sets")).unwrap_err().code, "INPUT_UNREADABLE");
        let file = SetsFile::open(&site.path("lot.sets")).unwrap();
        assert_eq!((file.cards(), file.set(&[0xEE; 10]).unwrap()), (3, None), "a chip that it does not name");
        std::fs::write(site.path("lot.sets"), text.replace("0001020304", "FF01020304")).unwrap();
        assert_eq!(file.set(&CHIP).unwrap_err().code(), "SETS_UNSOUND", "changed under the line");
    }
}
