//! The card's persistent state as bytes: a flat binary form, because it is written after every changing command.
//!
//! Integers are big-endian, byte strings carry a two-byte length. The first byte tells the form: a card with files, or one
//! without, which says behind the common part what it is. A reader that does not know a form refuses the image.

use crate::crypto::AesKey;
use crate::derivation::Mode;
use crate::fcp::Fcp;
use crate::keys::{KeySet, StaticKeys};
use crate::make::{ChallengeSource, Domain, InitialSet, Make};
use crate::pin::Pin;
use crate::state::{Protocol, State};
use crate::tree::{Body, File, FileId, Folder, LifeCycle, Tree};
use fuda_card::id::{DfName, Kdd, Kvn};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// First byte of the image of a card with files.
const WITH_FILES: u8 = 2;
/// First byte of the image of a card without.
const WITHOUT_FILES: u8 = 3;
/// After the common part of that: a security domain, or another house's card.
const DOMAIN: u8 = 0;
const OTHER: u8 = 1;

/// Writes the whole state; the bytes hold keys and are wiped on drop.
pub(crate) fn encode(state: &State) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(8192));
    out.push(if state.make == Make::Files { WITH_FILES } else { WITHOUT_FILES });
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
    match &state.make {
        Make::Files => {
            for (id, file) in &state.tree.files {
                put_file(&mut out, *id, file);
            }
        }
        Make::Domain(Domain { aid, challenge, initial_set }) => {
            out.push(DOMAIN);
            out.push(u8::from(*challenge == ChallengeSource::Random));
            out.push(u8::from(*initial_set == InitialSet::Stays));
            put_bytes(&mut out, aid.as_bytes());
        }
        Make::Other => out.push(OTHER),
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
    let form = input.byte()?;
    if !matches!(form, WITH_FILES | WITHOUT_FILES) {
        return None;
    }
    let mut state = State {
        kdd: Kdd::new(input.array()?),
        cplc: input.array()?,
        protocol: if input.byte()? == 0 { Protocol::T0 } else { Protocol::T1 },
        mode: if input.byte()? == 0 { Mode::S8 } else { Mode::S16 },
        make: Make::Files,
        failures: input.byte()?,
        root_keys: keys(&mut input)?,
        objects: objects(&mut input)?,
        tree: Tree::default(),
    };
    if form == WITHOUT_FILES {
        state.make = make(&mut input)?;
        return input.0.is_empty().then_some(state);
    }
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

fn make(input: &mut Input<'_>) -> Option<Make> {
    match input.byte()? {
        OTHER => return Some(Make::Other),
        DOMAIN => {}
        _ => return None,
    }
    let challenge = if input.byte()? == 0 { ChallengeSource::PseudoRandom } else { ChallengeSource::Random };
    let initial_set = if input.byte()? == 0 { InitialSet::Vanishes } else { InitialSet::Stays };
    Some(Make::Domain(Domain { aid: DfName::new(input.bytes()?).ok()?, challenge, initial_set }))
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

    fn of_make(make: Make) -> Zeroizing<Vec<u8>> {
        let master = AesKey::from_bytes(&[7; 16]).unwrap();
        encode(&Blank { make, ..Blank::derived(Kdd::new([7; 10]), &master).unwrap() }.into_state())
    }

    #[test]
    fn a_card_without_files_says_behind_the_keys_what_it_is() {
        let domain = Domain { challenge: ChallengeSource::Random, ..Domain::issuer() };
        for (make, end) in [(Make::Domain(domain), "0001000008A000000151000000"), (Make::Other, "01")] {
            let image = of_make(make.clone());
            assert_eq!(image[0], WITHOUT_FILES);
            assert_eq!(hex::encode_upper(&image[of_make(Make::Files).len()..]), end);
            assert_eq!(decode(&image).unwrap().make, make);
        }
    }

    #[test]
    fn a_cut_image_is_refused() {
        for make in [Make::Files, Make::Domain(Domain::issuer()), Make::Other] {
            let image = of_make(make);
            for cut in 0..image.len() {
                assert!(decode(&image[..cut]).is_none(), "cut at {cut}");
            }
        }
    }
}
