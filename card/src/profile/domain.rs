//! Key sets of a GlobalPlatform security domain: all that a profile with `files = "none"` says.
//!
//! GlobalPlatform Card Specification 2.3.1 §11.8 (PUT KEY): P1 names the key version that a command replaces, 01 to 7F, or is
//! 00 for a new one. The initial set FF is out of that range: cards let it go by themselves, or keep it until it is deleted.
//! A set and the one that takes its place have different numbers, so that the card's key information tells which is there.

use super::error::ProfileError;
use super::raw;
use super::word::lookup;
use crate::command::ComponentForm;
use crate::id::{DfName, Kvn};
use crate::key_name::KeyName;
use crate::personalisation::Stage;
use std::ops::RangeInclusive;
use toml::Spanned;

/// Key version numbers that PUT KEY may load and replace (GlobalPlatform Card Specification 2.3.1, table 11-66).
const LOADABLE: RangeInclusive<u8> = 0x01..=0x7F;
/// SELECT takes 5 to 16 bytes of an application's name (ISO/IEC 7816-5).
const AID_BYTES_MIN: usize = 5;

/// The security domain that holds a card's keys, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name (AID).
    pub aid: DfName,
    /// How the card wants the key data of PUT KEY spelled.
    pub key_field: ComponentForm,
    /// What the cards come with.
    pub delivered: Delivered,
    /// The first issuer set, loaded in 1st issuance.
    pub issuer: LoadedSet,
}

/// The key set that a card is delivered with: the only one on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// The chip maker's initial set, with the transport set that 0th issuance loads.
    Initial {
        /// Number of the initial set.
        kvn: Kvn,
        /// The transport set.
        transport: LoadedSet,
    },
    /// A transport set that the card maker has loaded: there is no 0th issuance.
    Transport {
        /// Its number.
        kvn: Kvn,
    },
}

/// A set that issuing loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadedSet {
    /// Its number.
    pub kvn: Kvn,
    /// How the set goes that was there before.
    pub old_set: OldSet,
}

/// How a set goes when the one after it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldSet {
    /// The new set takes its place in the same command: PUT KEY with its number in P1.
    Replaced,
    /// The card removes it when the new set comes: PUT KEY with P1 = 00, as many cards do with their initial set.
    Vanishes,
    /// The new set deletes it: PUT KEY with P1 = 00, then DELETE KEY under the new set, unless the card has let it go by itself.
    Deleted,
}

const OLD_SETS: [(&str, OldSet); 3] =
    [("replaced", OldSet::Replaced), ("vanishes", OldSet::Vanishes), ("deleted", OldSet::Deleted)];

const KEY_FIELDS: [(&str, ComponentForm); 2] =
    [("with-length", ComponentForm::WithKeyLength), ("bare", ComponentForm::CiphertextOnly)];

impl Delivered {
    /// The number of the set.
    #[must_use]
    pub const fn kvn(&self) -> Kvn {
        match self {
            Self::Initial { kvn, .. } | Self::Transport { kvn } => *kvn,
        }
    }
}

impl Domain {
    pub(super) const fn first_stage(&self) -> Stage {
        match self.delivered {
            Delivered::Initial { .. } => Stage::Zeroth,
            Delivered::Transport { .. } => Stage::First,
        }
    }

    pub(super) fn check(raw: &raw::Profile) -> Result<Self, ProfileError> {
        if let Some((table, span)) = of_files(raw) {
            let what = format!("a card without files has no `{table}`");
            return Err(ProfileError::new(span, what, "leave it out, or leave out `files = \"none\"`"));
        }
        let Some(domain) = &raw.domain else {
            let span = raw.files.as_ref().map_or(0..0, Spanned::span);
            let remedy = "add `[domain]` with its key sets";
            return Err(ProfileError::new(span, "a card without files has keys only, and none is named", remedy));
        };
        let (span, domain) = (domain.span(), domain.get_ref());
        let key_field = domain.key_field.as_ref().map(|word| lookup(word, "spelling of a key", &KEY_FIELDS));
        let (delivered, before) = delivered(domain, span)?;
        Ok(Self {
            aid: domain.aid.as_ref().map_or_else(|| Ok(DfName::mf()), aid)?,
            key_field: key_field.transpose()?.unwrap_or_default(),
            delivered,
            issuer: loaded(&domain.issuer, &before)?,
        })
    }
}

