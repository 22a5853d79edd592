//! A delivery of a whole day's line comes in at one go, is continued where it was cut, and is written once.

use fuda_card::profile::Profile;
use fuda_issuance::delivery::{
    CardRow, CardStage, Counts, CsvEncoding, DeliveryWriter, Extent, Facts, JournalFacts, Kcv, KcvMethod, KeyFacts,
    OrderFacts, ProfileFacts, ReceiptKey, Sha256Sum, SiteMode,
};
use fuda_tests::Site;
use fuda_tests::running::until;
use fuda_tests::site::repository;
use fuda_tests_cluster::{Engine, on_both_engines};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use std::path::{Path, PathBuf};

/// Cards of the delivery: several pieces of an import.
const CARDS: u32 = 1_200;

/// Writes a delivery as a line of this site would, whose receipt key is only ours.
fn delivery(site: &Site) -> PathBuf {
    let text = std::fs::read_to_string(repository("profiles/membership-1ap.toml")).unwrap();
    let profile = Profile::parse(&text).unwrap();
    let key = |name: &str, method: KcvMethod| {
        let select = format!("SELECT check_value FROM key_version WHERE name = '{name}'");
        let value = site.database().column(&select).remove(0).split(':').next_back().unwrap().to_owned();
        KeyFacts { key: format!("{name}@1").parse().unwrap(), kcv: Kcv { method, value } }
    };
    let (signer, folder) = (SigningKey::from_slice(&[7; 32]).unwrap(), site.path("deliveries").join("bulk"));
    let mut writer = DeliveryWriter::create(&folder, CsvEncoding::Utf8).unwrap();
    for number in 0..CARDS {
        let card = CardRow {
            serial: format!("9{number:09}"),
            printed: format!("P{number:09}"),
            chip_id: format!("AA{number:018}").parse().unwrap(),
            lot: "BULK".to_owned(),
            carton: String::new(),
            profile: profile.name().to_owned(),
            stage: CardStage::First,
            keys: vec!["issuer@1".parse().unwrap(), "ap/ticket@1".parse().unwrap()],
            encoder: "e".to_owned(),
            operator: "o".to_owned(),
            issued_at: "2026-04-17T09:30:00+09:00".to_owned(),
            counters: Vec::new(),
        };
        writer.card(&card).unwrap();
    }
    let (zero, good) = (Sha256Sum::new([0; 32]), u64::from(CARDS));
    let facts = Facts {
        site: "line".to_owned(),
        mode: SiteMode::Test,
        order: OrderFacts { id: "BULK".to_owned(), sha256: zero },
        lot: "BULK".to_owned(),
        profile: ProfileFacts { name: profile.name().to_owned(), sha256: Sha256Sum::new(*profile.hash().as_bytes()) },
        stages: vec![0, 1],
        counts: Counts { ordered: good, fed: good, good, ..Counts::default() },
        keys: vec![key("issuer", KcvMethod::Gp), key("ap/ticket", KcvMethod::Gp)],
        activation: Some(key("activation", KcvMethod::Cmac)),
        journal: JournalFacts { entries: 1, sha256: zero },
        created_at: "2026-04-17T09:30:00+09:00".to_owned(),
    };
    let receipt = ReceiptKey::from_sec1(&signer.verifying_key().to_sec1_bytes()).unwrap();
    let unsigned = writer.close(facts, (1, Extent::Whole), ("receipt@1".parse().unwrap(), receipt)).unwrap();
    let signature: p256::ecdsa::Signature = signer.sign_prehash(unsigned.digest().as_bytes()).unwrap();
    unsigned.publish(&signature.to_bytes().into()).unwrap().folder
}

fn import(folder: &Path) -> [&str; 3] {
    ["stock", "import", folder.to_str().unwrap()]
}

fn an_import_that_was_killed_goes_on_where_it_was(engine: Engine) {
    let site = Site::on(engine);
    site.open_market();
    let folder = delivery(&site);
    std::fs::copy(folder.join("receipt.pem"), site.path("line.pem")).unwrap();
    let count = || site.database().column("SELECT COUNT(*) FROM stock_card").remove(0).parse::<u32>().unwrap();
    let running = site.start(&fuda_tests::program::binary("fuda-issuer"), &import(&folder));
    until("a piece is written", || count() > 0);
    let _ = running.kill();
    let cut = count();
    assert!(cut > 0 && cut < CARDS, "killed with {cut} of {CARDS} cards");
    // Nobody sells what is not whole.
    assert_eq!(site.issuer(&["stock", "count"]).done()["cards"], 0);
    let done = site.issuer(&import(&folder)).done();
    assert_eq!(done["cards"], CARDS);
    // A server may have finished the piece that its client no longer waited for.
    let written = done["written"].as_u64().unwrap();
    assert!(written > 0 && written <= u64::from(CARDS - cut), "{written} written, {cut} before");
    assert_eq!((count(), site.issuer(&["stock", "count"]).done()["cards"].as_u64()), (CARDS, Some(CARDS.into())));
    let codes = site.database().column("SELECT COUNT(DISTINCT code_index) FROM stock_card");
    assert_eq!(codes, [CARDS.to_string()], "each card is found by a code of its own");
    let sets = site.database().column("SELECT COUNT(*) FROM card_key WHERE state = 'proved'");
    assert_eq!(sets, [(2 * CARDS).to_string()]);
}

on_both_engines!(an_import_that_was_killed_goes_on_where_it_was);
