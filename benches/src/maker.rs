//! The two tokens that figures are made with: where their libraries are, and what they want to be told.

use std::path::{Path, PathBuf};

/// Where systems put SoftHSM when `FUDA_PKCS11_MODULE` does not say.
const SOFTHSM: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];

/// Name of Kryoptic's configuration in its site.
pub const KRYOPTIC_CONF: &str = "kryoptic.conf";

/// Whose token a site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker {
    /// SoftHSM.
    SoftHsm,
    /// Kryoptic, where `cargo xtask peers` built it.
    Kryoptic,
}

impl Maker {
    /// Whose token a folder has, by the configuration in it.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        if folder.join(KRYOPTIC_CONF).exists() { Self::Kryoptic } else { Self::SoftHsm }
    }

    /// Its library, if this machine has it.
    #[must_use]
    pub fn module(self) -> Option<PathBuf> {
        let named = |variable| std::env::var_os(variable).map(PathBuf::from);
        match self {
            Self::SoftHsm => {
                named("FUDA_PKCS11_MODULE").or_else(|| SOFTHSM.iter().map(PathBuf::from).find(|path| path.is_file()))
            }
            Self::Kryoptic => named("FUDA_KRYOPTIC_MODULE").filter(|path| path.is_file()),
        }
    }

    /// Name of its provider profile.
    #[must_use]
    pub const fn provider(self) -> &'static str {
        match self {
            Self::SoftHsm => "softhsm",
            Self::Kryoptic => "kryoptic",
        }
    }

    /// What SoftHSM reads, for a folder of tokens.
    #[must_use]
    pub fn softhsm_conf(tokens: &Path) -> String {
        format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            tokens.display()
        )
    }

    /// What Kryoptic reads, for a folder that its token shall be in.
    #[must_use]
    pub fn kryoptic_conf(folder: &Path) -> String {
        format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n", folder.join("kryoptic.sql").display())
    }
}
