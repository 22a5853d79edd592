//! The second road: the delivery becomes a centre's stock, somebody joins and pays, and one of the cards is activated and read over the network.
//!
//! Everybody who takes part is a program of its own: the centre, the member page's server and the payment provider (this one, by HTTP, with
//! `openssl` for the provider's signature), the buyer's terminal, and the card.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::http::Server;
use super::line::EJECTED;
use super::site::{API_KEY, LINE_KEY, WEBHOOK_SECRET};
use super::steps::{Delivered, Demo, REOPENED, STEP_LIMIT};
use crate::fail::{Exit, Failure};
use crate::json::{self, Value};
use crate::process::Running;

/// The buyer's pocket.
const POCKET: &str = "pocket";
/// A centre starts its HSM workers first.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Between two looks at something that somebody else does.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What the centre says first.
const LISTENING: &str = "listening on http://";
/// What the member says of themselves; the fields are those of the profile.
const MEMBER: &str =
    r#"{"name_kana":"ﾔﾏﾀﾞ ﾊﾅｺ","name_kanji":"山田 花子","birth_date":"19900401","email":"hanako@example.com"}"#;

/// What came of it.
#[derive(Debug)]
pub(super) struct Activated {
    /// The card's own answers to `activate`.
    pub(super) round_trips_card_held: u64,
    pub(super) held_ms: u64,
}

/// A card on its way from the shop to a member.
struct Card {
    serial: String,
    printed: String,
    chip: String,
}

