//! Print files: what the printer opens, what nobody else can read, and that a second copy has the same codes.

use age::x25519::Identity;
use fuda_card::crypto::AesKey;
use fuda_tests::ceremony::{self, Task};
use fuda_tests::{Order, Site, skip};
use fuda_tests_cluster::{Engine, on_both_engines};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A row of a print file: serial, printed, activation code.
type Row = [String; 3];

fn prepare<'a>(recipient: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["prepare", "order.toml", "--print-to", recipient], more].concat()
}

/// What the printer reads.
fn opened(file: &Path, identity: &Identity) -> Vec<Row> {
    let encrypted = std::fs::read(file).unwrap();
    let decryptor = age::Decryptor::new_buffered(&encrypted[..]).unwrap();
    let mut text = String::new();
    decryptor.decrypt(std::iter::once(identity as &dyn age::Identity)).unwrap().read_to_string(&mut text).unwrap();
    rows(&text)
}

fn rows(text: &str) -> Vec<Row> {
    assert!(text.starts_with("serial,printed,activation_code\n") && text.ends_with('\n'), "{text:.60}");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = |record: csv::StringRecord| [0, 1, 2].map(|column| record[column].to_owned());
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// Every file of a site, whatever its name.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn a_printer_gets_every_package_and_a_second_copy_has_the_same_codes(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 2, ..Order::small(3) });
    let printer = Identity::generate();
    let recipient = printer.to_public().to_string();
    let told = site.factory(&prepare(&recipient, &[])).done();
    assert_eq!((&told["copy"], &told["packages"], &told["quantity"]), (&1.into(), &5.into(), &3.into()), "{told}");
    assert_eq!((&told["first_serial"], &told["last_serial"]), (&"88104000000013".into(), &"88104000000054".into()));
    let first = site.path("deliveries/T-1-print-1.age");
    let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(std::fs::read(&first).unwrap()));
    assert_eq!(told["file_sha256"], sum.as_str());
    let packages = opened(&first, &printer);
    assert_eq!(packages.len(), 5, "cards and spares");
    assert_eq!((packages[0][0].as_str(), packages[0][1].as_str()), ("88104000000013", "88104000000013"));
    let codes: Vec<&str> = packages.iter().map(|row| row[2].as_str()).collect();
    for code in &codes {
        let shape: String = code.chars().map(|c| if c == '-' { '-' } else { 'c' }).collect();
        assert_eq!(shape, "ccccc-ccccc");
    }
    // Nobody else opens it, and no code lies anywhere at the site.
    let stranger = Identity::generate();
    let encrypted = std::fs::read(&first).unwrap();
    let refused = age::Decryptor::new_buffered(&encrypted[..]).unwrap().decrypt(std::iter::once(&stranger as _));
    assert!(refused.is_err());
    let mut found = Vec::new();
    files(&site.path("."), &mut found);
    for path in found {
        let bytes = std::fs::read(&path).unwrap();
        for code in &codes {
            for spelling in [(*code).to_owned(), code.replace('-', "")] {
                let is_there = bytes.windows(spelling.len()).any(|window| window == spelling.as_bytes());
                assert!(!is_there, "{} holds a code in clear", path.display());
            }
        }
    }
    // Once is enough, unless somebody says so.
    let refused = site.factory(&prepare(&recipient, &[])).fails(4, "PRINT_FILE_MADE");
    assert!(refused.what.contains(&recipient) && refused.what.contains(&sum), "{refused:?}");
    assert!(refused.remedy.contains("--again"), "{refused:?}");
    let second_printer = Identity::generate();
    site.write("printer.txt", &format!("# Toppan, room 3\n\n{}\n", second_printer.to_public()));
    let again = site.factory(&prepare("printer.txt", &["--again", "--out", "second.age"])).done();
    assert_eq!(again["copy"], 2, "{again}");
    assert_eq!(opened(&site.path("second.age"), &second_printer), packages);
    let entries = site.database().column("SELECT detail FROM journal WHERE event = 'print' ORDER BY seq");
    assert_eq!(entries.len(), 2);
    assert!(entries[0].starts_with("copy 1 for age1") && entries[1].starts_with("copy 2 for age1"), "{entries:?}");
    let _ = site.factory(&prepare(&recipient, &["--again", "--out", "second.age"])).fails(4, "PRINT_FILE_EXISTS");
    assert_eq!(site.database().count("SELECT COUNT(*) FROM print_copy"), 2, "a refused copy is none");

    // The chips come later, and the delivery says which key made the codes.
    site.blank("stack", 3);
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &[]).wait().done();
    let _ = feeder.wait().done();
    let delivery = site.deliver("T-1", "out");
    assert_eq!(delivery.manifest["activation"]["key"], "activation@1");
    let printed: Vec<&str> = packages.iter().take(3).map(|row| row[0].as_str()).collect();
    assert_eq!(delivery.column("serial"), printed);
    let _ = site.factory(&["verify", delivery.folder.to_str().unwrap()]).done();
}

