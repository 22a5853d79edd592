//! What just happened, in two sentences for a person and in one object for a program.

use super::count::Counts;
use super::line::Produced;
use super::online::Activated;
use super::steps::{Delivered, Demo};
use crate::json;

pub(super) fn tell(demo: &Demo<'_>, produced: &Produced, delivered: &Delivered, counts: &Counts, online: &Activated) {
    let Activated { round_trips_card_held, held_ms, .. } = online;
    let Counts { ordered, fed, good, rejected, samples, unknown, unfilled } = counts;
    let rate = produced.rate(*good);
    let bound = produced.bound.map_or_else(String::new, |bound| format!(" (the HSM alone: {bound:.0})"));
    let delivery = delivered.dir.strip_prefix(&demo.site.dir).unwrap_or(&delivered.dir).display();
    demo.ui.say(&format!(
        "
{good} blank chips became stock at {rate:.0} cards/s{bound} with keys that never left their token; the line was killed
at card {}, journal and cards said where to go on, and every chip is accounted for in the signed delivery. One of them was
activated for a member over the network and was worked on for {held_ms} ms, with {round_trips_card_held} waits for the centre.
Next, `cd {} && . ./env`, and look into a card:
    fuda-card-sim show ejected/{}.card
or change any byte of a file in {delivery} and let `fuda-factory verify {delivery}` find it.",
        produced.done_at_kill,
        demo.places.short(&demo.site.dir),
        delivered.a_chip(),
    ));
    demo.ui.result(&format!(
        r#"{{"ordered":{ordered},"fed":{fed},"good":{good},"rejected":{rejected},"samples":{samples},"unknown":{unknown},"unfilled":{unfilled},"kills":{},"cards_per_second":{rate:.1},"hsm_bound_cards_per_second":{},"out_dir":{},"online":{{"activated":1,"round_trips_card_held":{round_trips_card_held},"held_ms":{held_ms}}}}}"#,
        produced.kills,
        produced.bound.map_or_else(|| "null".to_owned(), |bound| format!("{bound:.1}")),
        json::quote(&delivered.dir.display().to_string()),
    ));
}
