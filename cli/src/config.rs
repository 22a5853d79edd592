//! `fuda.toml`: where the HSM, the store and the outputs of a site are.
//!
//! Relative paths count from the folder of the file. Unknown keys are refused with their place.

mod issuer;

pub use issuer::{Issuer, Life, Numbers, Service, Tls};

use crate::{Exit, Failure, Globals, Source};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The file as parsed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The site.
    pub site: Site,
    /// The HSM and the token of this duty.
    pub hsm: Hsm,
    /// The database.
    pub store: Store,
    /// Batch issuance, when the site does it.
    pub factory: Option<Factory>,
    /// The service centre, when the site is one.
    pub issuer: Option<Issuer>,
    /// The folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The text of the file, for reports that name a place in it.
    #[serde(skip)]
    pub source: Source,
}

/// `[site]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Name of the site, printed into deliveries.
    pub name: String,
    /// Test or production; deliveries of one never enter the other.
    pub mode: Mode,
}

/// What the site's cards are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Test cards: soft tokens and public default keys are allowed.
    Test,
    /// Real cards: soft tokens, public default keys and development switches are refused.
    Production,
}

impl Mode {
    /// The word used in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Production => "production",
        }
    }
}

/// `[hsm]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hsm {
    /// The vendor's PKCS#11 library.
    pub module: PathBuf,
    /// Name of the provider profile, such as `softhsm`.
    pub provider: Spanned<String>,
    /// The provider's name again: this site has tested a profile that was written from documentation, and may use it in production.
    pub untested_provider: Option<String>,
    /// The token of this duty.
    pub token: Token,
    /// Where the user PIN comes from.
    pub pin: Pin,
    /// Folder of locks, PIN latch and workers' copies [default: the folder of the PIN file, or of this file].
    pub state: Option<PathBuf>,
    /// Number of HSM workers, 1 to 64.
    #[serde(default = "one_worker")]
    pub workers: u16,
}

const fn one_worker() -> u16 {
    1
}

/// `token = { label = "…" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token's label.
    pub label: String,
}

/// `pin = { file = "…" }` or `pin = { credential = "…" }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pin {
    /// A file of mode 0600 that holds the PIN and nothing else.
    File(PathBuf),
    /// A credential that systemd hands to the service (`LoadCredentialEncrypted=`), by its name.
    Credential(String),
}

/// `[store]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`.
    pub url: String,
}

/// `[factory]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Factory {
    /// Encoders used when `run` names none.
    #[serde(default)]
    pub encoders: Vec<String>,
    /// Folder of the deliveries when `deliver` names none.
    pub out: Option<PathBuf>,
}

/// Finds and reads the configuration: `--config`, `$FUDA_CONFIG`, `./fuda.toml`, `/etc/fuda/fuda.toml`.
///
/// # Errors
/// `CONFIG_NOT_FOUND` (exit 5) when there is none, `INPUT_INVALID` (exit 5) with file:line:column when it is wrong.
pub fn load(globals: &Globals) -> Result<Config, Failure> {
    let path = match &globals.config {
        Some(path) => path.clone(),
        None => {
            ["fuda.toml", "/etc/fuda/fuda.toml"].into_iter().map(PathBuf::from).find(|path| path.exists()).ok_or_else(
                || {
                    Failure::new("CONFIG_NOT_FOUND", Exit::Input, "there is no fuda.toml here or in /etc/fuda")
                        .remedy("name the file with --config or $FUDA_CONFIG; examples/fuda.toml is a commented start")
                },
            )?
        }
    };
    parse(&Source::read(&path)?, path.parent().unwrap_or(Path::new(".")))
}

