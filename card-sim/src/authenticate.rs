//! INITIALIZE UPDATE and EXTERNAL AUTHENTICATE: the mutual authentication that opens a channel.
//!
//! GlobalPlatform Amendment D 1.2, §7.1.1 and §7.1.2. The card challenge is pseudo-random; a security domain may have a random
//! one. A wrong EXTERNAL AUTHENTICATE delays the next ones and never locks: whoever holds a phone to a shelf could kill the stock otherwise.

use crate::card::{Card, Outcome};
use crate::channel::{Channel, Level, check_mac};
use crate::crypto::{AesKey, same};
use crate::data::random;
use crate::derivation::{Constant, Mode, SessionKeys, card_challenge};
use crate::keys::{COUNTER_MAX, KeySet};
use crate::make::ChallengeSource;
use crate::tree::FileId;
use crate::volatile::Session;
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Kvn;
use fuda_card::status::StatusWord;
use std::time::Duration;

/// What the card remembers between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE.
#[derive(Debug)]
pub(crate) struct Initiated {
    pub(crate) folder: FileId,
    pub(crate) kvn: Kvn,
    pub(crate) dek: AesKey,
    pub(crate) keys: SessionKeys,
    pub(crate) mode: Mode,
    host_cryptogram: Vec<u8>,
}

impl Initiated {
    /// What both sides know of a session that was begun elsewhere: for replaying transcripts.
    #[cfg(test)]
    pub(crate) const fn of(folder: FileId, kvn: Kvn, dek: AesKey, keys: SessionKeys, mode: Mode) -> Self {
        Self { folder, kvn, dek, keys, mode, host_cryptogram: Vec::new() }
    }
}

/// How long the card thinks about an EXTERNAL AUTHENTICATE after wrong ones: `first`, doubled with each, up to `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryDelay {
    /// Delay after one wrong try.
    pub first: Duration,
    /// Longest delay.
    pub limit: Duration,
}

impl TryDelay {
    /// No delay: for tests in memory.
    pub const NONE: Self = Self { first: Duration::ZERO, limit: Duration::ZERO };
    /// 100 ms, 200 ms … 10 s: a guesser gets 8,640 tries a day, a shop that slipped waits unnoticed.
    pub const CARD: Self = Self { first: Duration::from_millis(100), limit: Duration::from_secs(10) };

    /// The delay after this many wrong tries in a row.
    #[must_use]
    pub fn after(&self, failures: u8) -> Duration {
        match failures {
            0 => Duration::ZERO,
            _ => self.first.saturating_mul(1 << u32::from(failures - 1).min(16)).min(self.limit),
        }
    }
}

impl Card {
    /// `80 50 KVN 00 Lc host-challenge`: KDD ‖ KVN 03 i ‖ card challenge ‖ card cryptogram ‖ sequence counter, the last one only
    /// beside a pseudo-random challenge.
    pub(crate) fn initialize_update(&mut self, command: &Command) -> Outcome {
        if self.ram.session.channel().is_some_and(|channel| channel.level.has_c_mac()) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.ram.session = Session::None;
        if command.p2 != 0 {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        let mode = self.memory.mode;
        if command.data.len() != mode.size_bytes() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let folder = self.ram.folder;
        if self.memory.tree.is_terminated(folder) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let name = self.memory.name(folder).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let chosen = self.memory.keys(folder).iter().find(|set| command.p1 == 0 || set.kvn.to_u8() == command.p1);
        let kvn = chosen.map(|set| set.kvn).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        if chosen.is_some_and(|set| set.counter >= COUNTER_MAX) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.count_session(folder, kvn)?;

        let set = self.memory.key_set(folder, kvn).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        let source = self.memory.challenge_source();
        let challenge = match source {
            ChallengeSource::PseudoRandom => card_challenge(&set.keys, mode, set.counter_bytes(), name.as_bytes()),
            ChallengeSource::Random => random(mode.size_bytes())?,
        };
        let (initiated, cryptogram) =
            begin(folder, set, mode, &command.data, &challenge).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        let mut data = self.memory.kdd.as_bytes().to_vec();
        data.extend_from_slice(&[kvn.to_u8(), 0x03, self.memory.scp03_parameter()]);
        data.extend_from_slice(&challenge);
        data.extend_from_slice(&cryptogram);
        if source == ChallengeSource::PseudoRandom {
            data.extend_from_slice(&set.counter_bytes());
        }
        self.ram.session = Session::Initiated(Box::new(initiated));
        Ok(Response::success(data))
    }

    fn count_session(&mut self, folder: FileId, kvn: Kvn) -> Result<(), StatusWord> {
        let mut edit = self.memory.edit();
        let sets = edit.keys_mut(folder).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        let set = sets.iter_mut().find(|set| set.kvn == kvn).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        set.counter += 1;
        Ok(())
    }

    /// `84 82 level 00 Lc host-cryptogram ‖ C-MAC`; no response data, and no protection on the answer.
    pub(crate) fn external_authenticate(&mut self, command: &Command) -> Outcome {
        let Session::Initiated(initiated) = std::mem::take(&mut self.ram.session) else {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        };
        let level = Level::from_byte(command.p1).ok_or(StatusWord::INCORRECT_P1_P2)?;
        if command.p2 != 0 {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if command.data.len() != 2 * initiated.mode.size_bytes() {
            return Err(StatusWord::WRONG_LENGTH);
        }
        self.delay += self.try_delay.after(self.memory.failures);
        let cryptogram = command.data.get(..initiated.mode.size_bytes()).unwrap_or_default();
        if !same(cryptogram, &initiated.host_cryptogram) {
            self.count_failure();
            return Err(StatusWord::AUTHENTICATION_FAILED);
        }
        let Some((chain, _)) = check_mac(&initiated.keys.mac, initiated.mode, [0; 16], command) else {
            self.count_failure();
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        };
        if self.memory.failures != 0 {
            self.memory.edit().failures = 0;
        }
        self.ram.session = Session::Open(Box::new(Channel::open(*initiated, level, chain)));
        Ok(Response::status(StatusWord::SUCCESS))
    }

    fn count_failure(&mut self) {
        let mut edit = self.memory.edit();
        edit.failures = edit.failures.saturating_add(1);
    }
}

/// Session keys and both cryptograms; the card's travels, the host's is kept for comparison.
fn begin(
    folder: FileId,
    set: &KeySet,
    mode: Mode,
    host_challenge: &[u8],
    card_challenge: &[u8],
) -> Option<(Initiated, Vec<u8>)> {
    let keys = SessionKeys::derive(&set.keys, host_challenge, card_challenge)?;
    let cryptogram = |constant| keys.cryptogram(constant, mode, host_challenge, card_challenge);
    let card_cryptogram = cryptogram(Constant::CardCryptogram);
    let host_cryptogram = cryptogram(Constant::HostCryptogram);
    let dek = set.keys.dek.ram_copy();
    Some((Initiated { folder, kvn: set.kvn, dek, keys, mode, host_cryptogram }, card_cryptogram))
}
