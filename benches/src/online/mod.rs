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

use crate::report::Entry;
use crate::rounds::{Scale, number};
use crate::site::Site;
use crate::{cpu, machine};
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
/// How much faster the machine may have become when the open loop begins; stock is made for no more.
const RATE_MARGIN: f64 = 1.2;
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
    let length = open_length(scale);
    let most = length.mul_f64(LOAD * RATE_MARGIN * websocket.rate).as_secs();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut waiting = shop::stock(site, Lot(2), cards.websocket + most)?;
    // The stock takes minutes and fills the store; a shared machine may get another speed meanwhile. 70 % is of what it does now.
    let again = Loop::run(&node, Carrier::WebSocket, waiting.split_off(most))?;
    let rate = LOAD * again.rate.min(RATE_MARGIN * websocket.rate);
    waiting.truncate(usize::try_from(length.mul_f64(rate).as_secs()).unwrap_or(usize::MAX));
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

/// What one activation took of the machine.
#[derive(Debug)]
struct Cost {
    counts: Counts,
    generator_s: f64,
}

impl Cost {
    /// Lets a load of so many run; its result and what each took.
    fn of<T>(node: &Node, count: usize, load: impl FnOnce() -> Result<T, Failure>) -> Result<(T, Self), Failure> {
        let count = number(u64::try_from(count).unwrap_or_default());
        let (before, own) = (node.counts()?, cpu::own());
        let result = load()?;
        let generator_s = (cpu::own() - own).as_secs_f64() / count;
        Ok((result, Self { counts: node.counts()?.since(before).each(count), generator_s }))
    }

    fn cpu(&self) -> String {
        let Counts { node_s, workers_s, .. } = self.counts;
        format!(
            "centre {:.2}, its workers {:.2}, generator {:.2} ms",
            node_s * 1e3,
            workers_s * 1e3,
            self.generator_s * 1e3
        )
    }

    /// The part of all cores that so many a second keep busy, in percent.
    fn busy(&self, rate: f64) -> f64 {
        let Counts { node_s, workers_s, .. } = self.counts;
        rate * (node_s + workers_s + self.generator_s) / f64::from(machine::cores()) * 100.0
    }
}

/// A closed loop and what it cost.
#[derive(Debug)]
struct Loop {
    rate: f64,
    cost: Cost,
}

impl Loop {
    fn run(node: &Node, carrier: Carrier, sales: Vec<Sale>) -> Result<Self, Failure> {
        let (rate, cost) = Cost::of(node, sales.len(), || load::closed(&node.way, carrier, sales))?;
        Ok(Self { rate, cost })
    }

    fn entry(&self, name: &'static str, commits: f64, alone: &Alone) -> Entry {
        let Counts { commits: commits_each, jobs, requests, .. } = self.cost.counts;
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
                 cores ÷ {:.2} ms = {by_cores:.0}), of that alone: HSM {:.2}, TLS {:.2}, card {:.2}, engine and store {:.2} ms; CPU in the run: {}",
                alone.hsm_rate,
                machine::cores(),
                alone.total_s() * 1e3,
                alone.hsm_s * 1e3,
                alone.tls_s * 1e3,
                alone.card_s * 1e3,
                alone.engine_s * 1e3,
                self.cost.cpu(),
            ),
        }
    }
}

/// `online.p99_ms`.
fn latency(node: &Node, rate: f64, length: Duration, sales: Vec<Sale>) -> Result<Entry, Failure> {
    let (found, cost) = Cost::of(node, sales.len(), || load::open(&node.way, rate, sales))?;
    let part = |of: fn(&terminal::Waited) -> Duration| per_mille_ms(found.waited.iter().map(of), 990);
    let tenths = found.centre.chunks(found.centre.len().div_ceil(10).max(1));
    let tenths: Vec<String> = tenths.map(|tenth| format!("{:.0}", per_mille_ms(tenth.iter().copied(), 990))).collect();
    Ok(Entry {
        name: "online.p99_ms",
        value: per_mille_ms(found.centre.iter().copied(), 990),
        unit: "ms",
        bound: Some(P99_MAX_MS),
        note: format!(
            "lower is better; {rate:.0} activations/s arrive at random for {} s (70 % of a closed loop just before), each from the time it was \
             due to its receipt without the card; median {:.0} ms; p99 of connection {:.0}, script {:.0}, receipt {:.0} ms, of each tenth of the \
             time {}; cores busy for {:.0} %: {}; bound: what is aimed at",
            length.as_secs(),
            per_mille_ms(found.centre.iter().copied(), 500),
            part(|waited| waited.connection),
            part(|waited| waited.script),
            part(|waited| waited.receipt),
            tenths.join(" "),
            cost.busy(rate),
            cost.cpu(),
        ),
    })
}