/// Parses a configuration whose relative paths count from `folder`.
///
/// # Errors
/// `INPUT_INVALID` (exit 5) with file:line:column.
pub fn parse(source: &Source, folder: &Path) -> Result<Config, Failure> {
    let mut config: Config = source.parse_toml()?;
    if !(1..=64).contains(&config.hsm.workers) {
        let offset = source.text().find("workers").unwrap_or(0);
        return Err(Failure::input(source, offset, format!("hsm.workers is {}", config.hsm.workers), "give 1 to 64"));
    }
    // What stands behind the colon may hold a password.
    let engine = config.store.url.split(':').next().unwrap_or_default();
    let is_known = config.store.url.contains(':') && ["sqlite", "postgres", "postgresql"].contains(&engine);
    if !is_known {
        let offset = source.text().find("url").unwrap_or(0);
        let what = format!("store.url begins with `{engine}`, which is no engine that this build knows");
        return Err(Failure::input(source, offset, what, "give sqlite:PATH or postgres://USER@HOST/DATABASE"));
    }
    if let Some(path) = config.store.url.strip_prefix("sqlite:") {
        config.store.url = format!("sqlite:{}", folder.join(path).display());
    }
    config.folder = folder.to_owned();
    config.source = source.clone();
    config.hsm.module = folder.join(&config.hsm.module);
    let mut state = folder.to_owned();
    if let Pin::File(path) = &mut config.hsm.pin {
        *path = folder.join(&path);
        state = path.parent().unwrap_or(folder).to_owned();
    }
    config.hsm.state = Some(config.hsm.state.take().map_or(state, |named| folder.join(named)));
    if let Some(factory) = &mut config.factory {
        factory.out = factory.out.take().map(|out| folder.join(out));
    }
    if let Some(issuer) = &mut config.issuer {
        issuer.settle(folder);
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[site]
name = "kawagoe-2"
mode = "test"
[hsm]
module = "/usr/lib/softhsm/libsofthsm2.so"
provider = "softhsm"
token = { label = "factory" }
pin = { file = "pin" }
[store]
url = "sqlite:factory.db"
"#;

    fn parsed(text: &str) -> Result<Config, Failure> {
        parse(&Source::new("fuda.toml", text), Path::new("/etc/fuda"))
    }

    #[test]
    fn relative_paths_count_from_the_folder_of_the_file() {
        let config = parsed(GOOD).unwrap();
        assert_eq!(config.hsm.pin, Pin::File("/etc/fuda/pin".into()));
        assert_eq!(config.hsm.state.as_deref(), Some(Path::new("/etc/fuda")));
        assert_eq!(config.hsm.module, Path::new("/usr/lib/softhsm/libsofthsm2.so"));
        assert_eq!(config.store.url, "sqlite:/etc/fuda/factory.db");
        assert_eq!(config.hsm.workers, 1);
    }

    #[test]
    fn a_pin_may_be_a_credential_and_the_state_elsewhere() {
        let config = parsed(&GOOD.replace("{ file = \"pin\" }", "{ credential = \"factory-pin\" }")).unwrap();
        assert_eq!(config.hsm.pin, Pin::Credential("factory-pin".to_owned()));
        assert_eq!(config.hsm.state.as_deref(), Some(Path::new("/etc/fuda")));
        let text = GOOD.replace("{ file = \"pin\" }", "{ file = \"/run/pin\" }\nstate = \"/var/lib/fuda\"");
        assert_eq!(parsed(&text).unwrap().hsm.state.as_deref(), Some(Path::new("/var/lib/fuda")));
    }

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        for (from, to, place) in [
            ("mode = \"test\"", "mode = \"live\"", "fuda.toml:4:8"),
            ("provider", "providor", "fuda.toml:7:1"),
            ("{ file = \"pin\" }", "{ value = \"1234\" }", "fuda.toml:9:9"),
            ("sqlite:factory.db", "mysql:factory.db", "fuda.toml:11:1"),
            ("pin = { file = \"pin\" }", "pin = { file = \"pin\" }\nworkers = 65", "fuda.toml:10:1"),
        ] {
            let failure = parsed(&GOOD.replace(from, to)).unwrap_err();
            assert_eq!(failure.place, place, "{failure}");
        }
    }
}
