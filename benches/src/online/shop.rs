//! What activations need before the clock starts: cards from the real line, delivered and taken into stock, each claimed by an order of a
//! member of its own, and paid.
//!
//! The line, the delivery and the import are the real programs; members, orders, claims and payments are made by the centre's own functions,
//! many at a time, because the pages of a shop are not what is measured.

use crate::doing::{Doing, failed};
use crate::line::{Feeder, free_row};
use crate::site::Site;
use fuda_card_sim::Card;
use fuda_cli::config::{self, Config};
use fuda_cli::{Failure, Source, output};
use fuda_kms::{Hsm, HsmConfig, Registry};
use fuda_online_issuer::members::{MemberFields, Registered, Service, Services};
use fuda_online_issuer::orders::{self, ClaimBy, Claimant, SaleRule};
use fuda_online_issuer::payments::{self, PaymentEvent, PaymentKind};
use fuda_online_issuer::vault::{BlindIndex, Vault, erasures::Erasures};
use fuda_store::Store;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

/// Configuration of the centre, beside the line's.
pub const CENTRE: &str = "centre.toml";
/// Callers that make members and orders at once: enough that commits are shared.
const SELLERS: usize = 16;
/// What the service costs.
const FEE: i64 = 1000;
const CURRENCY: &str = "JPY";

/// A card that is sold, in memory, and the token that activates it.
#[derive(Debug)]
pub struct Sale {
    /// The order's token.
    pub token: String,
    /// The card, without power.
    pub card: Card,
    /// The file that it is a copy of.
    pub file: PathBuf,
}

/// An order of the line; a site makes each once.
#[derive(Debug, Clone, Copy)]
pub struct Lot(pub u16);

impl Lot {
    fn order(self) -> String {
        format!("ONLINE-{}", self.0)
    }

    /// Folder of blank chips.
    fn blanks(self) -> String {
        format!("blanks-{}", self.0)
    }

    /// Folder of finished cards.
    fn made(self) -> String {
        format!("made-{}", self.0)
    }

    fn delivery(self) -> String {
        format!("delivery-{}", self.0)
    }

    /// What was sold: chip and token, a line each.
    fn sold(self) -> String {
        format!("sold-{}.csv", self.0)
    }
}

/// Makes, delivers, takes in and sells so many cards.
///
/// # Errors
/// When one of the programs fails, or a card is not good.
pub fn stock(site: &Site, lot: Lot, cards: usize) -> Result<Vec<Sale>, Failure> {
    let began = Instant::now();
    // The first card of a job is audited: its count is one further than the centre takes for granted. It is not used.
    make(site, lot, cards + 1)?;
    let made = began.elapsed();
    if !site.path(CENTRE).exists() {
        write_centre(site, lot)?;
    }
    let mut import = centre(site, "fuda-issuer")?;
    finish(import.args(["stock", "import", &lot.delivery(), "--quiet"]))?;
    finish(site.myself()?.args(["--sell", &lot.0.to_string()]))?;
    let mut sales = load(site, lot)?;
    sales.remove(0);
    // The system writes what was made here to the disk after half a minute, in one go: that shall not fall into what is measured.
    rustix::fs::sync();
    output::line(&format!(
        "{cards} cards made by the line in {:.0} s, sold to as many members after {:.0} s",
        made.as_secs_f64(),
        began.elapsed().as_secs_f64()
    ));
    Ok(sales)
}

/// A program of the centre in a site.
///
/// # Errors
/// When it was not built.
pub fn centre(site: &Site, name: &str) -> Result<Command, Failure> {
    let mut command = site.program(name)?;
    command.env("FUDA_CONFIG", site.path(CENTRE));
    Ok(command)
}

/// HSM workers of the centre: while one is asked, the other need not wait for its next request.
const WORKERS: u16 = 2;

/// The centre's configuration.
///
/// # Errors
/// When it cannot be read.
pub fn config(site: &Site) -> Result<Config, Failure> {
    config::parse(&Source::read(&site.path(CENTRE))?, site.folder())
}

