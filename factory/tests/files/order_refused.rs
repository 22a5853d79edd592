//! Orders that are wrong: each with its line and column, what is wrong, and what is allowed.

use std::path::Path;

use fuda_cli::{Failure, Source};
use fuda_factory::order::Order;

use crate::example;
use crate::order::toml;

fn refused(name: &str, text: impl Into<String>) -> Failure {
    let failure = Order::parse(Source::new(name, text)).expect_err("must be refused");
    assert_eq!(failure.exit.number(), 5, "{failure}");
    failure
}

/// The example with one replacement, and the report that it must get.
const MISTAKES: [(&str, &str, &str, &str, &str); 35] = [
    ("quantity = 1000", "quantity = 0", "5:12", "`quantity` is 0", "give a whole number from 1 to 1000000"),
    ("quantity = 1000", "quantity = 1000001", "5:12", "`quantity` is 1000001", "give a whole number from 1 to 1000000"),
    ("quantity = 1000", "quantity = -3", "5:12", "`quantity` is -3", "give a whole number from 1 to 1000000"),
    (
        "quantity = 1000",
        "quantity = \"1000\"",
        "5:12",
        "`quantity` is of type string",
        "give a whole number from 1 to 1000000",
    ),
    ("quantity = 1000", "", "1:1", "`quantity` is missing", "add quantity = a whole number from 1 to 1000000"),
    (
        "quantity =",
        "quantitty =",
        "5:1",
        "unknown key `quantitty`",
        "allowed: order, profile, stages, quantity, spares, lot, serial, keys, line",
    ),
    ("spares   = 30", "", "1:1", "`spares` is missing", "add spares = a whole number from 0 to 1000000"),
    ("stages   = [0, 1]", "stages = [1, 0]", "4:10", "`stages` is another list", "give [0], [1] or [0, 1]"),
    ("stages   = [0, 1]", "stages = [0, 1, 2]", "4:10", "`stages` is another list", "give [0], [1] or [0, 1]"),
    ("stages   = [0, 1]", "stages = []", "4:10", "`stages` is another list", "give [0], [1] or [0, 1]"),
    ("stages   = [0, 1]", "stages = 1", "4:10", "`stages` is of type integer", "give [0], [1] or [0, 1]"),
    (
        "\"L2604A\"",
        "\"L2604A-and-more-x\"",
        "7:12",
        "`lot` is \"L2604A-and-more-x\"",
        "give 1 to 16 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
    ),
    (
        "\"2026-0417-A\"",
        "\"../escape\"",
        "2:12",
        "`order` is \"../escape\"",
        "give 1 to 32 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
    ),
    (
        "\"membership-4ap\"",
        "\"\"",
        "3:12",
        "`profile` is \"\"",
        "give 1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit",
    ),
    ("\"counter\"", "\"random\"", "10:10", "`serial.source` is \"random\"", "give \"counter\", \"file\" or \"scan\""),
    (
        "\"8810400000001\"",
        "8810400000001",
        "11:10",
        "`serial.first` is of type integer",
        "give text in quotes: 1 to 24 digits in quotes, without the check digit",
    ),
    (
        "\"8810400000001\"",
        "\"88104A\"",
        "11:10",
        "`serial.first` is \"88104A\"",
        "give 1 to 24 digits in quotes, without the check digit",
    ),
    (
        "\"8810400000001\"",
        "\"9999999998971\"",
        "11:10",
        "`serial.first` leaves 1029 numbers of 13 digits, the order takes 1030 (quantity and spares)",
        "give more serials, or order fewer cards",
    ),
    ("check  = \"luhn\"", "", "9:1", "`serial.check` is missing", "add check = \"luhn\" or \"none\""),
    (
        "check  = \"luhn\"",
        "check = \"verhoeff\"",
        "12:9",
        "`serial.check` is \"verhoeff\"",
        "give \"luhn\" or \"none\"",
    ),
    (
        "check  = \"luhn\"",
        "path = \"x\"\ncheck = \"luhn\"",
        "12:8",
        "`serial.path` has no meaning with counter",
        "remove path",
    ),
    ("source = \"counter\"", "source = \"file\"", "11:10", "`serial.first` has no meaning with file", "remove first"),
    (
        "source = \"counter\"",
        "source = \"file\"\npath = \"/etc/serials\"\nzero = 1",
        "12:1",
        "unknown key `serial.zero`",
        "allowed: source, first, path, check",
    ),
    (
        "[serial] ",
        "[serials]",
        "9:2",
        "unknown key `serials`",
        "allowed: order, profile, stages, quantity, spares, lot, serial, keys, line",
    ),
    (
        "issuer       = \"issuer\"",
        "isuer = \"issuer\"",
        "16:1",
        "`isuer` is no key name",
        "give transport, issuer, recovery, initial or ap/NAME (quoted)",
    ),
    (
        "issuer       = \"issuer\"",
        "receipt = \"receipt\"",
        "16:1",
        "`receipt` is no key that a card carries",
        "give transport, issuer, recovery, initial or ap/NAME (quoted)",
    ),
    (
        "\"ap/ticket@1\"",
        "\"ap/points@1\"",
        "17:16",
        "`keys.ap/ticket` names another key, ap/points",
        "give the key's own name for its ACTIVE version, or NAME@N for version N",
    ),
    (
        "\"ap/ticket@1\"",
        "\"ap/ticket@0\"",
        "17:16",
        "`keys.ap/ticket` is not understood: `ap/ticket@0` is no key version (write it like ap/ticket@3)",
        "give the key's own name for its ACTIVE version, or NAME@N for version N",
    ),
    (
        "issuer       = \"issuer\"",
        "recovery = \"recovery\"",
        "16:12",
        "`keys.recovery` names a key that no line has",
        "give { sets = \"FILE\" }: what `fuda-kms key sets` made for these cards",
    ),
    (
        "issuer       = \"issuer\"",
        "recovery = { set = \"x\" }",
        "16:14",
        "unknown key `keys.recovery.set`",
        "allowed: sets",
    ),
    (
        "issuer       = \"issuer\"",
        "recovery = { sets = \"\" }",
        "16:21",
        "`keys.recovery.sets` is empty",
        "give the name of a file",
    ),
    (
        "issuer       = \"issuer\"",
        "issuer = { sets = \"x\" }",
        "16:10",
        "`keys.issuer` is of type table",
        "give text in quotes: the key's own name for its ACTIVE version, or NAME@N for version N",
    ),
    ("stop_after       = 5", "stop_after = 0", "25:14", "`line.stop_after` is 0", "give a whole number from 1 to 1000"),
    ("rework           = false", "rework = \"no\"", "27:10", "`line.rework` is of type string", "give true or false"),
    (
        "audit_every",
        "audit_evry",
        "24:1",
        "unknown key `line.audit_evry`",
        "allowed: first_article, audit_every, stop_after, quarantine_after, rework",
    ),
];

