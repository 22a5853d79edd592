//! What just happened, in two sentences for a person and in one object for a program.

use super::count::Counts;
use super::line::Produced;
use super::steps::{Delivered, Demo};
use crate::json;

pub(super) fn tell(demo: &Demo<'_>, produced: &Produced, delivered: &Delivered, counts: &Counts) {
    let Counts { ordered, fed, good, rejected, samples, unknown, unfilled } = counts;
    let rate = produced.rate(*good);
    let bound = produced.bound.map_or_else(String::new, |bound| format!(" (the HSM alone: {bound:.0})"));
    let site = demo.places.short(&demo.site.dir);
    demo.ui.say(&format!(
        "
{good} blank chips became stock at {rate:.0} cards/s{bound}, with keys that never left the token; the line was killed at card {},
went on from what each card said about itself, and every chip is accounted for in {}.
Try next:  . target/fuda/env; cd {site}; export SOFTHSM2_CONF=$PWD/softhsm2.conf
           then `fuda-card-sim show` a file of ejected/, change a byte of cards.csv and run `fuda-factory verify` again, or give
           this demo more work: cargo xtask demo --cards 5000",
        produced.done_at_kill,
        demo.places.short(&delivered.dir),
    ));
    demo.ui.result(&format!(
        r#"{{"ordered":{ordered},"fed":{fed},"good":{good},"rejected":{rejected},"samples":{samples},"unknown":{unknown},"unfilled":{unfilled},"kills":{},"cards_per_second":{rate:.1},"hsm_bound_cards_per_second":{},"out_dir":{}}}"#,
        produced.kills,
        produced.bound.map_or_else(|| "null".to_owned(), |bound| format!("{bound:.1}")),
        json::quote(&delivered.dir.display().to_string()),
    ));
}
