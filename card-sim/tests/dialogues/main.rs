//! Every `*.dialogue` of this folder, against the simulated card in memory and through a reader's socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail as the tests do"
)]

mod in_memory;
mod player;
mod through_a_reader;

use in_memory::InMemory;
use player::{Played, play};
use std::path::{Path, PathBuf};
use through_a_reader::Reader;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues")
}

macro_rules! dialogues {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                match play(&folder(), stringify!($name), &mut InMemory::default()) {
                    Ok(Played::Whole(compared)) => assert!(compared > 0, "nothing was compared"),
                    Ok(Played::LeftOut(what)) => panic!("a simulated card has no {what}"),
                    Err(what) => panic!("{what}"),
                }
            }
        )*

        /// Names of all dialogues.
        const DIALOGUES: &[&str] = &[$(stringify!($name)),*];
    };
}

dialogues! {
    access_rules
    aes_256
    chaining
    channel_life
    create_file
    data_objects
    delete_file
    issuance
    keys_in_a_df
    keys_in_the_mf
    life_cycle
    pin
    r_mac_session
    records_and_binaries
    s16
    select
    store_data
    t0
    torn_writes
    try_delay
}

/// The card cannot tell the benches apart, so a dialogue that one of them plays otherwise shows a fault of the way there.
#[test]
fn the_same_through_a_reader() {
    let mut left_out = Vec::new();
    for name in DIALOGUES {
        match play(&folder(), name, &mut Reader::new()) {
            Ok(Played::Whole(_)) => {}
            Ok(Played::LeftOut(_)) => left_out.push(*name),
            Err(what) => panic!("{what}"),
        }
    }
    assert_eq!(left_out, ["torn_writes", "try_delay"], "a feeder's faults and clock are not in our hand");
}

#[test]
fn a_wrong_expectation_is_found_with_its_place() {
    let begin = "blank\n> 00A4 0400 00\n";
    for (lines, what) in [
        ("< 6A82", "wrong.dialogue:3: the card answered 6F0A8408A0000001510000009000"),
        ("< nothing", "wrong.dialogue:3: the card answered 6F0A"),
        ("> 00A4 0400 00", "wrong.dialogue:3: the answer 6F0A8408A0000001510000009000 has no `<`"),
        ("", "wrong.dialogue: at its end the answer 6F0A"),
        ("< *9000\n< *9000", "wrong.dialogue:4: no command above"),
        ("< *9000\ndelay 1s", "wrong.dialogue:4: the answer took 0ns"),
        (
            "< *9000\nkeys own kdf3 00*16\nchannel own FF level 33",
            "wrong.dialogue:5: the channel was refused: cryptogram",
        ),
        ("< *9000\nchannel own FF level 33", "wrong.dialogue:4: no `keys own` above"),
        ("< *9000\nchanel own FF", "wrong.dialogue:4: `chanel own FF` is no line of a dialogue"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("wrong.dialogue"), format!("{begin}{lines}\n")).unwrap();
        let error = play(folder.path(), "wrong", &mut InMemory::default()).unwrap_err();
        assert!(error.starts_with(what), "{error}");
    }
}

#[test]
fn every_file_is_played() {
    let mut found: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".dialogue")?.to_owned()))
        .collect();
    found.sort();
    assert_eq!(found, DIALOGUES);
}