impl Demo<'_> {
    /// # Errors
    /// When a program fails, or one of them says another thing than it must.
    pub(super) fn online(&self, delivered: &Delivered) -> Result<Activated, Failure> {
        let cards = self.stock(delivered)?;
        let (_running, centre) = self.centre(cards)?;
        let card = a_card(delivered)?;
        let token = self.sell(&centre, &card)?;
        self.activate(&centre, &card, &token)
    }

    /// The delivery is taken into the centre's stock, under the line's key.
    fn stock(&self, delivered: &Delivered) -> Result<u64, Failure> {
        let (from, to) = (delivered.dir.join("receipt.pem"), self.site.path(LINE_KEY));
        std::fs::copy(&from, &to).map_err(|e| Failure::io("copy the key", &from, &e))?;
        let mut import = self.program("fuda-issuer");
        import.args(["stock", "import", "--json", "--no-input"]).arg(&delivered.dir);
        self.runner.run("stock-import", import, STEP_LIMIT + Duration::from_millis(10 * self.plan.cards))?.json()?;
        Ok(self.plan.cards)
    }

    /// A node of the centre, on any free port.
    fn centre(&self, cards: u64) -> Result<(Running, Server), Failure> {
        let step = self.ui.step("centre");
        let mut serve = self.program("fuda-issuer");
        serve.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--no-input"]);
        let mut running = self.runner.start("serve", serve)?;
        let began = Instant::now();
        let address = loop {
            if let Some(address) = running.printed().lines().find_map(|line| line.strip_prefix(LISTENING)) {
                break address.trim_end_matches('/').to_owned();
            }
            if let Some(ended) = running.ended()? {
                return Err(ended.failure("the centre ended before it served anybody"));
            }
            if began.elapsed() > START_LIMIT {
                return Err(late("the centre does not say where it listens"));
            }
            std::thread::sleep(LOOK_EVERY);
        };
        step.done(&format!("{cards} cards in stock, serving on http://{address}"));
        Ok((running, Server { address }))
    }

    /// Somebody joins, orders, claims the card of the package, and pays; the order's token is theirs.
    fn sell(&self, centre: &Server, card: &Card) -> Result<String, Failure> {
        let step = self.ui.step("member");
        let key = format!("Bearer {}", self.secret(API_KEY)?);
        let page = |method: &str, path: &str, body: &str| centre.call(method, path, ("Authorization", &key), body);
        let member = page("POST", "/v1/members", &format!(r#"{{"locale":"ja","fields":{MEMBER}}}"#))?;
        let member = text(&member, "member")?;
        let order =
            page("POST", "/v1/orders", &format!(r#"{{"member":{},"service":"ticket"}}"#, json::quote(&member)))?;
        let (order, token) = (text(&order, "order")?, text(&order, "token")?);
        let claim = format!(r#"{{"serial":{},"printed":{}}}"#, json::quote(&card.serial), json::quote(&card.printed));
        page("POST", &format!("/v1/orders/{order}/claim"), &claim)?;
        self.pay(centre, &order)?;
        let began = Instant::now();
        while text(&page("GET", &format!("/v1/orders/{order}"), "")?, "state")? != "granted" {
            if began.elapsed() > STEP_LIMIT {
                return Err(late("the payment is not seen"));
            }
            std::thread::sleep(LOOK_EVERY);
        }
        step.done(&format!("{member} joined, claimed card {} and paid; webhook signed with openssl", card.printed));
        Ok(token)
    }

    /// What the payment provider says, signed over time and body with the secret that it shares with the centre.
    fn pay(&self, centre: &Server, order: &str) -> Result<(), Failure> {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let order_text = json::quote(order);
        let body = format!(
            r#"{{"id":"pay-{order}","type":"paid","order":{order_text},"amount":1000,"currency":"JPY","payer":"demo"}}"#
        );
        let signed = self.site.path("payment.txt");
        std::fs::write(&signed, format!("{time}.{body}")).map_err(|e| Failure::io("write", &signed, &e))?;
        let mut hmac = self.runner.command(&self.tools.openssl);
        let key = format!("key:{}", self.secret(WEBHOOK_SECRET)?);
        hmac.args(["dgst", "-sha256", "-mac", "HMAC", "-macopt", &key]).arg(&signed);
        let said = self.runner.run("hmac", hmac, STEP_LIMIT)?.stdout;
        let mac = said.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        centre.call("POST", "/v1/payments/webhook", ("Fuda-Signature", &format!("t={time},v1={mac}")), &body)?;
        Ok(())
    }

    /// The buyer holds the card to a reader, twice.
    fn activate(&self, centre: &Server, card: &Card, token: &str) -> Result<Activated, Failure> {
        let pocket = self.site.path(POCKET);
        std::fs::create_dir(&pocket).map_err(|e| Failure::io("create the folder", &pocket, &e))?;
        let step = self.ui.step("activate");
        let written = self.relay("activate", centre, card, token)?;
        is(&written, "outcome", "written")?;
        let count = |name: &str| written.count(&[name]).ok_or_else(|| other(name, "no number"));
        let (round_trips_card_held, held_ms) = (count("round_trips_card_held")?, count("held_ms")?);
        if written.text(&["receipt", "signature"]).is_none() {
            return Err(other("receipt", "not signed"));
        }
        step.done(&format!(
            "card held for {held_ms} ms, {round_trips_card_held} round trips meanwhile; receipt signed in the HSM"
        ));

        let step = self.ui.step("read");
        let read = self.relay("read", centre, card, token)?;
        is(&read, "outcome", "read")?;
        let shown = shown(&read);
        let fields: Vec<String> = shown.iter().map(|(name, value)| format!("{name} {value}")).collect();
        step.done(&fields.join(", "));
        Ok(Activated { round_trips_card_held, held_ms })
    }

    /// One session of the buyer's terminal, with the card in its reader.
    fn relay(&self, what: &str, centre: &Server, card: &Card, token: &str) -> Result<Value, Failure> {
        let name = format!("{}.card", card.chip);
        let (from, to) = (self.site.path(EJECTED).join(&name), self.site.path(POCKET).join(&name));
        std::fs::rename(&from, &to).map_err(|e| Failure::io("take the card", &from, &e))?;
        let port = self.row.first();
        let mut hand = self.program("fuda-card-sim");
        hand.args(["serve", "--dir", POCKET, "--eject-to", EJECTED, "--connect", &format!("127.0.0.1:{port}")]);
        let hand = self.runner.start(&format!("hand-{what}"), hand)?;
        let mut terminal = self.program("fuda-terminal");
        terminal.args([what, "--dev", "--json", "--no-input", "--centre", &format!("http://{}", centre.address)]);
        terminal.args(["--reader", &format!("vpcd:127.0.0.1:{port}"), "--order", "-"]);
        self.hand_over(&mut terminal, token)?;
        let report = self.runner.run(what, terminal, STEP_LIMIT)?.json()?;
        let began = Instant::now();
        while !from.exists() && began.elapsed() < STEP_LIMIT {
            std::thread::sleep(LOOK_EVERY);
        }
        drop(hand);
        Ok(report)
    }

    /// The token goes in by standard input: whoever looks at the processes of the machine does not see it.
    fn hand_over(&self, command: &mut Command, token: &str) -> Result<(), Failure> {
        let path = self.site.path("token");
        let failed = |e: &std::io::Error| Failure::io("write", &path, e);
        std::fs::write(&path, token).map_err(|e| failed(&e))?;
        command.stdin(File::open(&path).map_err(|e| failed(&e))?);
        std::fs::remove_file(&path).map_err(|e| failed(&e))
    }

    fn secret(&self, name: &str) -> Result<String, Failure> {
        let path: PathBuf = self.site.path(name);
        let text = std::fs::read_to_string(&path).map_err(|e| Failure::io("read", &path, &e))?;
        Ok(text.trim().to_owned())
    }
}

/// One of the cards that nobody has met since they were made.
fn a_card(delivered: &Delivered) -> Result<Card, Failure> {
    let met = delivered.tables.sample(REOPENED)?;
    let (serials, printed) = (delivered.tables.cards("serial")?, delivered.tables.cards("printed")?);
    let chips = delivered.tables.cards("chip_id")?;
    // From the last quarter, which was made after the line was killed; the very last may have been audited.
    let at = (chips.len() * 3 / 4..chips.len())
        .find(|at| chips.get(*at).is_some_and(|chip| !met.iter().any(|met| met == chip)));
    let field = |column: &[&str]| at.and_then(|at| column.get(at)).map(|&text| text.to_owned());
    match (field(&serials), field(&printed), field(&chips)) {
        (Some(serial), Some(printed), Some(chip)) => Ok(Card { serial, printed, chip }),
        _ => Err(other("cards.csv", "no card that nobody has met")),
    }
}

fn shown(read: &Value) -> Vec<(String, String)> {
    let Some(Value::List(fields)) = read.at(&["shown"]) else { return Vec::new() };
    let pair = |field: &Value| Some((field.text(&["name"])?.to_owned(), field.text(&["value"])?.to_owned()));
    fields.iter().filter_map(pair).collect()
}

fn text(object: &Value, name: &str) -> Result<String, Failure> {
    object.text(&[name]).map(str::to_owned).ok_or_else(|| other(name, "no text"))
}

fn is(object: &Value, name: &str, wanted: &str) -> Result<(), Failure> {
    match object.text(&[name]) {
        Some(found) if found == wanted => Ok(()),
        found => Err(other(name, found.unwrap_or("nothing"))),
    }
}

fn other(name: &str, found: &str) -> Failure {
    let what = format!("`{name}` is not what it must be: {found}");
    Failure::new("ONLINE_DIFFERS", Exit::Integrity, what, "keep the demo's folder: this is a bug of Fuda")
}

fn late(what: &str) -> Failure {
    Failure::new("TOO_SLOW", Exit::Bug, what, "read serve.err in the demo's folder log/")
}
