//! A centre whose cards are sold to members, each of another name, and its node, workers and database, which may be taken away.

use super::fault::{Moment, Victim};
use super::hand::Hand;
use crate::activation::centre::{Centre, DF, Sale};
use crate::activation::relay::{Answer, post};
use crate::cuts::job::{Cards, Contents};
use fuda_card::profile::Application;
use fuda_tests::Site;
use fuda_tests::delivery::Row;
use fuda_tests::market::Node;
use fuda_tests::memory::children;
use fuda_tests::running::until;
use fuda_tests_cluster::{Cluster, Engine, Syncs};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Terminals at work at once, and cards of nobody's that they put in: more than the cores, because they wait for disks.
pub(super) const TERMINALS: usize = 4;
/// The database is away for so long.
const GONE: Duration = Duration::from_millis(150);
/// Between two attempts of a terminal to reach a node.
const AGAIN: Duration = Duration::from_millis(20);
/// No node is away for longer, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Names of members: half-width katakana, the same in code page 932, and a number.
const NAME: (&str, [u8; 5]) = ("ﾔﾏﾀﾞ ", [0xD4, 0xCF, 0xC0, 0xDE, 0x20]);

/// The centre.
pub(super) struct Shop {
    centre: Centre,
    pub(super) engine: Engine,
    pub(super) application: Application,
    node: RwLock<Node>,
    address: Mutex<String>,
    cluster: Option<Mutex<Cluster>>,
    /// Cards that nobody bought.
    strangers: Mutex<Vec<Hand>>,
}

/// A card that was bought, and what is to be on it.
pub(super) struct Bought {
    pub(super) sale: Sale,
    pub(super) serial: String,
    pub(super) contents: Contents,
}

impl Shop {
    /// A shop on an engine that has sold so many cards, half of which the centre must ask for their challenge first.
    pub(super) fn open(engine: Engine, cards: usize) -> (Self, Vec<Bought>) {
        Self::sell(Site::on(engine), engine, None, cards)
    }

    /// The same on a database server of its own, which can be stopped.
    pub(super) fn on_own_server(cards: usize) -> (Self, Vec<Bought>) {
        let cluster = Cluster::start(Syncs::Yes).unwrap();
        let site = Site::on_cluster(&cluster);
        Self::sell(site, Engine::Postgres, Some(Mutex::new(cluster)), cards)
    }

    fn sell(site: Site, engine: Engine, cluster: Option<Mutex<Cluster>>, cards: usize) -> (Self, Vec<Bought>) {
        let centre = Centre::stocked(site, u32::try_from(cards + TERMINALS).unwrap());
        centre.site.edit("fuda.toml", "last = \"88010000009\"", "last = \"88010999999\"");
        centre.site.edit("fuda.toml", "workers = 1", "workers = 2");
        let node = centre.node();
        let rows: Vec<Row> = centre.cards().cloned().collect();
        let (sold, left) = rows.split_at(cards);
        let bought = buy(&node, sold);
        let address = Mutex::new(node.address.clone());
        let strangers = left.iter().map(|row| Hand::of(&centre.sale(row, Default::default()).file)).collect();
        let application = Cards::new().application().clone();
        let node = RwLock::new(node);
        let shop = Self { centre, engine, application, node, address, cluster, strangers: Mutex::new(strangers) };
        let bought = shop.granted(sold, bought);
        shop.ask_first(bought.iter().skip(1).step_by(2));
        (shop, bought)
    }

    pub(super) const fn site(&self) -> &Site {
        &self.centre.site
    }

    /// Waits until the centre has noticed all payments; what each card is to have then.
    fn granted(&self, sold: &[Row], orders: Vec<(String, String)>) -> Vec<Bought> {
        let open = "SELECT COUNT(*) FROM entitlement WHERE state <> 'granted'";
        until("all payments are settled", || self.site().database().count(open) == 0);
        let numbers = self.site().database().rows("SELECT id, number, expiry FROM service_order");
        let numbers: BTreeMap<&str, (&str, &str)> =
            numbers.iter().map(|row| (row[0].as_str(), (row[1].as_str(), row[2].as_str()))).collect();
        let bought = |((row, order), number): ((&Row, (String, String)), usize)| Bought {
            contents: contents(numbers[order.0.as_str()], number),
            serial: row["serial"].clone(),
            sale: self.centre.sale(row, order),
        };
        sold.iter().zip(orders).zip(0..).map(bought).collect()
    }

