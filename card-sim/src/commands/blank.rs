//! `blank`: chips as their maker delivers them.

use clap::{Args, ValueEnum};
use fuda_card::id::Kdd;
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::derivation::Mode;
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
        let derived = Chip::derived(kdd, kdk).ok_or(Error::System { what: "to derive a key" })?;
        let protocol = match self.atr {
            Atr::T0 => Protocol::T0,
            Atr::T1 => Protocol::T1,
        };
        let mode = match self.scp {
            Scp::S8 => Mode::S8,
            Scp::S16 => Mode::S16,
        };
        Ok(Chip { protocol, mode, ..derived })
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
