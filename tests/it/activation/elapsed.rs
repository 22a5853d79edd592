//! Time over: what has nothing at a terminal ends and gives its right back; what a terminal had waits for the card, however old it is.

use super::centre::DF;
use super::{Centre, Relay, Terminal, on_both};
use fuda_tests::running::until;

const OLD: &str = "2020-01-01T00:00:00.000Z";

impl Centre {
    /// Makes what an order has older than any life.
    fn is_old(&self, sale: usize) {
        let order = &self.sales[sale].order;
        let database = self.site.database();
        let jobs = format!("UPDATE online_job SET changed_at = '{OLD}' WHERE service_order = '{order}'");
        assert_eq!(database.change(&jobs), 1);
        let scripts = format!(
            "UPDATE online_script SET expires_at = '{OLD}' WHERE job IN (SELECT id FROM online_job WHERE service_order = '{order}')"
        );
        assert_eq!(database.change(&scripts), 1);
    }

    /// A card that is asked first: nothing that writes leaves before it has answered.
    fn is_random(&self, sale: usize) {
        let kdd = &self.sales[sale].kdd;
        let sql = format!(
            "INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES ('{kdd}', '{DF}', 48, 0, 'random', 'now')"
        );
        assert_eq!(self.site.database().change(&sql), 1);
    }
}

#[test]
fn a_job_with_nothing_at_a_terminal_ends_and_a_script_that_is_out_waits_for_the_card() {
    on_both("activation::elapsed::a_job_with_nothing_at_a_terminal", |engine| {
        let (centre, node) = Centre::new(engine, 2);
        let mut relay = Relay::post(&node.address);
        // One card has been asked who it is, and nobody came back. Another one's whole script is out.
        centre.is_random(0);
        let mut asked = Terminal::new(&mut relay);
        let introduction = asked.open("activate", &centre.token(0)).body;
        assert_eq!((centre.jobs(0), centre.entitlement(0)), (vec!["ready".to_owned()], "granted".to_owned()));
        let mut card = centre.card(0);
        let late = asked.play(&introduction, &mut card);
        let mut sent = Terminal::new(&mut relay);
        let script = sent.open("activate", &centre.token(1)).body;
        let sid = sent.sid.clone();
        centre.is_old(1);
        centre.is_old(0);
        until("the job with nothing at a terminal ends", || centre.jobs(0) == ["expired"]);
        assert_eq!(centre.entitlement(0), "granted");
        until("the script that is out is the card's to tell", || centre.jobs(1) == ["unknown"]);
        assert_eq!(centre.entitlement(1), "reserved", "no time gives it back");

        // The late answer finds its session over; the next contact begins anew.
        let answer = relay.say(&late).body;
        assert_eq!((&answer["code"], &answer["retriable"]), (&"SESSION_ENDED".into(), &true.into()), "{answer}");
        let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
        assert_eq!(done["outcome"], "written", "{done}");
        assert_eq!(centre.jobs(0), ["expired", "confirmed"]);
        // The late script was run after all, and its result is believed because the card proves it.
        let mut card = centre.card(1);
        let mut sent = Terminal::new(&mut relay);
        sent.sid = sid;
        let result = sent.play(&script, &mut card);
        let done = sent.say(&result).body;
        assert_eq!(done["outcome"], "written", "{done}");
        assert_eq!((centre.jobs(1), centre.entitlement(1)), (vec!["confirmed".to_owned()], "consumed".to_owned()));
    });
}

#[test]
fn a_late_result_of_a_card_whose_count_is_elsewhere_is_asked_anew() {
    on_both("activation::elapsed::a_late_result", |engine| {
        let (centre, node) = Centre::new(engine, 1);
        let mut relay = Relay::post(&node.address);
        let mut card = centre.card(0);
        let _ = card.transmit(&hex::decode("00A4040006F0465544410100").unwrap());
        let _ = card.transmit(&hex::decode("8050300008010203040506070800").unwrap());
        let mut terminal = Terminal::new(&mut relay);
        let script = terminal.open("activate", &centre.token(0)).body;
        centre.is_old(0);
        until("the script that is out is the card's to tell", || centre.jobs(0) == ["unknown"]);
        let result = terminal.play(&script, &mut card);
        let mut answer = terminal.say(&result).body;
        while answer["type"] == "script" {
            let result = terminal.play(&answer, &mut card);
            answer = terminal.say(&result).body;
        }
        assert_eq!((&answer["outcome"], terminal.scripts), (&"written".into(), 3), "a look between: {answer}");
    });
}