fn make(site: &Site, lot: Lot, cards: usize) -> Result<(), Failure> {
    let (order, blanks, made, cards) = (lot.order(), lot.blanks(), lot.made(), cards.to_string());
    let text = format!(
        "order = \"{order}\"\nprofile = \"membership-1ap\"\nstages = [0, 1]\nquantity = {cards}\nspares = 0\nlot = \"ONLINE\"\n\
         [serial]\nsource = \"counter\"\nfirst = \"889{:02}00000001\"\ncheck = \"luhn\"\n\
         [keys]\ntransport = \"transport\"\nissuer = \"issuer\"\n\"ap/ticket\" = \"ap/ticket\"\n[line]\naudit_every = 1000000\n",
        lot.0
    );
    let file = format!("{order}.toml");
    site.write(&file, &text)?;
    site.run("fuda-card-sim", &["blank", "--count", &cards, "--dir", &blanks])?;
    std::fs::create_dir(site.path(&made)).doing("create a folder")?;
    let row = free_row()?;
    let feeder = Feeder::start(site, &blanks, &row, &["--eject-to", &made])?;
    let mut line = site.program("fuda-factory")?;
    line.args(["run", &file, "--no-progress", "--operator", "bench", "--hsm-workers", "2"]);
    line.args(["--encoders", &format!("vpcd:{row}")]);
    finish(&mut line)?;
    drop(feeder);
    let deliver = ["deliver", &order, "--quantity", &cards, "--out", &lot.delivery(), "--quiet"];
    site.run("fuda-factory", &deliver).map(drop)
}

/// `fuda.toml` with the centre's section.
fn write_centre(site: &Site, lot: Lot) -> Result<(), Failure> {
    let base = std::fs::read_to_string(site.path("fuda.toml")).doing("read fuda.toml")?;
    let base = base.replace("workers = 1\n", &format!("workers = {WORKERS}\n"));
    let section = format!(
        "[issuer]\ntls = {{ cert = \"centre.pem\", key = \"centre.key\" }}\nreceipt_keys = [\"{}/receipt.pem\"]\n\
                   [[issuer.service]]\nname = \"ticket\"\napplication = \"ticket\"\nfee = 1000\ncurrency = \"JPY\"\n\
                   numbers = {{ first = \"88010000000\", last = \"88019999999\", check = \"luhn\" }}\nmonths = 24\n",
        lot.delivery()
    );
    site.write(CENTRE, &format!("{base}{section}"))
}

/// Sells every card of the delivery: run in a process that was born in the site.
///
/// # Errors
/// When HSM or store refuses.
pub fn sell(site: &Site, lot: Lot) -> Result<(), Failure> {
    let config = config(site)?;
    let store = Store::open(&config.store.url).doing("open the database")?;
    let registry = Registry::open(store.clone());
    let hsm = Hsm::start(&HsmConfig::from_file(&config)?, &registry)?;
    let services = Services::read(&config)?;
    let service = services.named("ticket").doing("find the service")?;
    let members = Registered {
        store: store.clone(),
        vault: Vault::new(hsm.clone(), registry.clone()),
        index: BlindIndex::new(hsm, registry),
        indexed: Vec::new(),
        erasures: Erasures::at(&site.path("erasures.list")),
    };
    let cards = std::fs::read_to_string(site.path(&lot.delivery()).join("cards.csv")).doing("read cards.csv")?;
    let rows = Mutex::new(cards.lines().skip(1));
    let sold = Mutex::new(String::new());
    let seller = || {
        loop {
            let row = rows.lock().ok().and_then(|mut rows| rows.next());
            let Some(row) = row else { return Ok::<_, Failure>(()) };
            let [serial, printed, chip] = fields(row)?;
            let token = sale(&members, service, serial, printed)?;
            let mut sold = sold.lock().map_err(|_| failed("a seller panicked".to_owned()))?;
            sold.push_str(&format!("{chip},{token}\n"));
        }
    };
    std::thread::scope(|scope| {
        let sellers: Vec<_> = (0..SELLERS).map(|_| scope.spawn(seller)).collect();
        sellers.into_iter().try_for_each(|s| s.join().unwrap_or_else(|_| Err(failed("panic".to_owned()))))
    })?;
    loop {
        let round = payments::settle_all(&store, &services)?;
        if round.exceptions > 0 {
            return Err(failed(format!("{} payments fit no order", round.exceptions)));
        }
        if round.settled == 0 {
            break;
        }
    }
    site.write(&lot.sold(), &sold.into_inner().map_err(|_| failed("a seller panicked".to_owned()))?)
}

