//! What one address and one order may ask of a centre.

use super::{Centre, Relay, Terminal};
use fuda_tests::running::until;
use fuda_tests_cluster::Engine;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Sessions of an order within an hour in which no card proved itself.
const OPENS_UNPROVED_MAX: usize = 30;

/// A request over a connection that stays; `None` when the centre has closed it.
fn alive(stream: &mut TcpStream) -> Option<()> {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: centre\r\n\r\n").ok()?;
    let mut heard = [0; 1024];
    let read = stream.read(&mut heard).ok().filter(|read| *read > 0)?;
    assert!(heard[..read].starts_with(b"HTTP/1.1 200"));
    Some(())
}

#[test]
fn an_address_has_so_many_connections_and_not_one_more() {
    let (centre, _first) = Centre::new(Engine::Sqlite, 1);
    centre.site.edit("fuda.toml", "[issuer]\n", "[issuer]\nconnections_per_address = 3\n");
    let node = centre.node();
    let connect = || TcpStream::connect(&node.address).unwrap();
    let mut kept: Vec<TcpStream> = (0..3).map(|_| connect()).collect();
    kept.iter_mut().for_each(|stream| alive(stream).expect("one of three"));
    assert_eq!(alive(&mut connect()), None, "the fourth");
    until("it is in the log", || node.running.complained().contains("CONNECTIONS_ADDRESS"));
    // Those that are open are served, and a place that is free again is given to the next.
    alive(&mut kept[0]).expect("it goes on");
    kept.pop();
    until("there is a place again", || alive(&mut connect()).is_some());
}

#[test]
fn a_limit_of_none_is_refused_with_its_place() {
    let (centre, _node) = Centre::new(Engine::Sqlite, 1);
    centre.site.edit("fuda.toml", "[issuer]\n", "[issuer]\nconnections_per_address = 0\n");
    let failure = centre.site.issuer(&["check"]).fails(5, "INPUT_INVALID");
    assert!(failure.place.contains("fuda.toml:"), "{failure:?}");
}

#[test]
fn an_order_that_is_opened_again_and_again_without_its_card_has_to_wait() {
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let mut relay = Relay::post(&node.address);
    let mut last = String::new();
    for _ in 0..OPENS_UNPROVED_MAX {
        let mut terminal = Terminal::new(&mut relay);
        assert_eq!(terminal.open("activate", &centre.token(0)).body["type"], "script");
        last = terminal.sid.clone();
    }
    let database = centre.site.database();
    let scripts = "SELECT COUNT(*) FROM online_script";
    let before = database.count(scripts);
    let mut terminal = Terminal::new(&mut relay);
    let refused = terminal.open("activate", &centre.token(0));
    assert_eq!((refused.status, &refused.body["code"]), (429, &"ORDER_TRIES".into()), "{refused:?}");
    assert_eq!((&refused.body["who"], &refused.body["retriable"]), (&"member".into(), &true.into()), "{refused:?}");
    assert_eq!(database.count(scripts), before, "nothing was made for it");

    // A session that is open goes on, another order is served, and after an hour so is this one.
    let session = format!("SELECT COUNT(*) FROM online_session WHERE sid = '{last}' AND state = 'open'");
    assert_eq!(database.count(&session), 1);
    let mut card = centre.card(1);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(1), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");
    let aged = "UPDATE online_session SET opened_at = '2020-01-01T00:00:00.000000Z'";
    assert!(database.change(aged) > 0);
    let mut card = centre.card(0);
    let done = Terminal::new(&mut relay).run("activate", &centre.token(0), &mut card);
    assert_eq!(done["outcome"], "written", "{done}");

    // Contacts in which the card proves itself do not count, however many there are.
    for _ in 0..=OPENS_UNPROVED_MAX {
        let read = Terminal::new(&mut relay).run("read", &centre.token(0), &mut card);
        assert_eq!(read["outcome"], "read", "{read}");
    }
}
