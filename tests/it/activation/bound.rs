//! A member who changes their data while a job is under way: the job goes on with what it was bound to, so that no card holds half of each.

use super::{Centre, Cut, Mode, Relay, Terminal, on_both};
use fuda_card_sim::Card;
use fuda_card_sim::report::Secrets;
use serde_json::json;

/// The first name in half-width katakana, in the encoding of the card (CP932), and the one that it is changed to.
const FIRST: &str = "D4CFC0DE";
const CHANGED: (&str, &str) = ("ｽｽﾞｷ ﾊﾅｺ", "BDBDDEB7");

/// Whether the application on the card of a sale holds these bytes.
fn holds(centre: &Centre, sale: usize, bytes: &str) -> bool {
    let report = Card::report_of(&centre.sales[sale].file, Secrets::Hidden).unwrap();
    serde_json::to_string(&report).unwrap().contains(bytes)
}

#[test]
fn a_name_that_changes_between_two_contacts_changes_no_job_that_has_begun() {
    on_both("activation::bound::a_name_that_changes", |engine| {
        let (centre, node) = Centre::new(engine, 3);
        let mut relay = Relay::post(&node.address);
        let mut card = centre.card(0);
        let lost = Terminal::new(&mut relay).cut(Cut { command: 12, mode: Mode::After }).run(
            "activate",
            &centre.token(0),
            &mut card,
        );
        assert_eq!(lost["code"], "CONTACT_LOST");
        let sealed = centre.site.database().column("SELECT sealed FROM online_job").remove(0);
        assert!(!sealed.is_empty() && !sealed.contains(FIRST), "{sealed}");

        // A job that is bound to nothing.
        let mut old = centre.card(2);
        let _ = Terminal::new(&mut relay).cut(Cut { command: 12, mode: Mode::After }).run(
            "activate",
            &centre.token(2),
            &mut old,
        );
        let unbind = format!("UPDATE online_job SET sealed = '' WHERE service_order = '{}'", centre.sales[2].order);
        assert_eq!(centre.site.database().change(&unbind), 1);

        let fields = json!({ "fields": { "name_kana": CHANGED.0, "email": "hanako@example.com" } });
        for sale in [0, 1, 2] {
            let order = &centre.sales[sale].order;
            let member =
                centre.site.database().column(&format!("SELECT member FROM service_order WHERE id = '{order}'"));
            let changed = node.api("PUT", &format!("/v1/members/{}", member[0]), &fields).done();
            assert_eq!(changed["changed"], member[0].as_str());
        }
        let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
        assert_eq!(done["outcome"], "written", "{done}");
        drop(card);
        assert!(holds(&centre, 0, FIRST) && !holds(&centre, 0, CHANGED.1));
        assert_eq!(centre.jobs(0), ["confirmed"]);
        let kept = centre.site.database().count("SELECT COUNT(*) FROM online_job WHERE sealed <> ''");
        assert_eq!(kept, 0, "what is done is forgotten");
        let refused = Terminal::new(&mut relay).open("activate", &centre.token(2)).body;
        assert_eq!(refused["code"], "ORDER_CONTENT_CHANGED", "half a card of each name cannot be: {refused}");

        // A job that begins afterwards takes the new name.
        let mut card = centre.card(1);
        let done = Terminal::new(&mut relay).run("activate", &centre.token(1), &mut card);
        assert_eq!(done["outcome"], "written", "{done}");
        drop(card);
        assert!(holds(&centre, 1, CHANGED.1) && !holds(&centre, 1, FIRST));
    });
}
