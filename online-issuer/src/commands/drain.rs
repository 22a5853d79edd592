//! `drain`: tells nodes to stop, and waits until they have.

use crate::engine::node;
use crate::site::Site;
use fuda_cli::{Exit, Failure, Globals, output};
use serde_json::json;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait: what a node takes to hear of it, to finish what it holds, and to end.
const WAIT_MAX: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Tells one node, or all, to stop, and waits until none of them is left.
///
/// # Errors
/// Exit 1 when some are left after the time to finish; the store.
pub fn drain(globals: &Globals, name: Option<&str>) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let mine = |rows: Vec<node::NodeRow>| -> Vec<node::NodeRow> {
        rows.into_iter().filter(|row| name.is_none_or(|name| row.node == name)).collect()
    };
    let told = mine(node::alive(&site.store)?);
    node::drain(&site.store, name)?;
    told.iter().for_each(|row| output::line(&format!("node {} at {} stops", row.node, row.url)));
    let began = Instant::now();
    let mut left = told.clone();
    while !left.is_empty() && began.elapsed() < WAIT_MAX {
        sleep(LOOK_EVERY);
        left = mine(node::alive(&site.store)?);
    }
    output::line(&format!("{} of {} nodes have stopped", told.len() - left.len(), told.len()));
    if globals.json {
        output::json(&json!({ "told": told.len(), "stopped": told.len() - left.len() }));
    }
    Ok(if left.is_empty() { Exit::Done } else { Exit::Incomplete })
}
