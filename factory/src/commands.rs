//! The commands of `fuda-factory`, one file each.

mod card;
mod check;
mod control;
mod deliver;
mod encoder;
mod fence;
mod job;
mod pack;
mod prepare;
mod receive;
mod reject;
mod report;
mod run;
mod store;
mod verify;
mod watch;

pub use card::card;
pub use check::check;
pub use deliver::deliver;
pub use encoder::encoder;
pub use job::job;
pub use pack::pack;
pub use prepare::prepare;
pub use receive::receive;
pub use reject::reject;
pub use run::run;
pub use store::store;
pub use verify::verify;
