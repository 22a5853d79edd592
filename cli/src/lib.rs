//! What every Fuda binary shares: fuda.toml, exit codes, error reports, global options.