#[test]
fn every_mistake_is_named_with_its_place() {
    for (from, to, place, what, remedy) in MISTAKES {
        let text = toml();
        assert!(text.contains(from), "{from}");
        let failure = refused("order.toml", text.replacen(from, to, 1));
        assert_eq!(
            (failure.place, failure.what, failure.remedy),
            (format!("order.toml:{place}"), what.into(), remedy.into()),
            "{to}"
        );
    }
}

#[test]
fn an_exhausted_range_has_its_own_code() {
    let failure = refused("order.toml", toml().replace("\"8810400000001\"", "\"9999999999999\""));
    assert_eq!(failure.code, "SERIAL_RANGE_EXHAUSTED");
}

#[test]
fn broken_toml_is_shown_where_it_breaks() {
    let failure = refused("order.toml", "order = \"A\"\nprofile = \n");
    assert_eq!(failure.place, "order.toml:2:11");
    let failure = refused("order.toml", "order = \"A\"\norder = \"B\"\n");
    assert_eq!((failure.place.as_str(), failure.what.as_str()), ("order.toml:2:1", "duplicate key"));
    assert_eq!(refused("order.toml", "").what, "`order` is missing");
}

#[test]
fn paths_stay_beside_the_order() {
    for path in ["/etc/passwd", "../serials.csv", ""] {
        let serial = format!("source = \"file\"\npath = \"{path}\"");
        let text = toml().replace("source = \"counter\"", &serial).replace("first  = \"8810400000001\"", "");
        let failure = refused("order.toml", text);
        assert_eq!((failure.place.as_str(), failure.what), ("order.toml:11:8", format!("`serial.path` is {path:?}")));
    }
}

