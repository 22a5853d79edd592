//! The card's persistent state as bytes: a flat binary form, because it is written after every changing command.
//!
//! Integers are big-endian, byte strings carry a two-byte length. A reader of another version refuses the image.

use crate::crypto::AesKey;
use crate::derivation::Mode;
use crate::fcp::Fcp;
use crate::keys::{KeySet, StaticKeys};
use crate::pin::Pin;
use crate::state::{Protocol, State};
use crate::tree::{Body, File, FileId, Folder, LifeCycle, Tree};
use fuda_card::id::{Kdd, Kvn};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// First byte of every image.
const VERSION: u8 = 2;

/// Writes the whole state; the bytes hold keys and are wiped on drop.
pub(crate) fn encode(state: &State) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(8192));
    out.push(VERSION);
    out.extend_from_slice(state.kdd.as_bytes());
    out.extend_from_slice(&state.cplc);
    out.push(u8::from(state.protocol == Protocol::T1));
    out.push(u8::from(state.mode == Mode::S16));
    out.push(state.failures);
    put_keys(&mut out, &state.root_keys);
    out.push(u8::try_from(state.objects.len()).unwrap_or(u8::MAX));
    for (tag, value) in &state.objects {
        out.extend_from_slice(&tag.to_be_bytes());
        put_bytes(&mut out, value);
    }
    for (id, file) in &state.tree.files {
        put_file(&mut out, *id, file);
    }
    out
}

fn put_file(out: &mut Vec<u8>, id: FileId, file: &File) {
    out.extend_from_slice(&id.0.to_be_bytes());
    out.extend_from_slice(&file.parent.0.to_be_bytes());
    out.push(file.life as u8);
    put_bytes(out, &file.template);
    match &file.body {
        Body::Internal => {}
        Body::Working(data) => put_bytes(out, data),
        Body::Folder(folder) => {
            put_keys(out, &folder.keys);
            match &folder.pin {
                None => out.push(0),
                Some(pin) => {
                    out.push(1);
                    out.push(pin.tries_left);
                    put_bytes(out, &pin.value);
                }
            }
        }
    }
}

fn put_keys(out: &mut Vec<u8>, sets: &[KeySet]) {
    out.push(u8::try_from(sets.len()).unwrap_or(u8::MAX));
    for set in sets {
        out.push(set.kvn.to_u8());
        out.extend_from_slice(&set.counter_bytes());
        for key in [&set.keys.enc, &set.keys.mac, &set.keys.dek] {
            put_bytes(out, key.expose());
        }
    }
}

/// Every byte string on the card is shorter than 64 KiB; a longer one would fail the image's digest check on reading.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Reads a whole state; `None` for anything that [`encode`] does not write.
pub(crate) fn decode(image: &[u8]) -> Option<State> {
    let mut input = Input(image);
    if input.byte()? != VERSION {
        return None;
    }
    let mut state = State {
        kdd: Kdd::new(input.array()?),
        cplc: input.array()?,
        protocol: if input.byte()? == 0 { Protocol::T0 } else { Protocol::T1 },
        mode: if input.byte()? == 0 { Mode::S8 } else { Mode::S16 },
        failures: input.byte()?,
        root_keys: keys(&mut input)?,
        objects: objects(&mut input)?,
        tree: Tree::default(),
    };
    while !input.0.is_empty() {
        let (id, file) = file(&mut input)?;
        state.tree.files.insert(id, file);
    }
    Some(state)
}

fn objects(input: &mut Input<'_>) -> Option<BTreeMap<u16, Vec<u8>>> {
    let count = input.byte()?;
    (0..count).map(|_| Some((u16::from_be_bytes(input.array()?), input.bytes()?.to_vec()))).collect()
}

fn file(input: &mut Input<'_>) -> Option<(FileId, File)> {
    let id = FileId(u16::from_be_bytes(input.array()?));
    let parent = FileId(u16::from_be_bytes(input.array()?));
    let life = LifeCycle::from_byte(input.byte()?)?;
    let template = input.bytes()?.to_vec();
    let fcp = Fcp::parse_value(&template).ok()?;
    let mut file = File::new(parent, template, fcp);
    file.life = life;
    match &mut file.body {
        Body::Internal => {}
        Body::Working(data) => *data = input.bytes()?.to_vec(),
        Body::Folder(folder) => *folder = Folder { keys: keys(input)?, pin: pin(input)? },
    }
    Some((id, file))
}

fn pin(input: &mut Input<'_>) -> Option<Option<Pin>> {
    if input.byte()? == 0 {
        return Some(None);
    }
    let tries_left = input.byte()?;
    Some(Some(Pin { value: Zeroizing::new(input.bytes()?.to_vec()), tries_left }))
}

fn keys(input: &mut Input<'_>) -> Option<Vec<KeySet>> {
    let count = input.byte()?;
    (0..count).map(|_| key_set(input)).collect()
}

fn key_set(input: &mut Input<'_>) -> Option<KeySet> {
    let kvn = Kvn::new(input.byte()?);
    let [a, b, c] = input.array()?;
    let mut key = || AesKey::from_bytes(input.bytes()?);
    let keys = StaticKeys { enc: key()?, mac: key()?, dek: key()? };
    Some(KeySet { kvn, keys, counter: u32::from_be_bytes([0, a, b, c]) })
}

/// What is left to read.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Blank;
    use crate::memory::Memory;

    /// The image of a blank chip, byte for byte: card files outlive the program that wrote them.
    #[test]
    fn the_form_does_not_change_unnoticed() {
        let master = AesKey::from_bytes(b"@ABCDEFGHIJKLMNO").unwrap();
        let state = Blank::derived(Kdd::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), &master).unwrap().into_state();
        let golden = [
            "02",                                       // version
            "00010203040506070809",                     // KDD
            "000000000000000000000000",                 // CPLC …
            "00010203040506070809",                     // … with the serial number inside
            "0000000000000000000000000000000000000000", // …
            "01",                                       // T=1
            "00",                                       // S8
            "00",                                       // no wrong authentication
            "01",                                       // one key set
            "FF000000",                                 // KVN and counter
            "0010ENC",
            "0010MAC",
            "0010DEK",
            "00", // no data object
        ];
        let keys = &state.root_keys[0].keys;
        let golden = golden
            .concat()
            .replace("ENC", &hex::encode_upper(keys.enc.expose()))
            .replace("MAC", &hex::encode_upper(keys.mac.expose()))
            .replace("DEK", &hex::encode_upper(keys.dek.expose()));
        let image = encode(&state);
        assert_eq!(hex::encode_upper(&*image), golden);
        assert_eq!(*encode(&decode(&image).unwrap()), *image);
        let memory = Memory::volatile(decode(&image).unwrap());
        assert!(memory.is_blank());
    }

    #[test]
    fn a_cut_image_is_refused() {
        let master = AesKey::from_bytes(&[7; 16]).unwrap();
        let image = encode(&Blank::derived(Kdd::new([7; 10]), &master).unwrap().into_state());
        for cut in 0..image.len() {
            assert!(decode(&image[..cut]).is_none(), "cut at {cut}");
        }
    }
}
