//! `scp03.exchange`: a command and its response through an open channel, both sides in one thread, beside the bare cryptography.
//!
//! Two commands in turn, both with 32 bytes, as the line sends them for a stage record: UPDATE RECORD (data to the card) and READ RECORD
//! (data from the card). The card's side is the simulator in memory, with all that a card does about a record.

use crate::doing::{Doing, failed};
use crate::product;
use crate::report::Entry;
use crate::rounds::{Scale, median, number};
use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use fuda_card::apdu::{Command, Response};
use fuda_card::command::{
    CreateFile, EfTarget, Exchange, ReadRecord, RecordNumber, Select, SelectAnswer, UpdateRecord,
};
use fuda_card::crypto::AesKey;
use fuda_card::id::{DfName, Fid, Kvn};
use fuda_card::profile::Content;
use fuda_card::scp03::{Authenticated, Challenge, InitializeUpdate, SecurityLevel, StaticKeys};
use fuda_card_sim::Card;
use fuda_cli::Failure;
use std::hint::black_box;
use std::time::Instant;

/// The MF's stage record file, which the initial set may write.
const STAGE_FILE: Fid = Fid::new(0x2F02);
/// Its record's length.
const RECORD_BYTES: usize = 32;
/// Exchanges between two looks at the clock.
const BATCH: u64 = 64;

/// A host and a card with an open channel.
#[derive(Debug)]
pub struct Pair {
    card: Card,
    channel: Option<Authenticated>,
    update: Command,
    read: Command,
}

impl Pair {
    /// Opens a channel to a new chip in memory and creates the MF's files.
    ///
    /// # Errors
    /// When the card refuses.
    pub fn open() -> Result<Self, Failure> {
        let kdd = product::chip(0);
        let mut card = product::card_in_memory(kdd)?;
        send(&mut card, &Select::df_name(&DfName::mf()).answering(SelectAnswer::Nothing).command())?;
        let update = InitializeUpdate { kvn: Kvn::INITIAL, host_challenge: Challenge::S8([0x5A; 8]) };
        let answer = send(&mut card, &update.command())?;
        let initiated = update.answered(&answer).doing("open a channel")?;
        let maker = AesKey::new(&product::MAKER_KEY).doing("read the maker's key")?;
        let keys = StaticKeys::kdf3(&maker, &kdd).session_keys(&initiated.context());
        let (proved, authenticate) = initiated.prove(keys, SecurityLevel::CMacCEncRMacREnc).doing("open a channel")?;
        let channel = proved.authenticated(&send(&mut card, &authenticate)?).doing("open a channel")?;
        let record = RecordNumber::new(1).doing("name a record")?;
        let update = UpdateRecord::new(channel.proof(), EfTarget::Current, record, &[0xA5; RECORD_BYTES]).command();
        let read = ReadRecord::new(EfTarget::Current, record).command();
        let profile = product::profile()?;
        let Content::Files(system) = profile.content() else {
            return Err(failed("the measured product has no files".to_owned()));
        };
        let files = std::iter::once(system.mf_file()).chain(system.mf_files());
        let creates: Vec<_> = files.map(|file| CreateFile::new(channel.proof(), &file.fcp).command()).collect();
        let mut pair = Self { card, channel: Some(channel), update, read };
        for create in creates {
            pair.send(&create)?;
        }
        pair.send(&Select::ef(STAGE_FILE).answering(SelectAnswer::Nothing).command())?;
        Ok(pair)
    }

    /// One exchange of each kind.
    ///
    /// # Errors
    /// When either side refuses what the other sent.
    pub fn both(&mut self) -> Result<(), Failure> {
        let (update, read) = (self.update.clone(), self.read.clone());
        self.send(&update)?;
        self.send(&read).map(|record| drop(black_box(record)))
    }

    fn send(&mut self, command: &Command) -> Result<Response, Failure> {
        let channel = self.channel.take().ok_or("it is gone").doing("use the channel")?;
        let (sent, wrapped) = channel.wrap(command).doing("wrap a command")?;
        let (channel, plain) = sent.response(&send(&mut self.card, &wrapped)?).doing("unwrap a response")?;
        self.channel = Some(channel);
        if plain.sw.is_success() { Ok(plain) } else { Err(plain.sw).doing("have a command done by the card") }
    }
}

fn send(card: &mut Card, command: &Command) -> Result<Response, Failure> {
    let bytes = command.encode().doing("encode a command")?;
    Response::decode(&card.transmit(&bytes)).doing("decode a response")
}

/// AES and CMAC of the same bytes with keys expanded once: what any implementation must at least do.
#[derive(Debug)]
pub struct Bare {
    enc: Aes128,
    mac: Cmac<Aes128>,
    block: [u8; 16],
}

impl Default for Bare {
    fn default() -> Self {
        let key = [0x40; 16].into();
        Self { enc: Aes128::new(&key), mac: <Cmac<Aes128> as KeyInit>::new(&key), block: [0; 16] }
    }
}

impl Bare {
    /// The cryptography of one UPDATE RECORD and one READ RECORD, of both sides.
    pub fn both(&mut self) {
        // 32 bytes padded to 48: counter block and three blocks; chaining value, header, Lc and 48 bytes; chaining value and status word.
        self.side(4, &[16 + 5 + 48, 16 + 2]);
        self.side(4, &[16 + 5 + 48, 16 + 2]);
        // No command data; chaining value, header and Lc; counter block and three blocks of the answer; chaining value, 48 bytes, status.
        self.side(4, &[16 + 5, 16 + 48 + 2]);
        self.side(4, &[16 + 5, 16 + 48 + 2]);
    }

    fn side(&mut self, blocks: u32, macs: &[usize]) {
        for _ in 0..blocks {
            let mut block = self.block.into();
            self.enc.encrypt_block(&mut block);
            self.block = block.into();
        }
        let bytes = [0x5A; 96];
        for length in macs {
            let mut mac = self.mac.clone();
            mac.update(&self.block);
            mac.update(bytes.get(..length - 16).unwrap_or_default());
            self.block = mac.finalize().into_bytes().into();
        }
        black_box(&self.block);
    }
}

/// Measures.
///
/// # Errors
/// When the card refuses.
pub fn measure(scale: Scale) -> Result<Entry, Failure> {
    let (mut pair, mut bare) = (Pair::open()?, Bare::default());
    let (mut values, mut bounds) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds() {
        values.push(micros_per_exchange(scale, || pair.both())?);
        bounds.push(micros_per_exchange(scale, || {
            bare.both();
            Ok(())
        })?);
    }
    Ok(Entry {
        name: "scp03.exchange",
        value: median(&values),
        unit: "µs",
        bound: Some(median(&bounds)),
        note: "level 33, S8, 32 bytes, host and card; ratio 1 would be bare AES and CMAC of the same bytes".to_owned(),
    })
}

fn micros_per_exchange(scale: Scale, mut both: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let (since, mut exchanges) = (Instant::now(), 0);
    while since.elapsed() < scale.round() / 4 {
        for _ in 0..BATCH {
            both()?;
        }
        exchanges += 2 * BATCH;
    }
    Ok(since.elapsed().as_secs_f64() * 1e6 / number(exchanges))
}
