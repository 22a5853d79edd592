//! What may not be born, where, and by whose policy.

use crate::error::Error;
use crate::keys_file::{KeyEntry, KeySource};
use crate::login::TokenConfig;
use crate::name::KeyKind;
use crate::provider::KeyWrap;
use fuda_cli::config::Mode;
use std::path::Path;

/// Where keys are settled, for every command that makes some.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) token: &'a TokenConfig,
    pub(crate) blobs: Option<&'a Path>,
}

/// What is refused before the token is looked at.
pub(crate) fn refuse_by_policy(work: Work<'_>, key: &KeyEntry) -> Result<(), Error> {
    if work.token.mode == Mode::Production && key.source == KeySource::GpDefault {
        return Err(Error::Policy {
            what: format!(
                "`{}` would be the public test key (scheme {}), and the site's mode is production",
                key.name, key.scheme
            ),
            remedy: "import the chip maker's key and adopt it, or set site.mode = \"test\"",
        });
    }
    if let (Some(kek), None) = (key.keks.first(), work.blobs) {
        return Err(Error::Policy {
            what: format!("`{}` is wrapped under {kek} at its birth, and there is nowhere to put the blob", key.name),
            remedy: "name a folder with --blobs DIR; carry it away from this host afterwards",
        });
    }
    Ok(())
}

/// What may not be born here: a key whose value is already known elsewhere, and a KEK in production.
pub(crate) fn refuse_birth(work: Work<'_>, key: &KeyEntry) -> Result<(), Error> {
    if key.check.is_some() && key.source == KeySource::Birth {
        return Err(Error::Policy {
            what: format!(
                "`{}` has a check value in keys.toml, so it exists elsewhere and cannot be born here",
                key.name
            ),
            remedy: "bring it into the token and register it with `fuda-kms key adopt`",
        });
    }
    if key.name.kind().is_kek() && work.token.mode == Mode::Production {
        return Err(Error::Policy {
            what: format!("`{}` would be born in this token, so nobody could ever open what it wraps", key.name),
            remedy: "make it with the peer: `fuda-kms exchange pair`; or bring it in by the makers' ceremony and `fuda-kms key adopt` it",
        });
    }
    Ok(())
}

/// A key-derivation key enters the token wrapped, and so does what leaves a blob or has an unwrap template; where no wrapping is known, it is
/// another's to make.
pub(crate) fn refuse_unwrapped_birth(work: Work<'_>, key: &KeyEntry) -> Result<(), Error> {
    let provider = &work.token.provider;
    let enters = match key.name.kind() {
        KeyKind::Mac => !key.keks.is_empty(),
        KeyKind::Signature => false,
        KeyKind::Derivation | KeyKind::Kek | KeyKind::CardKek | KeyKind::VaultKek | KeyKind::Vault => true,
    };
    if enters && key.source == KeySource::Birth && provider.profile.key_wrap == KeyWrap::None {
        return Err(Error::Policy {
            what: format!("`{}` cannot be born: of {}, no key wrapping is known", key.name, provider.profile.title),
            remedy: "make it by the vendor's ceremony (sensitive, never extractable) and register it with `fuda-kms key adopt`",
        });
    }
    Ok(())
}
