//! stub
use crate::args::Args;
use crate::fail::{Exit, Failure};
use crate::ui::Ui;
pub(crate) const HELP: &str = "";
pub(crate) fn run(_args: Args, ui: Ui) -> Result<Exit, Failure> {
    let p = crate::places::Places::find()?;
    let t = crate::sysroot::prepare(&p, ui, crate::sysroot::Provision::Rootless)?;
    ui.say(&format!("{t:?} {:?}", t.variables()));
    Ok(Exit::Done)
}
