//! The key sets that a card of a profile carries when 1st issuance is over, from the plan that put them there.

use super::StockError;
use fuda_card::command::Placement;
use fuda_card::id::{DfName, Kvn};
use fuda_card::personalisation::{Action, ChannelId, Plan, Stage};
use fuda_card::profile::Profile;
use fuda_issuance::delivery::CardRow;
use fuda_kms::{KeyName, KeyVersion};

/// The sets that stay.
pub(super) fn of_profile(profile: &Profile) -> Vec<ChannelId> {
    let mut sets: Vec<ChannelId> = Vec::new();
    for step in Plan::issue(profile, Stage::Zeroth..=Stage::First, "").steps() {
        match &step.action {
            Action::PutKey(load) => {
                if let Placement::Replace(old) = load.placement {
                    sets.retain(|set| set.df != load.set.df || set.kvn != old);
                }
                sets.push(load.set.clone());
            }
            Action::DeleteKey(old) => sets.retain(|set| set.df != step.channel.df || set.kvn != *old),
            _ => {}
        }
    }
    sets
}

/// The sets of one card with the versions that its row names. A recovery set is made elsewhere, and no version of it is in the row.
pub(super) fn of_card(sets: &[ChannelId], row: &CardRow) -> Result<Vec<(DfName, Kvn, KeyVersion)>, StockError> {
    let version = |set: &ChannelId| row.keys.iter().find(|key| key.name.to_string() == set.key).cloned();
    let known = |set: &&ChannelId| set.key != KeyName::Recovery.to_string() || version(set).is_some();
    let named = |set: &ChannelId| match version(set) {
        Some(version) => Ok((set.df.clone(), set.kvn, version)),
        None => Err(StockError::KeyNotNamed { serial: row.serial.clone(), key: set.key.clone() }),
    };
    sets.iter().filter(known).map(named).collect()
}
