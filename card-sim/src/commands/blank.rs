//! `blank`: chips as their maker delivers them.

use clap::{Args, ValueEnum};
use fuda_card::id::{Kdd, Kvn};
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::derivation::Mode;
use fuda_card_sim::kdf3;
use fuda_card_sim::keys::StaticKeys;
use fuda_card_sim::make::{ChallengeSource, Domain, InitialSet, Make};
use fuda_card_sim::stack::EXTENSION;
use fuda_card_sim::state::Protocol;
use fuda_card_sim::{Blank as Chip, Card, Error};
use fuda_cli::{Failure, Globals, output};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, Args)]
pub(crate) struct Blank {
    /// Number of chips
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    count: u32,
    /// Folder of the card files, made if it is missing
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Key-derivation key of the initial keys, 32, 48 or 64 hex digits; the default is GlobalPlatform's public test key
    #[arg(long, value_name = "HEX", default_value = "404142434445464748494A4B4C4D4E4F")]
    initial_kdk: String,
    /// Chip identity of the first chip, 20 hex digits; the others count up from it [default: random]
    #[arg(long, value_name = "HEX", conflicts_with = "seed")]
    kdd_from: Option<Kdd>,
    /// Chip identities that follow from a number, the same each time
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Transmission protocol that the chips offer
    #[arg(long, value_enum, default_value_t = Atr::T1)]
    atr: Atr,
    /// Length of SCP03 challenges and MACs
    #[arg(long, value_enum, default_value_t = Scp::S8)]
    scp: Scp,
    /// What the chips are
    #[arg(long, value_enum, default_value_t = Kind::Files)]
    kind: Kind,
    /// How the keys come from --initial-kdk [default: kdf3; fixed with --kind gp]
    #[arg(long, value_enum)]
    keys: Option<Keys>,
    /// Number of the key set that the chips come with, with --kind gp: 01 to 7F, or FF
    #[arg(long, value_name = "KVN", default_value = "FF", value_parser = kvn)]
    kvn: Kvn,
    /// Card challenge, with --kind gp
    #[arg(long, value_enum, default_value_t = Challenge::PseudoRandom)]
    challenge: Challenge,
    /// What becomes of set FF when the first other one is put, with --kind gp
    #[arg(long, value_enum, default_value_t = FirstSet::Vanishes)]
    initial_set: FirstSet,
}

/// Choice of `--kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// File system with keys; blank until it gets its MF
    Files,
    /// Security domain with keys and no files, as cards on sale have it
    Gp,
    /// Another house's card, which knows neither
    Other,
}

/// Choice of `--keys`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Keys {
    /// Derived for each chip
    Kdf3,
    /// The key itself, three times, on every chip
    Fixed,
}

/// Choice of `--challenge`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Challenge {
    /// Follows from key and counter (i = 70)
    PseudoRandom,
    /// Random (i = 60)
    Random,
}

/// Choice of `--initial-set`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FirstSet {
    /// Removed by the card itself
    Vanishes,
    /// Kept until it is deleted
    Stays,
}

fn kvn(text: &str) -> Result<Kvn, String> {
    let number = u8::from_str_radix(text, 16).ok().filter(|number| matches!(number, 0x01..=0x7F | 0xFF));
    number.map(Kvn::new).ok_or_else(|| "write 01 to 7F, or FF".to_owned())
}

/// Choice of `--atr`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Atr {
    /// T=0: 61xx, 6Cxx, GET RESPONSE
    T0,
    /// T=1: whole APDUs, extended length
    T1,
}

/// Choice of `--scp`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scp {
    /// 8 bytes
    S8,
    /// 16 bytes
    S16,
}

impl Blank {
    /// Writes the card files.
    pub(crate) fn run(&self, globals: &Globals) -> Result<(), Failure> {
        let kdk = self.initial_kdk()?;
        std::fs::create_dir_all(&self.dir).map_err(|source| Error::CardFile { path: self.dir.clone(), source })?;
        for number in 0..self.count {
            let kdd = self.identity(number)?;
            let chip = self.chip(kdd, &kdk)?;
            drop(Card::create(&self.dir.join(format!("{kdd}.{EXTENSION}")), chip)?);
        }
        if globals.json {
            output::json(&json!({ "chips": self.count, "dir": self.dir }));
        } else {
            output::line(&format!("{} blank chips in {}", self.count, self.dir.display()));
        }
        Ok(())
    }

    fn initial_kdk(&self) -> Result<AesKey, Error> {
        hex::decode(&self.initial_kdk).ok().and_then(|bytes| AesKey::from_bytes(&bytes)).ok_or_else(|| {
            Error::Argument { text: self.initial_kdk.clone(), expected: "an AES key of 32, 48 or 64 hex digits" }
        })
    }

    fn chip(&self, kdd: Kdd, kdk: &AesKey) -> Result<Chip, Error> {
        let keys = match (self.keys, self.kind) {
            (Some(Keys::Fixed), _) | (None, Kind::Gp) => StaticKeys::same(kdk),
            _ => kdf3::derive_set(kdk, &kdd).ok_or(Error::System { what: "to derive a key" })?,
        };
        let make = match self.kind {
            Kind::Files => Make::Files,
            Kind::Gp => Make::Domain(self.domain()),
            Kind::Other => Make::Other,
        };
        let kvn = if self.kind == Kind::Gp { self.kvn } else { Kvn::INITIAL };
        let protocol = match self.atr {
            Atr::T0 => Protocol::T0,
            Atr::T1 => Protocol::T1,
        };
        let mode = match self.scp {
            Scp::S8 => Mode::S8,
            Scp::S16 => Mode::S16,
        };
        Ok(Chip { protocol, mode, make, kvn, ..Chip::with_keys(kdd, keys) })
    }

    fn domain(&self) -> Domain {
        let challenge = match self.challenge {
            Challenge::PseudoRandom => ChallengeSource::PseudoRandom,
            Challenge::Random => ChallengeSource::Random,
        };
        let initial_set = match self.initial_set {
            FirstSet::Vanishes => InitialSet::Vanishes,
            FirstSet::Stays => InitialSet::Stays,
        };
        Domain { challenge, initial_set, ..Domain::issuer() }
    }

    fn identity(&self, number: u32) -> Result<Kdd, Error> {
        let mut bytes = [0; 10];
        match (self.kdd_from, self.seed) {
            (Some(first), _) => {
                let mut wide = [0; 16];
                for (byte, value) in wide.iter_mut().skip(6).zip(first.as_bytes()) {
                    *byte = *value;
                }
                let [_, _, _, _, _, _, rest @ ..] = (u128::from_be_bytes(wide) + u128::from(number)).to_be_bytes();
                bytes = rest;
            }
            (None, Some(seed)) => {
                let hash = Sha256::new()
                    .chain_update(b"fuda blank chip")
                    .chain_update(seed.to_be_bytes())
                    .chain_update(number.to_be_bytes())
                    .finalize();
                for (byte, value) in bytes.iter_mut().zip(hash) {
                    *byte = value;
                }
            }
            (None, None) => {
                getrandom::fill(&mut bytes).map_err(|_| Error::System { what: "random numbers" })?;
            }
        }
        Ok(Kdd::new(bytes))
    }
}