/// The CSV example with one replacement.
const ROW_MISTAKES: [(&str, &str, &str, &str); 13] = [
    ("serial,printed\n", "serial;printed\n", "14:1", "the first row is \"serial;printed\""),
    ("serial,printed\n", "", "14:1", "the first row is \"79927398713,7992-7398-713\""),
    ("88104000000021,8810", "79927398713,8810", "18:1", "the serial 79927398713 is already on line 15"),
    (",8810-4000-0000-21", ",7992-7398-713", "18:16", "the printed number 7992-7398-713 is already on line 15"),
    ("88104000000021", "88104000000029", "18:1", "the serial 88104000000029 has a wrong check digit"),
    (",8810-4000-0000-21", "", "18:1", "the row has 1 fields"),
    (",8810-4000-0000-21", ",a,b", "18:1", "the row has 3 fields"),
    (",8810-4000-0000-21", ",", "18:16", "the printed number is \"\""),
    (",8810-4000-0000-21", ", x", "18:16", "the printed number is \" x\""),
    ("88104000000021,", "8810 4000,", "18:1", "the serial is \"8810 4000\""),
    ("88104000000039,8810-4000-0000-39\n", "", "19:1", "there are 4 serials, the order takes 5 (quantity and spares)"),
    ("# spares   = 2", "# spares   = 1", "20:1", "there are 5 serials, the order takes 4 (quantity and spares)"),
    ("# quantity = 3", "# quantity = \"3\"", "4:14", "`quantity` is of type string"),
];

#[test]
fn every_wrong_row_is_named_with_its_place() {
    let text = std::fs::read_to_string(example("order.csv")).unwrap();
    for (from, to, place, what) in ROW_MISTAKES {
        assert!(text.contains(from), "{from}");
        let failure = refused("order.csv", text.replacen(from, to, 1));
        assert_eq!((failure.place, failure.what), (format!("order.csv:{place}"), what.to_owned()), "{to}");
    }
}

#[test]
fn rows_that_nobody_asked_for_are_refused() {
    let header: String = toml().lines().map(|line| format!("#{line}\n")).collect();
    let failure = refused("order.csv", format!("{header}serial,printed\n1,1\n"));
    assert_eq!(
        (failure.place.as_str(), failure.what.as_str()),
        ("order.csv:28:1", "there are rows, but the serials come from the counter")
    );
}

#[test]
fn a_list_beside_the_order_is_reported_by_its_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let text = toml()
        .replace("quantity = 1000", "quantity = 2")
        .replace("spares   = 30", "spares = 0")
        .replace("source = \"counter\"", "source = \"file\"")
        .replace("first  = \"8810400000001\"", "path = \"serials.csv\"");
    let order = Order::parse(Source::new("order.toml", text)).unwrap();
    let open = |folder: &Path| order.serials(folder).map(|_| ());
    assert_eq!(open(dir.path()).unwrap_err().code, "INPUT_UNREADABLE");

    let list = dir.path().join("serials.csv");
    std::fs::write(&list, "serial,printed\n\n88104000000013,1\r\n\n88104000000013,2\n").unwrap();
    let failure = open(dir.path()).unwrap_err();
    assert_eq!(failure.place, format!("{}:5:1", list.display()));
    assert_eq!(failure.what, "the serial 88104000000013 is already on line 3");

    std::fs::write(&list, "serial,printed\n88104000000013,1\n").unwrap();
    assert_eq!(open(dir.path()).unwrap_err().code, "SERIAL_RANGE_EXHAUSTED");
    std::fs::write(&list, b"serial,printed\n88104000000013,\xff\n").unwrap();
    assert_eq!(open(dir.path()).unwrap_err().place, format!("{}:2:16", list.display()));
}
