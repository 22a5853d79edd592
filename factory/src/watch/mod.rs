//! The live view of a job: what its lines publish, put together and drawn.

mod model;
mod screen;
mod text;

pub(crate) use model::JobView;
pub(crate) use screen::{Paint, Size, log_line, screen, troubles};
pub(crate) use text::count;
