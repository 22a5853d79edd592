//! `hsm.softhsm.keys_10000`: what a card costs when the token holds ten thousand keys beside those that the card needs.
//!
//! It is the last measurement of a site: the keys stay in its token.

use crate::bare::processes;
use crate::doing::Doing;
use crate::report::Entry;
use crate::rounds::{Scale, median};
use crate::site::Site;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use fuda_cli::Failure;
use std::time::{Duration, Instant};

/// Keys that are put beside the others.
const KEYS: u16 = 10_000;

/// Copies of the token as [`Site::another_process`] numbers them: the first was made before the keys were put in.
const FEW: u16 = 0;
/// No other measurement makes this one, so it is made when it is first asked for: afterwards.
const MANY: u16 = 9;

/// Measures with a copy of the token from before and one from afterwards, in turns.
///
/// # Errors
/// When the token does not take them.
pub fn measure(site: &Site, scale: Scale) -> Result<Entry, Failure> {
    let _ = processes::rate_on(site, FEW, Duration::from_millis(1))?;
    let since = Instant::now();
    fill(site)?;
    let filled = since.elapsed();
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for _ in 0..scale.rounds() {
        few.push(processes::rate_on(site, FEW, scale.round())?);
        many.push(processes::rate_on(site, MANY, scale.round())?);
    }
    Ok(Entry {
        name: "hsm.softhsm.keys_10000",
        value: median(&many),
        unit: "cards/s",
        bound: Some(median(&few)),
        note: format!(
            "one bare process; {KEYS} keys put into the token in {:.0} s; bound: the same without them",
            filled.as_secs_f64()
        ),
    })
}

fn fill(site: &Site) -> Result<(), Failure> {
    let token = site.hsm_config()?.token;
    let library = Pkcs11::new(&token.module).doing("load the PKCS#11 library")?;
    let _ = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    let slots = library.get_slots_with_token().doing("list the tokens")?;
    let named = slots
        .into_iter()
        .find(|slot| library.get_token_info(*slot).is_ok_and(|info| info.label() == token.label.as_str()));
    let session = library.open_rw_session(named.ok_or("it is not there").doing("find the token")?);
    let session = session.doing("open a session")?;
    let _ = session.login(UserType::User, Some(&AuthPin::from(token.pin.read()?.expose().to_owned())));
    for number in 0..KEYS {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Label(format!("neighbour {number}").into_bytes()),
            Attribute::ValueLen(16.into()),
            Attribute::Derive(true),
        ];
        let _ = session.generate_key(&cryptoki::mechanism::Mechanism::AesKeyGen, &template).doing("make a key")?;
    }
    Ok(())
}
