//! The line and its HSM workers, which are processes: what is loaded where, and what their trouble costs.

mod line;
mod pin;
