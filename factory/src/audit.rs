//! Cards in hand held against a job: the auditor that its profile and keys ask for.

use crate::failure;
use crate::site::Site;
use fuda_card::personalisation::Plan;
use fuda_cli::Failure;
use fuda_issuance::{CardAuditor, Error, Journal, profiles};
use std::path::Path;

/// An auditor for the cards of a job, with its HSM workers started.
///
/// # Errors
/// A profile that is absent or no longer the job's (exit 5); the HSM (exit 7).
pub(crate) fn auditor(site: &Site, journal: Journal, workers: Option<u16>) -> Result<CardAuditor, Failure> {
    let job = &journal.job().order;
    let profile = profiles::named(&job.profile, Path::new("."), &site.config.folder)?;
    if hex::encode_upper(profile.hash()) != job.profile_sha256 {
        return Err(failure::of(Error::OrderChanged { job: job.id.clone(), part: "profile" }));
    }
    let plan = Plan::audit(&profile, job.last_stage, &job.lot);
    Ok(CardAuditor::new(journal, site.start_hsm(workers)?, plan))
}
