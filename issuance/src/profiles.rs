//! Finding the product profile that an order or a delivery names.
//!
//! The file `NAME.toml` is looked for beside the order, in `profiles/` beside the order, in `profiles/` beside `fuda.toml`; then among
//! the profiles that come with Fuda.

use fuda_card::profile::Profile;
use fuda_cli::{Exit, Failure, Source};
use std::path::Path;

/// The profiles that come with Fuda.
const BUILT_IN: [(&str, &str); 4] = [
    ("gp-isd", include_str!("../../profiles/gp-isd.toml")),
    ("gp-isd-transport", include_str!("../../profiles/gp-isd-transport.toml")),
    ("membership-1ap", include_str!("../../profiles/membership-1ap.toml")),
    ("membership-4ap", include_str!("../../profiles/membership-4ap.toml")),
];

/// Finds and parses a profile by its name, beside an order and beside `fuda.toml`.
///
/// # Errors
/// `PROFILE_NOT_FOUND` or `INPUT_INVALID` (exit 5) with the profile's file:line:column.
pub fn named(name: &str, order_folder: &Path, site_folder: &Path) -> Result<Profile, Failure> {
    let file = format!("{name}.toml");
    let places =
        [order_folder.join(&file), order_folder.join("profiles").join(&file), site_folder.join("profiles").join(&file)];
    let source = match places.iter().find(|path| path.is_file()) {
        Some(path) => Source::read(path)?,
        None => built_in(name)?,
    };
    let profile = Profile::parse(source.text())
        .map_err(|error| Failure::input(&source, error.offset, error.what.clone(), error.remedy.clone()))?;
    if profile.name() == name {
        Ok(profile)
    } else {
        let what = format!("the profile calls itself `{}`, the order asks for `{name}`", profile.name());
        Err(Failure::input(&source, 0, what, "rename the file or the profile"))
    }
}

fn built_in(name: &str) -> Result<Source, Failure> {
    let known = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
    known.map(|(_, text)| Source::new(format!("(built in) {name}.toml"), *text)).ok_or_else(|| {
        let known = BUILT_IN.map(|(name, _)| name).join(", ");
        Failure::new("PROFILE_NOT_FOUND", Exit::Input, format!("there is no profile `{name}`")).remedy(format!(
            "put {name}.toml beside the order or into `profiles/` beside fuda.toml, or use one of {known}"
        ))
    })
}
