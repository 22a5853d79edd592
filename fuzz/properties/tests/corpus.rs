//! Every committed corpus file, and every input that once failed, through its property.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helper of these tests fails as they do, and names the file in hand"
)]

use fuda_fuzz_properties::{apdu, atr, cardscript, dialogue, fcp, profile, scp03, tlv, verdict, vpcd};
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // The name of the file in hand is what a failure is known by.
        println!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count > 1, "{} has no seeds", folder.display());
}

macro_rules! targets {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), $target::check);
            }
        )*

        #[test]
        fn every_folder_has_its_target() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
            let mut found: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            assert_eq!(found, [$(stringify!($target)),*]);
        }
    };
}

targets!(apdu atr cardscript dialogue fcp profile scp03 tlv verdict vpcd);
