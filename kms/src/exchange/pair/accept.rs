//! The second step, where keys are born: a KEK in the token, which wraps and does nothing else, sealed for the peer's pair.

use super::file::{self, Fingerprint, Offer, Reply, Written};
use super::{PairError, agree, begin, leftovers, peer, proved, refuse_other, refuse_overwriting};
use crate::birth;
use crate::check_value::{CheckValue, Method};
use crate::error::Error;
use crate::login::{LoggedIn, TokenConfig, log_in};
use crate::master;
use crate::name::KeyVersion;
use crate::registry::Registry;
use crate::token::module::Access;
use crate::token::template::{AES_256, Leaves, Right, Template};
use std::path::Path;

/// What is to be accepted.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The peer's offer.
    pub offer: &'a Written<Offer>,
    /// Its fingerprint, as the peer's officer says it.
    pub said: Fingerprint,
    /// The KEK's name here.
    pub version: &'a KeyVersion,
    /// Name of this site, for people.
    pub from: &'a str,
    /// The file to be made.
    pub out: &'a Path,
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Fingerprint of the reply.
    pub fingerprint: Fingerprint,
    /// CMAC check value of the KEK.
    pub check_value: CheckValue,
}

/// Makes the KEK and the file. The KEK wraps nothing until the other side's check value is confirmed; before that the same command makes
/// another one.
///
/// # Errors
/// [`PairError`]; [`Error::VersionExists`] for a version that was paired; [`Error::Policy`] when the file is there already; everything that the way
/// to the token can give.
pub fn run(config: &TokenConfig, registry: &Registry, order: Order<'_>) -> Result<Report, Error> {
    let offer = &order.offer.says;
    order.offer.refuse_foreign(order.said)?;
    let _ = peer(order.version)?;
    refuse_other(&offer.kek, order.version)?;
    refuse_overwriting(order.out)?;
    let known = &config.provider.profile.oaep;
    let oaep = known.iter().copied().find(|hash| offer.oaep.contains(hash)).ok_or(PairError::NoHash)?;
    let _alone = config.files().lock_init()?;
    let LoggedIn { door, .. } = log_in(config, Access::ReadWrite)?;
    let record = begin(registry, &config.label, order.version)?;
    let home = record.home();
    leftovers(&door, &home)?;
    let newborn = door.generate_aes(&Template::session_key(AES_256, &[Right::Sign], Leaves::Wrapped))?;
    let check_value = CheckValue::new(Method::Cmac, door.cmac(newborn, &[0; 16])?.as_slice());
    let public = door.create(&Template::peers_public(&offer.modulus))?;
    let sealed = door.wrap_oaep(public, newborn, oaep)?;
    door.destroy(public)?;
    let kek = birth::settle(&door, newborn, &home, order.version.name.kind())?;
    agree(order.version, &check_value, &proved(&door, order.version, kek)?)?;
    master::sync(config, Access::ReadWrite)?;
    let reply = Reply {
        offer: order.offer.digest,
        kek: order.version.clone(),
        asked: offer.kek.clone(),
        from: order.from.to_owned(),
        oaep,
        check_value: check_value.clone(),
        sealed,
    };
    let line = reply.line()?;
    file::write(order.out, &line)?;
    Ok(Report { fingerprint: file::fingerprint(&line), check_value })
}
