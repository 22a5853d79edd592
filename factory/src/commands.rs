//! The commands of `fuda-factory`, one file each.

mod card;
mod check;
mod deliver;
mod job;
mod run;
mod verify;

pub use card::card;
pub use check::check;
pub use deliver::deliver;
pub use job::job;
pub use run::run;
pub use verify::verify;
