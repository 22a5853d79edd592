//! What every Fuda binary shares: exit codes, error reports, `fuda.toml`, global options, output.
//!
//! A binary describes its arguments with clap, embeds [`Globals`], implements [`Program`] and calls [`run`]:
//! ```no_run
//! use clap::Parser;
//! use fuda_cli::{Exit, Failure, Globals, Program};
//!
//! #[derive(Parser)]
//! struct Cli {
//!     #[command(flatten)]
//!     globals: Globals,
//! }
//!
//! impl Program for Cli {
//!     fn globals(&self) -> &Globals {
//!         &self.globals
//!     }
//! }
//!
//! fn body(cli: Cli) -> Result<Exit, Failure> {
//!     let config = fuda_cli::config::load(&cli.globals)?;
//!     fuda_cli::output::line(&format!("site {}", config.site.name));
//!     Ok(Exit::Done)
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     fuda_cli::run(body)
//! }
//! ```

pub mod config;
pub mod exit;
pub mod failure;
pub mod globals;
pub mod output;
pub mod program;
pub mod source;
pub mod stop;
pub mod table;
pub mod version;

pub use exit::Exit;
pub use failure::Failure;
pub use globals::Globals;
pub use program::{Program, run};
pub use source::{Position, Source};
pub use stop::StopSignal;
