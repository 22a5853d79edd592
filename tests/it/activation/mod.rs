//! Activation over the network, from outside: real nodes of the centre on both engines, a relay of the tests' own, simulated cards.

mod between;
mod bound;
pub(crate) mod centre;
mod cuts;
mod elapsed;
mod encrypted;
mod foreign;
mod good;
mod hostile;
mod limits;
mod memory;
mod nodes;
mod office;
pub(crate) mod player;
mod private;
mod refused;
pub(crate) mod relay;
mod repeated;
mod shut;
mod terminal;
mod twins;
mod waiting;

use centre::Centre;
use fuda_tests_cluster::{Engine, engine_here};
use player::{Cut, Mode};
use relay::Relay;
use terminal::Terminal;

/// Runs a test on both engines; PostgreSQL is named as skipped where it is not.
fn on_both(test: &str, check: impl Fn(Engine)) {
    check(Engine::Sqlite);
    if engine_here(Engine::Postgres, test).is_some() {
        check(Engine::Postgres);
    }
}