fn what_cannot_be_printed_is_refused_before_anything_is_written(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(2));
    let recipient = Identity::generate().to_public().to_string();
    let nothing = |site: &Site| {
        assert_eq!(site.database().count("SELECT COUNT(*) FROM print_copy"), 0);
        assert_eq!(std::fs::read_dir(site.path("deliveries")).unwrap().count(), 0, "something was left behind");
    };
    let secret = "AGE-SECRET-KEY-1QQPQYZN2ANQP7Y7HH0S55VZHEMUMZQVPSLJPA3H3W2Z7FK5PJ3KQYCNF0J";
    for (wrong, exit, code) in [
        ("age1nonsense", 2, "PRINT_RECIPIENT"),
        ("nowhere.txt", 5, "INPUT_UNREADABLE"),
        ("secret.txt", 2, "PRINT_RECIPIENT"),
        ("empty.txt", 2, "PRINT_RECIPIENT"),
    ] {
        site.write("secret.txt", secret);
        site.write("empty.txt", "# nobody\n");
        let refused = site.factory(&prepare(wrong, &[]));
        assert!(!refused.to_string().contains("SECRET-KEY-1Q"), "{refused}");
        let _ = refused.fails(exit, code);
    }
    let _ = site.factory(&["prepare", "order.toml"]).exits(2);
    nothing(&site);
    let _ = site.factory(&prepare(&recipient, &["--out", "no/such/folder/x.age"])).fails(8, "PRINT_FILE_IO");
    nothing(&site);
    // Two orders never share a serial on their packages.
    let _ = site.factory(&prepare(&recipient, &[])).done();
    site.order(&Order { id: "T-2".to_owned(), first: 8_810_400_000_004, ..Order::small(2) });
    let shared = site.factory(&prepare(&recipient, &[])).fails(4, "SERIAL_PRINTED");
    assert!(shared.what.contains("88104000000047") && shared.what.contains("T-1"), "{shared:?}");
    assert_eq!(site.database().count("SELECT COUNT(*) FROM print_copy"), 1);
    assert!(!site.path("deliveries/T-2-print-1.age").exists());
    // An order that prints nothing cannot take them either.
    site.order(&Order { id: "T-3".to_owned(), first: 8_810_400_000_002, ..Order::small(1) });
    for ended in [site.factory(&["check", "order.toml"]), site.line(1, &[]).wait()] {
        let _ = ended.fails(4, "SERIAL_PRINTED");
    }
    assert_eq!(site.database().count("SELECT COUNT(*) FROM job WHERE id = 'T-3'"), 0);
}

#[test]
fn a_site_without_the_key_makes_no_job() {
    let site = Site::for_domains();
    site.order(&Order::domain(1));
    let recipient = Identity::generate().to_public().to_string();
    let _ = site.factory(&prepare(&recipient, &[])).fails(4, "KEY_NOT_ACTIVE");
    assert_eq!(site.database().count("SELECT COUNT(*) FROM job"), 0);
}

#[test]
fn codes_are_those_of_a_known_key_and_the_age_program_opens_the_file() {
    if ceremony::is_held_here() {
        return;
    }
    let test = "preparing::codes_are_those_of_a_known_key_and_the_age_program_opens_the_file";
    let site = Site::for_domains();
    let value = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
    ceremony::hold(&site, test, &Task::Mac { label: "ACTIVATION".to_owned(), value: value.to_owned() });
    let _ = site.kms(&["key", "adopt", "--label", "ACTIVATION", "activation@1"]).done();
    site.order(&Order::domain(1));
    let printer = Identity::generate();
    let _ = site.factory(&prepare(&printer.to_public().to_string(), &["--out", "print.age"])).done();
    let packages = opened(&site.path("print.age"), &printer);
    // As an independent program computed them from this key.
    let codes: Vec<&str> = packages.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(codes, ["SR6C8-N3KGY", "FJHBN-XA05W"]);
    let mac = AesKey::new(&hex::decode(value).unwrap()).unwrap().cmac(&[b"FUDA-AC1", packages[0][0].as_bytes()]);
    assert_eq!(hex::encode_upper(mac), "CE0CC45473872B410BF9E029C5BFDC57");

    let Some(program) = skip::needs(test, "age") else { return };
    use age::secrecy::ExposeSecret;
    site.write("key.txt", printer.to_string().expose_secret());
    let output = site.command(&program, &["-d", "-i", "key.txt", "print.age"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(rows(std::str::from_utf8(&output.stdout).unwrap()), packages);
}

on_both_engines!(
    a_printer_gets_every_package_and_a_second_copy_has_the_same_codes,
    what_cannot_be_printed_is_refused_before_anything_is_written,
);
