//! `online.*`: the service centre under load. A real node with a certificate, synchronous=FULL and SoftHSM workers; the generator is this
//! process, beside it on the same cores; every activation is another card of another member with a paid order, over a new connection.

pub mod far;
pub mod held;
pub mod idle;
pub mod load;
pub mod node;
pub mod parts;
pub mod shop;
pub mod terminal;

use crate::machine;
use crate::report::Entry;
use crate::rounds::{Scale, number};
use crate::site::Site;
use fuda_cli::Failure;
use load::{TERMINALS, per_mille_ms};
use node::{Counts, Node};
pub use parts::Alone;
use shop::{Lot, Sale};
use std::time::Duration;
use terminal::Carrier;

/// What the centre may take at 70 % of its capacity, in milliseconds: nobody notices it beside the card's own time.
const P99_MAX_MS: f64 = 50.0;
/// The load at which that is asked.
const LOAD: f64 = 0.7;
/// Activations that go before, so that connections, statements and caches of the node are warm.
const WARM_UP: usize = 192;

/// Cards of each measurement; the open loop has as many as come in its time.
#[derive(Debug, Clone, Copy)]
struct Cards {
    alone: usize,
    websocket: usize,
    post: usize,
}

impl Cards {
    const fn of(scale: Scale) -> Self {
        match scale {
            Scale::Quick => Self { alone: 300, websocket: 1_500, post: 800 },
            Scale::Full => Self { alone: 1_000, websocket: 6_000, post: 4_000 },
        }
    }

    const fn sum(self) -> usize {
        self.alone + WARM_UP + self.websocket + self.post
    }
}

/// How long the open loop lasts.
const fn open_length(scale: Scale) -> Duration {
    match scale {
        Scale::Quick => Duration::from_secs(10),
        Scale::Full => Duration::from_secs(60),
    }
}

/// Measures a site whose database is a file; `commits` is what one caller of its store reaches.
///
/// # Errors
/// When a program fails, or one activation does.
pub fn measure(site: &Site, scale: Scale, commits: f64) -> Result<(Vec<Entry>, Alone), Failure> {
    if scale == Scale::Full {
        idle::make_room()?;
    }
    let cards = Cards::of(scale);
    let mut sales = shop::stock(site, Lot(1), cards.sum())?.into_iter();
    let mut take = |count: usize| -> Vec<Sale> { sales.by_ref().take(count).collect() };
    let alone = Alone::measure(site, scale.round(), take(cards.alone))?;
    let node = Node::start(site)?;
    load::closed(&node.way, Carrier::WebSocket, take(WARM_UP))?;
    let websocket = Loop::run(&node, Carrier::WebSocket, take(cards.websocket))?;
    let post = Loop::run(&node, Carrier::Post, take(cards.post))?;
    let (rate, length) = (LOAD * websocket.rate, open_length(scale));
    let count = Duration::mul_f64(length, rate).as_secs();
    let waiting = shop::stock(site, Lot(2), usize::try_from(count).unwrap_or(usize::MAX))?;
    let mut entries = vec![
        websocket.entry("online.wss.sqlite", commits, &alone),
        post.entry("online.post.sqlite", commits, &alone),
        latency(&node, rate, length, waiting)?,
    ];
    if scale == Scale::Full {
        entries.push(held::measure(site, &node, shop::stock(site, Lot(3), held::CARDS)?)?);
        drop(node);
        entries.push(idle::measure(&Node::start(site)?)?);
    }
    Ok((entries, alone))
}

/// Connections by which a store on a server commits at the same time; each waits for a sync as the one caller does whose commits are counted.
const SERVER_WRITERS: f64 = 4.0;

/// Measures a site whose database is on a server of this machine. The parts alone are those of the other site.
///
/// # Errors
/// As [`measure`].
pub fn measure_postgres(site: &Site, scale: Scale, commits: f64, alone: &Alone) -> Result<Entry, Failure> {
    let cards = WARM_UP + Cards::of(scale).post;
    let mut sales = shop::stock(site, Lot(1), cards)?;
    let measured = sales.split_off(WARM_UP);
    let node = Node::start(site)?;
    load::closed(&node.way, Carrier::WebSocket, sales)?;
    Ok(Loop::run(&node, Carrier::WebSocket, measured)?.entry("online.wss.postgres", SERVER_WRITERS * commits, alone))
}

/// A closed loop and what it cost.
#[derive(Debug)]
struct Loop {
    rate: f64,
    /// Of one activation.
    each: Counts,
    generator_s: f64,
}

impl Loop {
    fn run(node: &Node, carrier: Carrier, sales: Vec<Sale>) -> Result<Self, Failure> {
        let count = number(u64::try_from(sales.len()).unwrap_or_default());
        let (before, own) = (node.counts()?, crate::cpu::own());
        let rate = load::closed(&node.way, carrier, sales)?;
        let generator_s = (crate::cpu::own() - own).as_secs_f64() / count;
        Ok(Self { rate, each: node.counts()?.since(before).each(count), generator_s })
    }

    fn entry(&self, name: &'static str, commits: f64, alone: &Alone) -> Entry {
        let Counts { commits: commits_each, jobs, requests, node_s, workers_s } = self.each;
        let by_commits = commits / commits_each;
        let by_cores = f64::from(machine::cores()) / alone.total_s();
        let bound = by_commits.min(alone.hsm_rate).min(by_cores);
        Entry {
            name,
            value: self.rate,
            unit: "cards/s",
            bound: Some(bound),
            note: format!(
                "{TERMINALS} terminals in a closed loop, a TLS 1.3 connection each time; {jobs:.1} transactions in {commits_each:.2} commits and \
                 {requests:.1} HSM requests each; bound: min({commits:.0} commits/s ÷ {commits_each:.2} = {by_commits:.0}, HSM alone {:.0}, {} \
                 cores ÷ {:.2} ms = {by_cores:.0}), of that alone: HSM {:.2}, TLS {:.2}, card {:.2}, engine and store {:.2} ms; CPU in the run: \
                 centre {:.2}, its workers {:.2}, generator {:.2} ms",
                alone.hsm_rate,
                machine::cores(),
                alone.total_s() * 1e3,
                alone.hsm_s * 1e3,
                alone.tls_s * 1e3,
                alone.card_s * 1e3,
                alone.engine_s * 1e3,
                node_s * 1e3,
                workers_s * 1e3,
                self.generator_s * 1e3,
            ),
        }
    }
}

/// `online.p99_ms`.
fn latency(node: &Node, rate: f64, length: Duration, sales: Vec<Sale>) -> Result<Entry, Failure> {
    let found = load::open(&node.way, rate, sales)?;
    let part = |of: fn(&terminal::Waited) -> Duration| per_mille_ms(found.waited.iter().map(of), 990);
    Ok(Entry {
        name: "online.p99_ms",
        value: per_mille_ms(found.centre.iter().copied(), 990),
        unit: "ms",
        bound: Some(P99_MAX_MS),
        note: format!(
            "lower is better; {rate:.0} activations/s arrive at random for {} s (70 % of online.wss.sqlite), each from the time it was \
             due to its receipt without the card; median {:.0} ms; p99 of connection {:.0}, script {:.0}, receipt {:.0} ms; bound: what is aimed at",
            length.as_secs(),
            per_mille_ms(found.centre.iter().copied(), 500),
            part(|waited| waited.connection),
            part(|waited| waited.script),
            part(|waited| waited.receipt),
        ),
    })
}
