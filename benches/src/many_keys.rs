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

/// Measures before and after the keys are put in.
///
/// # Errors
/// When the token does not take them.
pub fn measure(site: &Site, scale: Scale) -> Result<Entry, Failure> {
    let few = rate(site, scale)?;
    let since = Instant::now();
    fill(site)?;
    let filled = since.elapsed();
    site.forget_copies()?;
    let many = rate(site, scale)?;
    Ok(Entry {
        name: "hsm.softhsm.keys_10000",
        value: many,
        unit: "cards/s",
        bound: Some(few),
        note: format!(
            "one bare process; {KEYS} keys put into the token in {:.0} s; bound: the same before",
            filled.as_secs_f64()
        ),
    })
}

fn rate(site: &Site, scale: Scale) -> Result<f64, Failure> {
    let length: Duration = scale.round();
    let rates = (0..scale.rounds()).map(|_| processes::rate(site, 1, length)).collect::<Result<Vec<_>, _>>()?;
    Ok(median(&rates))
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
