//! PUT KEY and DELETE KEY of a security domain: GlobalPlatform Card Specification 2.3.1 §11.8 and §11.2. Both are atomic.
//!
//! Any set of the domain may put and delete any: what a number is for is the owner's affair. Numbers are 01 to 7F; the initial
//! set FF is neither put nor replaced.

use crate::card::{Card, Outcome};
use crate::keys::{KeySet, SETS_MAX_DOMAIN};
use crate::make::{InitialSet, Make};
use crate::put_key::parse_keys;
use crate::tree::FileId;
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Kvn;
use fuda_card::status::StatusWord;

/// P2 of PUT KEY: several keys in one command, the first has key identifier 01.
const ALL_THREE: u8 = 0x81;
/// b8 of P1 and of a key version number: more commands follow, or a number that no host may give.
const RESERVED: u8 = 0x80;

impl Card {
    /// `80 D8 (00 | old KVN) 81 Lc new KVN ‖ 3 × key`: a set beside the others, or in the place of one. The answer repeats the
    /// KVN and the three key check values.
    pub(crate) fn put_domain_key(&mut self, command: &Command) -> Outcome {
        if command.p2 != ALL_THREE || command.p1 & RESERVED != 0 {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        let channel = self.ram.session.channel().filter(|channel| channel.level.has_c_mac());
        let dek = &channel.ok_or(StatusWord::SECURITY_STATUS_NOT_SATISFIED)?.dek;
        let (&number, data) = command.data.split_first().ok_or(StatusWord::WRONG_LENGTH)?;
        if number == 0 || number & RESERVED != 0 {
            return Err(StatusWord::WRONG_DATA);
        }
        let new = Kvn::new(number);
        let keys = parse_keys(data, dek).ok_or(StatusWord::WRONG_DATA)?;
        let mut answer = vec![number];
        for key in [&keys.enc, &keys.mac, &keys.dek] {
            answer.extend_from_slice(&key.gp_kcv());
        }

        let sets = &self.memory.root_keys;
        let position = |kvn: Kvn| sets.iter().position(|set| set.kvn == kvn);
        let replaced = match command.p1 {
            0 => None,
            old => Some(position(Kvn::new(old)).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?),
        };
        if position(new).is_some_and(|taken| Some(taken) != replaced) {
            return Err(StatusWord::WRONG_DATA);
        }
        let Make::Domain(domain) = &self.memory.make else { return Err(StatusWord::CONDITIONS_NOT_SATISFIED) };
        let vanishing = replaced.is_none() && domain.initial_set == InitialSet::Vanishes;
        let left = sets.iter().filter(|set| !(vanishing && set.kvn == Kvn::INITIAL)).count();
        if replaced.is_none() && left >= SETS_MAX_DOMAIN {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        let mut edit = self.memory.edit();
        let set = KeySet::new(new, keys);
        match replaced.and_then(|index| edit.root_keys.get_mut(index)) {
            Some(slot) => *slot = set,
            None => edit.root_keys.push(set),
        }
        if vanishing {
            edit.root_keys.retain(|set| set.kvn != Kvn::INITIAL);
        }
        Ok(Response::success(answer))
    }

    /// `80 E4 00 (00 | 01) 03 D2 01 KVN`: any set, that of the open channel too, but the last one.
    pub(crate) fn delete_domain_key(&mut self, command: &Command) -> Outcome {
        if command.p1 != 0 || command.p2 > 1 {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        if !self.ram.session.channel().is_some_and(|channel| channel.level.has_c_mac()) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        let kvn = crate::delete_key::parse(&command.data).ok_or(StatusWord::WRONG_DATA)?;
        if self.memory.key_set(FileId::ROOT, kvn).is_none() {
            return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
        }
        if self.memory.root_keys.len() == 1 {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        self.memory.edit().root_keys.retain(|set| set.kvn != kvn);
        Ok(Response::status(StatusWord::SUCCESS))
    }
}
