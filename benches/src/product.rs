//! The card that is measured: profile `membership-4ap`, both stages.

use crate::doing::Doing;
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Plan, Stage};
use fuda_card::profile::Profile;
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::{Blank, Card};
use fuda_cli::Failure;
use std::path::Path;

/// Text of the profile.
const PROFILE: &str = include_str!("../../profiles/membership-4ap.toml");

/// GlobalPlatform's public test key: the chip maker's key of simulated chips.
pub const MAKER_KEY: [u8; 16] = *b"@ABCDEFGHIJKLMNO";

/// Lot of every measured card.
pub const LOT: &str = "BENCH";

/// The profile.
///
/// # Errors
/// When the profile in the repository is broken.
pub fn profile() -> Result<Profile, Failure> {
    Profile::parse(PROFILE).map_err(|error| error.what).doing("read membership-4ap.toml")
}

/// The steps of 0th and 1st issuance.
///
/// # Errors
/// As [`profile`].
pub fn plan() -> Result<Plan, Failure> {
    Ok(Plan::issue(&profile()?, Stage::Zeroth..=Stage::First, LOT))
}

/// A blank chip as its maker delivers it.
///
/// # Errors
/// Never for the key above.
pub fn blank(kdd: Kdd) -> Result<Blank, Failure> {
    let key = AesKey::from_bytes(&MAKER_KEY).ok_or("not an AES key").doing("read the maker's key")?;
    Blank::derived(kdd, &key).ok_or("not an AES key").doing("derive a chip's keys")
}

/// A blank chip in memory, with power.
///
/// # Errors
/// As [`blank`].
pub fn card_in_memory(kdd: Kdd) -> Result<Card, Failure> {
    let mut card = Card::new(blank(kdd)?);
    card.power_on();
    Ok(card)
}

/// A blank chip in a new file.
///
/// # Errors
/// When the file exists or cannot be written.
pub fn card_file(path: &Path, kdd: Kdd) -> Result<(), Failure> {
    Card::create(path, blank(kdd)?).doing("write a card file").map(drop)
}

/// Another chip for every number.
#[must_use]
pub fn chip(number: u64) -> Kdd {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    Kdd::new([0xBE, 0xBE, a, b, c, d, e, f, g, h])
}