/// A member, their order, their card and their money; the order's token.
fn sale(members: &Registered, service: &Service, serial: &str, printed: &str) -> Result<String, Failure> {
    let name = MemberFields::new([("name_kana".to_owned(), "ﾔﾏﾀﾞ ﾊﾅｺ".to_owned())]).doing("name a member")?;
    let member = members.join("ja", &name)?;
    let created = orders::create(&members.store, &member, service, None)?;
    let by = ClaimBy::Serial(serial.to_owned());
    let claimant = Claimant { printed: Some(printed.to_owned()), client: None };
    orders::claim(&members.store, &members.index, &created.order, (by, claimant), SaleRule::NotRequired)?;
    let event = PaymentEvent {
        source: payments::Source::Webhook,
        id: created.order.as_str().to_owned(),
        kind: PaymentKind::Paid,
        reference: created.order.as_str().to_owned(),
        amount: FEE,
        currency: CURRENCY.to_owned(),
    };
    payments::receive(&members.store, &event)?;
    Ok(created.token.expose().to_string())
}

/// The first three columns of a row of cards.csv, none of which is ever quoted.
fn fields(row: &str) -> Result<[&str; 3], Failure> {
    let mut columns = row.split(',');
    let mut next = || columns.next().ok_or_else(|| failed(format!("cards.csv has the row `{row}`")));
    Ok([next()?, next()?, next()?])
}

/// What was sold, each with its card, in the order in which the line made them.
fn load(site: &Site, lot: Lot) -> Result<Vec<Sale>, Failure> {
    let text = std::fs::read_to_string(site.path(&lot.sold())).doing("read what was sold")?;
    let tokens: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once(',')).collect();
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(site.path(&lot.made())).doing("list the cards")? {
        files.push(entry.doing("list the cards")?.path());
    }
    let mut cards = BTreeMap::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "card")) {
        let card = Card::copy_of(file).doing("read a card")?;
        cards.insert(card.kdd().to_string(), (card, file.clone()));
    }
    let delivery = std::fs::read_to_string(site.path(&lot.delivery()).join("cards.csv")).doing("read cards.csv")?;
    let mut sales = Vec::with_capacity(cards.len());
    for row in delivery.lines().skip(1) {
        let [_, _, chip] = fields(row)?;
        let (token, card) = (tokens.get(chip), cards.remove(chip));
        let (Some(token), Some((card, file))) = (token, card) else {
            return Err(failed(format!("{chip} was not sold")));
        };
        sales.push(Sale { token: (*token).to_owned(), card, file });
    }
    Ok(sales)
}

fn finish(command: &mut Command) -> Result<(), Failure> {
    let output = command.stdout(Stdio::piped()).output().doing("start a program")?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(failed(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&said))))
}

/// The certificate of the centre, made with its key as an operator would when it is not there yet.
///
/// # Errors
/// When openssl is not there.
pub fn certificate(site: &Site) -> Result<PathBuf, Failure> {
    let certificate = site.path("centre.pem");
    if !certificate.exists() {
        let mut openssl = Command::new("openssl");
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        openssl.args(["-subj", "/CN=centre", "-addext", "subjectAltName=IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout"]).arg(site.path("centre.key"));
        finish(openssl.arg("-out").arg(&certificate).stderr(Stdio::piped()))?;
    }
    Ok(certificate)
}