    /// Lets the centre believe of some cards that nobody can foretell their challenges.
    fn ask_first<'b>(&self, cards: impl Iterator<Item = &'b Bought>) {
        let rows: Vec<String> =
            cards.map(|card| format!("('{}', '{DF}', 48, 0, 'random', 'now')", card.sale.kdd)).collect();
        let insert = "INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES";
        if !rows.is_empty() {
            let changed = self.site().database().change(&format!("{insert} {}", rows.join(", ")));
            assert_eq!(changed, u64::try_from(rows.len()).unwrap());
        }
    }

    /// Somebody who shares the centre with others.
    pub(super) fn guest(&self) -> RwLockReadGuard<'_, Node> {
        self.node.read().unwrap()
    }

    /// Somebody who has the centre alone, and may take it away.
    pub(super) fn alone(&self) -> RwLockWriteGuard<'_, Node> {
        self.node.write().unwrap()
    }

    /// A card that nobody bought.
    pub(super) fn stranger(&self) -> Hand {
        self.strangers.lock().unwrap().pop().unwrap()
    }

    /// Puts it back.
    pub(super) fn put_back(&self, stranger: Hand) {
        self.strangers.lock().unwrap().push(stranger);
    }

    /// Says a message until there is an answer: a terminal whose line was cut says it again.
    pub(super) fn say(&self, message: &Value) -> Answer {
        let began = Instant::now();
        loop {
            let address = self.address.lock().unwrap().clone();
            match post(&address, "/v1/cardscript", message) {
                Ok(answer) => return answer,
                Err(error) => assert!(began.elapsed() < PATIENCE, "no node: {error}"),
            }
            sleep(AGAIN);
        }
    }

    /// Says a message while something is killed.
    pub(super) fn say_struck(&self, node: &mut Node, message: &Value, (victim, moment): (Victim, Moment)) -> Answer {
        std::thread::scope(|scope| {
            let say = || scope.spawn(|| self.say(message));
            let told = match moment {
                Moment::Before => {
                    let mut told = None;
                    self.without(node, victim, || {
                        told = Some(say());
                        sleep(GONE);
                    });
                    told.unwrap()
                }
                Moment::Within(pause_us) => {
                    let told = say();
                    sleep(Duration::from_micros(pause_us));
                    self.without(node, victim, || sleep(GONE));
                    told
                }
            };
            told.join().unwrap()
        })
    }

    /// Takes something away, and brings it back.
    fn without(&self, node: &mut Node, victim: Victim, meanwhile: impl FnOnce()) {
        match (victim, self.engine, &self.cluster) {
            (Victim::Node, ..) => {
                node.running.signal(Signal::KILL);
                until("the node is dead", || node.running.has_ended());
                meanwhile();
                *node = self.centre.node();
                self.address.lock().unwrap().clone_from(&node.address);
            }
            (Victim::Worker, ..) => {
                for worker in children(node.running.pid()) {
                    let _ = kill_process(Pid::from_raw(i32::try_from(worker).unwrap()).unwrap(), Signal::KILL);
                }
                meanwhile();
            }
            (Victim::Database, _, Some(cluster)) => {
                let mut cluster = cluster.lock().unwrap();
                cluster.stop();
                meanwhile();
                cluster.run();
            }
            (Victim::Database, Engine::Sqlite, None) => self.site().database().locked(meanwhile),
            (Victim::Database, Engine::Postgres, None) => {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                let _ = self.site().database().rows(cut);
                meanwhile();
            }
        }
    }

    /// Says again that an order is paid.
    pub(super) fn pay_again(&self, order: &str) {
        let answer = self.guest().pay_fee(order);
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }
}

/// Sells cards to members, each of another name: order and token of each.
fn buy(node: &Node, cards: &[Row]) -> Vec<(String, String)> {
    let share = cards.len().div_ceil(TERMINALS).max(1);
    std::thread::scope(|scope| {
        let sellers: Vec<_> = cards
            .chunks(share)
            .zip((0..).step_by(share))
            .map(|(cards, first)| {
                scope.spawn(move || {
                    let buy = |(card, number)| node.bought(&node.join_as(&format!("{}{number:05}", NAME.0)), card);
                    cards.iter().zip(first..).map(buy).collect::<Vec<_>>()
                })
            })
            .collect();
        sellers.into_iter().flat_map(|seller| seller.join().unwrap()).collect()
    })
}

/// What a reader is to see on the card of a member, by the profile: number and month in BCD, the name, no visits; erased bytes behind each.
fn contents((number, expiry): (&str, &str), member: usize) -> Contents {
    let month: String = expiry.chars().filter(char::is_ascii_digit).take(6).collect();
    let filled = |mut content: Vec<u8>, size: usize| {
        content.resize(size, 0xFF);
        content
    };
    vec![
        ("member".to_owned(), filled(hex::decode(format!("{number}{month}")).unwrap(), 16)),
        ("person".to_owned(), filled([&NAME.1, format!("{member:05}").as_bytes()].concat(), 48)),
        ("visits".to_owned(), filled(vec![0; 4], 8)),
    ]
}
