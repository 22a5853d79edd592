//! Profiles of the cards on sale, parsed once: every message needs one, and a file of it costs more to read than all the rows of a message.
//!
//! A profile is kept under its hash, by which the card says what it was made by. A file that is changed afterwards has another hash.

use crate::error::Error;
use crate::orders::ClaimedOrder;
use fuda_card::personalisation::{ChannelId, Plan, Stage};
use fuda_card::profile::Profile;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Profiles that are kept; a centre has a few products. One more, and all are read again.
const KEPT_MAX: usize = 64;

/// A profile, and the sessions that issuing a card of it opens.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) profile: Profile,
    openings: Vec<ChannelId>,
}

/// The profiles of a node.
#[derive(Debug)]
pub(crate) struct Profiles {
    /// Folder of `fuda.toml`, beside which they are looked for.
    folder: PathBuf,
    kept: Mutex<HashMap<String, Arc<Known>>>,
}

impl Known {
    fn new(profile: Profile) -> Self {
        let plan = Plan::issue(&profile, Stage::Zeroth..=Stage::First, "");
        let openings = plan.openings().cloned().collect();
        Self { profile, openings }
    }

    /// Sessions that issuing opens under a set: its counter is there, or beyond when the card was looked at more often.
    pub(crate) fn sessions_of_issuance(&self, set: &ChannelId) -> u32 {
        let count = self.openings.iter().filter(|opening| *opening == set).count();
        u32::try_from(count).unwrap_or(0)
    }
}

impl Profiles {
    pub(crate) fn beside(folder: PathBuf) -> Self {
        Self { folder, kept: Mutex::default() }
    }

    /// The profile of an order's card, which must be the one that the card was made by.
    pub(crate) fn of(&self, order: &ClaimedOrder) -> Result<Arc<Known>, Error> {
        let hash = order.profile_sha256.to_ascii_lowercase();
        let kept = |profiles: &HashMap<String, Arc<Known>>| profiles.get(&hash).map(Arc::clone);
        if let Some(known) = kept(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let named = fuda_issuance::profiles::named(&order.profile, &self.folder, &self.folder);
        let profile = named.map_err(|failure| Error::content(format!("an order's profile: {}", failure.what)))?;
        if hex::encode(profile.hash()) != hash {
            return Err(Error::content(format!("profile {} is not the one that the card was made by", order.profile)));
        }
        let known = Arc::new(Known::new(profile));
        let mut profiles = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if profiles.len() >= KEPT_MAX {
            profiles.clear();
        }
        profiles.insert(hash, Arc::clone(&known));
        Ok(known)
    }
}
