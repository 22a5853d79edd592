//! The commands of `fuda-terminal`, one file each.

mod list;
mod probe;
mod relay;
mod watch;

pub use list::list;
pub use probe::probe;
pub use relay::relay;
pub use watch::watch;

use crate::card::PcscCard;
use crate::error::Error;
use crate::report::Report;
use fuda_card::id::DfName;
use fuda_card::profile::Profile;
use fuda_card::recognise::{house_names, look};
use fuda_card::transport::TransmitError;
use fuda_cli::{Failure, Source};
use std::path::PathBuf;

/// The DF names to look for: the house's, and those of profiles.
fn names(profiles: &[PathBuf]) -> Result<Vec<DfName>, Failure> {
    let mut names: Vec<DfName> = house_names().collect();
    for path in profiles {
        let source = Source::read(path)?;
        let profile = Profile::parse(source.text())
            .map_err(|error| Failure::input(&source, error.offset, error.what, error.remedy))?;
        names.extend(profile.applications().iter().map(|application| application.df_name.clone()));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Asks the card in a reader what it is, and gives it back.
fn read(reader: &str, names: &[DfName]) -> Result<Report, Error> {
    let mut card = PcscCard::connect(reader)?;
    let atr = card.atr().to_vec();
    let said = look(&mut card, &atr, names.iter().cloned()).map_err(|error| match error {
        TransmitError::Transport(error) => error,
        error => Error::CardAnswer { reader: reader.to_owned(), what: error.to_string() },
    })?;
    Ok(Report { reader: reader.to_owned(), protocol: Some(card.protocol()), said })
}
