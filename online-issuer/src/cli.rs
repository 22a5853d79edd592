//! The command line of `fuda-issuer`.

pub mod job;
pub mod member;
pub mod payment;
pub mod sale;
pub mod stock;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use fuda_cli::{Globals, Program};
use std::sync::LazyLock;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let schema = fuda_store::SchemaVersion::known().to_string();
    fuda_cli::version::text(env!("CARGO_PKG_VERSION"), &[("schema", schema.as_str())])
});

/// Run the service centre: buyers activate their cards over the network, with any reader.
///
/// The card and the centre prove themselves to each other through the buyer's terminal, which never sees a key.
#[derive(Debug, Parser)]
#[command(name = "fuda-issuer", version = VERSION.as_str(), max_term_width = 110, after_help = EXIT_CODES)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 done but not complete · 2 usage · 3 stopped, the same command continues · 4 refused by policy · \
5 input file wrong · 6 integrity · 7 HSM or PIN · 8 store · 10 network · 70 our bug";

const SERVE: &str = "Examples:\n  fuda-issuer serve                                # as fuda.toml says, with TLS\n  \
fuda-issuer serve --dev --listen 127.0.0.1:0     # any free port; the first line of output says which\n\n\
Terminals come to /v1/cardscript (WebSocket or POST, described by /v1/openapi.json); /healthz, /readyz and /metrics are for the operator.\n\
Any number of nodes may serve one PostgreSQL store; each answers any message.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve terminals until SIGTERM, which finishes what is held
    #[command(after_help = SERVE)]
    Serve {
        /// Address and port [default: issuer.listen in fuda.toml, else 127.0.0.1:8443]
        #[arg(long, value_name = "A")]
        listen: Option<String>,
        /// Development: plain HTTP on loopback when there is no certificate; refused by a production site
        #[arg(long)]
        dev: bool,
    },
    /// Cards: take deliveries in, see where they are, keep them from being activated
    #[command(subcommand)]
    Stock(stock::StockCommand),
    /// Members: join, show, export, erase
    #[command(subcommand)]
    Member(member::MemberCommand),
    /// Sales: what tills told, and what fits nowhere
    #[command(subcommand)]
    Sale(sale::SaleCommand),
    /// Payments: a bank's file, and what fits nowhere
    #[command(subcommand)]
    Payment(payment::PaymentCommand),
    /// Jobs: what is done with cards over the network, and what only a card can resolve
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Cards as the engine knows them
    #[command(subcommand)]
    Card(job::CardCommand),
    /// Tell the nodes of this store to stop, and wait until they have finished what they hold
    Drain {
        /// Only this one [default: all]
        node: Option<String>,
    },
    /// Check configuration, store, keys and the HSM, and change nothing
    Check,
    /// Look at the store, or bring its schema up to this program
    #[command(subcommand)]
    Store(StoreCommand),
    /// Write a shell completion script to standard output
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// `store …`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum StoreCommand {
    /// Say where the store is, how safely it keeps what it acknowledged, and whether its schema is this program's
    Check,
    /// Bring the schema up to this program; stop every node that uses the store first
    Migrate,
}

impl Program for Cli {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}
