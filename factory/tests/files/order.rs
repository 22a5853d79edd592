//! Orders that are right, in both spellings.

use std::path::Path;

use fuda_cli::Source;
use fuda_cli::config::Mode;
use fuda_factory::order::{CheckDigit, LineRules, Order, SerialError, SerialRule, Stages};
use fuda_kms::name::KeyName;

use crate::example;

pub(crate) fn toml() -> String {
    std::fs::read_to_string(example("order.toml")).unwrap()
}

fn parse(name: &str, text: impl Into<String>) -> Order {
    Order::parse(Source::new(name, text)).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn the_example_says_what_it_says() {
    let order = Order::read(&example("order.toml")).unwrap();
    assert_eq!(
        (order.id.as_str(), order.profile.as_str(), order.lot.as_str()),
        ("2026-0417-A", "membership-4ap", "L2604A")
    );
    assert_eq!((order.stages, order.stages.first(), order.stages.last()), (Stages::Both, 0, 1));
    assert_eq!((order.quantity, order.spares, order.serials_needed()), (1000, 30, 1030));
    let rule = SerialRule::Counter { first: 8_810_400_000_001, digits: 13, check: CheckDigit::Luhn };
    assert_eq!(order.serial, rule);
    let keys: Vec<String> = order.keys.choices().iter().map(|choice| choice.key.to_string()).collect();
    assert_eq!(keys, ["transport", "issuer", "ap/ticket", "ap/library", "ap/parking", "ap/points"]);
    assert_eq!(order.line.first_article(Mode::Production), 0);
    assert_eq!(order.sha256().to_string().len(), 64);
}

#[test]
fn a_counter_gives_each_position_its_serial_for_ever() {
    let order = parse("order.toml", toml());
    let serials = order.serials(Path::new(".")).unwrap();
    let first: Vec<String> = serials.iter().take(3).map(|serial| serial.number).collect();
    assert_eq!(first, ["88104000000013", "88104000000021", "88104000000039"]);
    assert_eq!(serials.nth(1).unwrap().printed, "88104000000021");
    assert_eq!(serials.iter().count(), 1030);
    assert_eq!(serials.nth(1030), Err(SerialError::Exhausted { available: 1030 }));
    assert_eq!(SerialError::Exhausted { available: 1030 }.code(), "SERIAL_RANGE_EXHAUSTED");
}

#[test]
fn a_counter_keeps_leading_zeros_and_needs_no_check_digit() {
    let text = toml().replace("\"8810400000001\"", "\"0000007\"").replace("\"luhn\"", "\"none\"");
    let serials = parse("order.toml", text).serials(Path::new(".")).unwrap();
    assert_eq!(serials.nth(0).unwrap().number, "0000007");
    assert_eq!(serials.nth(1029).unwrap().number, "0001036");
}

#[test]
fn the_last_number_of_a_range_is_usable() {
    let text = toml().replace("\"8810400000001\"", "\"9999999998970\"");
    let serials = parse("order.toml", text).serials(Path::new(".")).unwrap();
    assert!(serials.nth(1029).unwrap().number.starts_with("9999999999999"));
}

#[test]
fn the_csv_spelling_carries_order_and_serials_in_one_file() {
    let order = Order::read(&example("order.csv")).unwrap();
    assert_eq!((order.id.as_str(), order.quantity, order.spares), ("2026-0418-C", 3, 2));
    assert_eq!(order.line, LineRules::default());
    assert_eq!((order.line.first_article(Mode::Test), order.line.first_article(Mode::Production)), (0, 3));
    let serials = order.serials(Path::new(".")).unwrap();
    assert_eq!(serials.nth(0).unwrap().printed, "7992-7398-713");
    assert_eq!(serials.nth(4).unwrap().number, "88104000000039");
    assert!(serials.nth(5).is_err());
    assert_eq!(serials.list_sha256(), None);
}

#[test]
fn a_csv_order_may_count_and_then_has_no_rows() {
    let header: String = toml().lines().map(|line| format!("#{line}\n")).collect();
    let order = parse("order.csv", header);
    assert_eq!(order.serials(Path::new(".")).unwrap().iter().count(), 1030);
}

#[test]
fn a_list_beside_the_order_is_read_from_its_folder() {
    let text = toml()
        .replace("quantity = 1000", "quantity = 2")
        .replace("spares   = 30", "spares = 1")
        .replace("source = \"counter\"", "source = \"file\"")
        .replace("first  = \"8810400000001\"", "path = \"serials.csv\"");
    let serials = parse("order.toml", text).serials(example("order.toml").parent().unwrap()).unwrap();
    let printed: Vec<String> = serials.iter().map(|serial| serial.printed).collect();
    assert_eq!(printed, ["会員番号 0001", "0002, 予備", "0003"]);
    assert!(serials.list_sha256().is_some());
}

#[test]
fn scanned_serials_are_checked_when_they_come() {
    let text = toml().replace("source = \"counter\"", "source = \"scan\"").replace("first  = \"8810400000001\"", "");
    let serials = parse("order.toml", text).serials(Path::new(".")).unwrap();
    assert_eq!(serials.nth(0), Err(SerialError::ScanWanted));
    assert_eq!(serials.scanned(" 88104000000013\r\n").unwrap().number, "88104000000013");
    assert_eq!(serials.scanned("88104000000019").unwrap_err().code(), "SERIAL_CHECK_DIGIT");
    assert_eq!(serials.scanned("8810 4000").unwrap_err().code(), "SERIAL_MALFORMED");
}

#[test]
fn keys_are_held_against_what_the_profile_needs() {
    let order = parse("order.toml", toml());
    let all = ["initial", "transport", "issuer", "ap/ticket", "ap/library", "ap/parking", "ap/points"];
    let needed = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<KeyName>>();
    order.keys.only(order.source(), &needed(&all)).unwrap();
    order.keys.only(order.source(), &needed(&[&all[..], &["recovery"]].concat())).unwrap();

    let failure = order.keys.only(order.source(), &needed(&all[..6])).unwrap_err();
    assert_eq!(failure.place, "order.toml:20:16");
    assert_eq!(failure.what, "`keys.ap/points` is not written by this profile in these stages");
}

#[test]
fn recovery_sets_are_named_where_the_profile_wants_them_and_nowhere_else() {
    let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<KeyName>>();
    let (with, without) = (names(&["issuer", "recovery"]), names(&["issuer"]));
    let plain = parse("order.toml", toml());
    assert_eq!(plain.keys.recovery_for(plain.source(), &without), Ok(None));
    let failure = plain.keys.recovery_for(plain.source(), &with).unwrap_err();
    assert_eq!((failure.place.as_str(), failure.exit), ("order.toml:14:1", fuda_cli::Exit::Input), "{failure}");
    assert!(failure.remedy.starts_with("add recovery = { sets ="), "{failure}");
    let named = parse("order.toml", toml().replace("[keys] ", "[keys]\nrecovery = { sets = \"lot.sets\" }\n"));
    let sets = named.keys.recovery_for(named.source(), &with).unwrap().unwrap();
    assert_eq!(sets.path, Path::new("lot.sets"));
    let failure = named.keys.recovery_for(named.source(), &without).unwrap_err();
    assert_eq!(failure.place, "order.toml:15:21");
}

#[test]
fn the_same_bytes_are_the_same_order() {
    let (one, other) = (parse("a.toml", toml()), parse("b.toml", toml().replace("1000 ", "1001 ")));
    assert_eq!(one.sha256(), parse("c.toml", toml()).sha256());
    assert_ne!(one.sha256(), other.sha256());
}
