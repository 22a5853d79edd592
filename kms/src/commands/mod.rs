//! The command line of `fuda-kms`, and the frame that every command runs in.

mod bench;
mod check;
mod create;
mod exchange;
mod health;
mod init;
mod key;
mod objects;
mod pair;
mod sets;
mod token;

use clap::{Args, Parser, Subcommand};
use fuda_cli::config::{self, Config};
use fuda_cli::{Exit, Failure, Globals, Program, output};
use fuda_kms::checkup::anomaly::Anomaly;
use fuda_kms::pin::PinSource;
use fuda_kms::{Registry, TokenConfig};
use fuda_store::{SchemaVersion, Store};
use serde_json::{Value, json};
use std::sync::LazyLock;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let (schema, contract) = (SchemaVersion::known().to_string(), fuda_kms::wire::CONTRACT.to_string());
    let details = [("schema", schema.as_str()), ("worker contract", contract.as_str())];
    fuda_cli::version::text(env!("CARGO_PKG_VERSION"), &details)
});

/// Keys of cards and services: made, shown and checked. They never leave the HSM.
#[derive(Debug, Parser)]
#[command(name = "fuda-kms", version = VERSION.as_str(), after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(flatten)]
    pin: PinArgs,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  fuda-kms init softhsm-config/keys.toml --dry-run   what would be made
  fuda-kms init softhsm-config/keys.toml             make it; run again, it changes nothing
  fuda-kms check                                     token, registry and keys agree?
  fuda-kms key list
  fuda-kms key kcv issuer --method gp

Exit codes: 0 done, 2 usage, 4 refused by policy, 5 input file wrong, 6 integrity, 7 HSM or PIN, 8 store.";

#[derive(Debug, Clone, Args)]
struct PinArgs {
    /// Where the user PIN comes from: file:PATH, cred:NAME, fd:N or prompt [default: as hsm.pin says]
    #[arg(long, global = true, value_name = "SOURCE")]
    pin: Option<PinSource>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the keys of a reviewed keys.toml (and the token itself, at a test site)
    Init(init::InitArgs),
    /// Compare token, registry and keys.toml, and test what the token derives
    Check(check::CheckArgs),
    /// Say whether the HSM can be worked with now
    Health(health::HealthArgs),
    /// Measure how many cards a second the HSM gives
    Bench(bench::BenchArgs),
    /// The tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// The keys and their versions
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Keys on the road between the tokens of two sites
    #[command(subcommand)]
    Exchange(exchange::ExchangeCommand),
    /// Be an HSM worker for the program at the other end of standard input
    #[command(hide = true)]
    Worker,
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

/// What a command works with.
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) token: TokenConfig,
    globals: Globals,
}

impl Site {
    fn load(globals: &Globals, pin: Option<&PinSource>) -> Result<Self, Failure> {
        let config = config::load(globals)?;
        let mut token = TokenConfig::from_file(&config)?;
        if let Some(source) = pin {
            if globals.no_input && *source == PinSource::Prompt {
                return Err(Failure::new("USAGE", Exit::Usage, "--pin prompt asks, and --no-input forbids to ask"));
            }
            token.pin = source.clone();
        }
        Ok(Self { config, token, globals: globals.clone() })
    }

    /// The registry in the site's store.
    pub(crate) fn registry(&self) -> Result<Registry, Failure> {
        let store = Store::open(&self.config.store.url).map_err(fuda_kms::Error::from)?;
        Ok(Registry::open(store))
    }

    /// Whether the operator wants nothing but the result.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.globals.quiet
    }

    /// Prints a result: text for a person, or with `--json` one object on the last line.
    pub(crate) fn print(&self, text: &str, object: &Value) {
        if self.globals.json {
            output::json(object);
        } else {
            output::line(text);
        }
    }
}

/// An anomaly for programs.
pub(crate) fn anomaly(fault: &Anomaly) -> Value {
    json!({ "code": fault.code(), "what": fault.to_string(), "do": fault.remedy() })
}

impl Cli {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        if let Command::Completions { shell } = self.command {
            fuda_cli::program::completions::<Self>(shell);
            return Ok(Exit::Done);
        }
        if let Command::Worker = self.command {
            return fuda_kms::process::run();
        }
        let site = Site::load(&self.globals, self.pin.pin.as_ref())?;
        match self.command {
            Command::Init(args) => init::run(&site, &args),
            Command::Check(args) => check::run(&site, &args),
            Command::Health(args) => health::run(&site, &args),
            Command::Bench(args) => bench::run(&site, &args),
            Command::Token(command) => token::run(&site, &command),
            Command::Key(command) => key::run(&site, command),
            Command::Exchange(command) => exchange::run(&site, &command),
            Command::Worker | Command::Completions { .. } => Ok(Exit::Done),
        }
    }
}