/// The first table that only a card with files has.
fn of_files(raw: &raw::Profile) -> Option<(&'static str, std::ops::Range<usize>)> {
    let card = raw.card.as_ref().map(|card| ("[card]", card.span()));
    let mf = raw.mf.as_ref().map(|mf| ("[mf]", mf.span()));
    card.or(mf).or_else(|| raw.df.first().map(|df| ("[[df]]", df.name.span())))
}

/// What the cards come with, and every set that is on a card before the issuer's.
fn delivered(raw: &raw::Domain, span: std::ops::Range<usize>) -> Result<(Delivered, Vec<Kvn>), ProfileError> {
    let raw::Delivered { kvn, key } = &raw.delivered;
    let number = number(kvn)?;
    match (key.get_ref().parse(), &raw.transport) {
        (Ok(KeyName::Initial), Some(transport)) => {
            if !(LOADABLE.contains(&number.to_u8()) || number == Kvn::INITIAL) {
                return Err(out_of_range(kvn, "\"01\" to \"7F\", or \"FF\""));
            }
            let transport = loaded(transport.get_ref(), &[number])?;
            Ok((Delivered::Initial { kvn: number, transport }, vec![transport.kvn, number]))
        }
        (Ok(KeyName::Initial), None) => {
            let what = "cards that come with the initial set get a transport set first";
            Err(ProfileError::new(span, what, "add `[domain.transport]`"))
        }
        (Ok(KeyName::Transport), None) => {
            if !LOADABLE.contains(&number.to_u8()) {
                return Err(out_of_range(kvn, "\"01\" to \"7F\""));
            }
            Ok((Delivered::Transport { kvn: number }, vec![number]))
        }
        (Ok(KeyName::Transport), Some(transport)) => {
            let what = "the cards come with a transport set";
            Err(ProfileError::new(transport.span(), what, "leave out `[domain.transport]`"))
        }
        _ => {
            let what = format!("cards do not come with a set of `{}`", key.get_ref());
            Err(ProfileError::new(key.span(), what, "write one of initial, transport"))
        }
    }
}

/// A set to be loaded; `before` are those that were on the card before it, the one that goes first.
fn loaded(raw: &raw::LoadedSet, before: &[Kvn]) -> Result<LoadedSet, ProfileError> {
    let kvn = number(&raw.kvn)?;
    if !LOADABLE.contains(&kvn.to_u8()) {
        return Err(out_of_range(&raw.kvn, "\"01\" to \"7F\""));
    }
    if before.contains(&kvn) {
        let what = format!("`kvn` {kvn} is that of a set that was there before");
        return Err(ProfileError::new(raw.kvn.span(), what, "write another: the card could not tell the two apart"));
    }
    let old_set = lookup(&raw.old_set, "way for a key set to go", &OLD_SETS)?;
    if let (OldSet::Replaced, Some(&old)) = (old_set, before.first().filter(|old| !LOADABLE.contains(&old.to_u8()))) {
        let what = format!("PUT KEY cannot name {old} as the set to be replaced");
        return Err(ProfileError::new(raw.old_set.span(), what, "write vanishes or deleted, as the card does it"));
    }
    Ok(LoadedSet { kvn, old_set })
}

fn number(raw: &Spanned<String>) -> Result<Kvn, ProfileError> {
    let digits = raw.get_ref();
    let number = (digits.len() == 2).then(|| u8::from_str_radix(digits, 16).ok()).flatten();
    number.map(Kvn::new).ok_or_else(|| out_of_range(raw, "two hexadecimal digits"))
}

fn out_of_range(raw: &Spanned<String>, allowed: &str) -> ProfileError {
    ProfileError::new(raw.span(), format!("`kvn` is `{}`", raw.get_ref()), format!("write {allowed}"))
}

fn aid(raw: &Spanned<String>) -> Result<DfName, ProfileError> {
    let name = raw.get_ref().parse::<DfName>().ok().filter(|name| name.as_bytes().len() >= AID_BYTES_MIN);
    name.ok_or_else(|| {
        ProfileError::new(raw.span(), format!("`{}` is no AID", raw.get_ref()), "write 5 to 16 bytes in hex")
    })
}
