//! PUT KEY: GlobalPlatform Card Specification 2.3.1 §11.8, key data as Amendment D 1.2 §7.2 encrypts it. Atomic.

use crate::card::{Card, Outcome};
use crate::crypto::{AesKey, same};
use crate::fcp::Structure;
use crate::keys::{KeySet, Role, StaticKeys};
use crate::tree::FileId;
use fuda_card::apdu::{Command, Response};
use fuda_card::id::Kvn;
use fuda_card::status::StatusWord;

/// Key type AES.
const AES: u8 = 0x88;
/// P2: several keys in one command, the first has key identifier 01.
const ALL_THREE: u8 = 0x81;
/// What one key set takes of an internal EF.
const SET_BYTES: usize = 64;

impl Card {
    /// `80 D8 (00 | old KVN) 81 Lc new KVN ‖ 3 × key`: adds or replaces a key set of the current DF.
    ///
    /// The answer repeats the KVN and the three key check values.
    pub(crate) fn put_key(&mut self, command: &Command) -> Outcome {
        if command.p2 != ALL_THREE {
            return Err(StatusWord::INCORRECT_P1_P2);
        }
        let folder = self.ram.folder;
        let (&kvn, data) = command.data.split_first().ok_or(StatusWord::WRONG_LENGTH)?;
        let new = Kvn::new(kvn);
        let old = (command.p1 != 0).then(|| Kvn::new(command.p1));
        let role = Role::of(folder, new).ok_or(StatusWord::WRONG_DATA)?;
        self.may_put(folder, role, old)?;
        if self.memory.tree.is_terminated(folder) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        let capacity = self.capacity(folder)?;

        let dek = &self.ram.session.channel().ok_or(StatusWord::SECURITY_STATUS_NOT_SATISFIED)?.dek;
        let keys = parse_keys(data, dek).ok_or(StatusWord::WRONG_DATA)?;
        let mut answer = vec![kvn];
        for key in [&keys.enc, &keys.mac, &keys.dek] {
            answer.extend_from_slice(&key.gp_kcv());
        }
        let sets = self.memory.keys(folder);
        let position = |kvn: Kvn| sets.iter().position(|set| set.kvn == kvn);
        let replaced = match old {
            Some(old) => Some(position(old).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?),
            None => None,
        };
        if position(new).is_some_and(|taken| Some(taken) != replaced) {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        if replaced.is_none() && sets.len() >= capacity {
            return Err(StatusWord::NOT_ENOUGH_MEMORY);
        }
        let mut edit = self.memory.edit();
        let sets = edit.keys_mut(folder).ok_or(StatusWord::NO_PRECISE_DIAGNOSIS)?;
        let set = KeySet::new(new, keys);
        match replaced.and_then(|index| sets.get_mut(index)) {
            Some(slot) => *slot = set,
            None => sets.push(set),
        }
        Ok(Response::success(answer))
    }

    /// Which set may be put by which.
    ///
    /// In a DF: by its own set, by the issuer's while it has none, by the recovery set. In the MF: the transport set by
    /// the initial one, an issuer set by the transport or an issuer set, the recovery set by the issuer's, any but the
    /// initial by the recovery set. A set of another role is replaced only by itself.
    fn may_put(&self, folder: FileId, role: Role, old: Option<Kvn>) -> Result<(), StatusWord> {
        let allowed = match role {
            Role::Ap => {
                let is_empty = self.memory.keys(folder).is_empty();
                self.proves_own(folder)
                    || self.proves_in_mf(&[Role::Recovery])
                    || (is_empty && self.proves_in_mf(&[Role::Issuer]))
            }
            Role::Initial => false,
            Role::Transport => self.proves_in_mf(&[Role::Initial, Role::Recovery]),
            Role::Issuer => self.proves_in_mf(&[Role::Transport, Role::Issuer, Role::Recovery]),
            Role::Recovery => self.proves_in_mf(&[Role::Issuer, Role::Recovery]),
        };
        if !allowed {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED);
        }
        let is_open = |kvn| self.ram.session.channel().is_some_and(|open| open.folder == folder && open.kvn == kvn);
        match old {
            Some(old) if Role::of(folder, old) != Some(role) && !is_open(old) => {
                Err(StatusWord::CONDITIONS_NOT_SATISFIED)
            }
            _ => Ok(()),
        }
    }

    /// Key sets that the DF's internal EF has room for: at most four in the MF, two in a DF.
    fn capacity(&self, folder: FileId) -> Result<usize, StatusWord> {
        let internal = self.memory.tree.internal(folder).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        let Structure::Internal { size } = internal.fcp.structure else {
            return Err(StatusWord::REFERENCED_DATA_NOT_FOUND);
        };
        if !internal.life.is_usable() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
        }
        Ok((size / SET_BYTES).min(if folder.is_root() { 4 } else { 2 }))
    }
}

/// Three keys of one length and nothing else.
pub(crate) fn parse_keys(data: &[u8], dek: &AesKey) -> Option<StaticKeys> {
    let (enc, rest) = parse_key(data, dek)?;
    let (mac, rest) = parse_key(rest, dek)?;
    let (dek, rest) = parse_key(rest, dek)?;
    let is_one_length = enc.size_bytes() == mac.size_bytes() && mac.size_bytes() == dek.size_bytes();
    (rest.is_empty() && is_one_length).then_some(StaticKeys { enc, mac, dek })
}

/// `88 L [key length] ct 03 KCV(3)`: hosts write the key length inside, or leave it out.
fn parse_key<'a>(data: &'a [u8], dek: &AesKey) -> Option<(AesKey, &'a [u8])> {
    let (&[kind, length], rest) = data.split_first_chunk::<2>()?;
    if kind != AES {
        return None;
    }
    let (field, rest) = rest.split_at_checked(usize::from(length))?;
    let (size, cipher) = match field.len() {
        16 | 32 => (field.len(), field),
        _ => field.split_first().map(|(size, cipher)| (usize::from(*size), cipher))?,
    };
    if cipher.len() != size.next_multiple_of(16) {
        return None;
    }
    let plain = zeroize::Zeroizing::new(dek.cbc_decrypt([0; 16], cipher));
    let key = AesKey::from_bytes(plain.get(..size)?)?;
    let (&[3, a, b, c], rest) = rest.split_first_chunk::<4>()? else { return None };
    same(&key.gp_kcv(), &[a, b, c]).then_some((key, rest))
}
