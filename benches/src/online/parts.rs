//! The parts of an activation, each measured alone: what HSM, TLS, card and engine cost when nothing else is there.

use super::load::TERMINALS;
use super::node::trust;
use super::shop::{self, Sale};
use super::terminal::{Carrier, is_written, opening, play};
use crate::cpu;
use crate::doing::{Doing, failed};
use crate::rounds::number;
use crate::site::Site;
use fuda_cli::Failure;
use fuda_kms::{CardChallenge, CardRequest, CardStep, Hsm, HsmConfig, KeyName, KeyVersion, Registry};
use fuda_online_issuer::engine::{Engine, Intake};
use fuda_store::Store;
use rustix::time::{ClockId, clock_gettime};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConnection, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Callers of the workers: more than there are workers, so that none waits for one.
const CALLERS: usize = 8;
/// Bytes of the four messages of an activation, to the centre and from it, as they are: `open`, `script`, `result`, `done`.
const MESSAGES_BYTES: [usize; 4] = [256, 3_300, 1_300, 700];

/// What each part costs.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    /// Activations a second that the workers give when they are asked for nothing but what activations ask.
    pub hsm_rate: f64,
    /// Their CPU seconds for one.
    pub hsm_s: f64,
    /// CPU seconds of both sides of TLS.
    pub tls_s: f64,
    /// CPU seconds of the card, and of the terminal that reads and writes its messages.
    pub card_s: f64,
    /// CPU seconds of engine and store, without network and HSM.
    pub engine_s: f64,
}

impl Alone {
    /// Measures each for a time; the engine with these cards.
    ///
    /// # Errors
    /// When one of them fails.
    pub fn measure(site: &Site, length: Duration, sales: Vec<Sale>) -> Result<Self, Failure> {
        let config = shop::config(site)?;
        let store = Store::open(&config.store.url).doing("open the database")?;
        let registry = Registry::open(store.clone());
        let hsm = Hsm::start(&HsmConfig::from_file(&config)?, &registry)?;
        let (hsm_rate, hsm_s) = hsm_alone(&hsm, &registry, length)?;
        let tls_s = tls_alone(site, length)?;
        let engine = Engine::new(store, hsm, &config, "bench".to_owned());
        let (engine_s, card_s) = engine_alone(&engine, sales)?;
        Ok(Self { hsm_rate, hsm_s, tls_s, card_s, engine_s })
    }

    /// CPU seconds of all of them.
    #[must_use]
    pub fn total_s(&self) -> f64 {
        self.hsm_s + self.tls_s + self.card_s + self.engine_s
    }
}

/// Activations a second and CPU seconds of the workers for one: the session keys, the member's fields, what is bound to the job sealed, the
/// receipt.
fn hsm_alone(hsm: &Hsm, registry: &Registry, length: Duration) -> Result<(f64, f64), Failure> {
    let newest = |name: &str| -> Result<KeyVersion, Failure> {
        let name: KeyName = name.parse().doing("name a key")?;
        Ok(registry.active(&name)?.version)
    };
    let (ticket, vault, receipt) = (newest("ap/ticket")?, newest("vault")?, newest("receipt")?);
    let data_key = hsm.new_data_key(&vault)?;
    let sealed = hsm.seal(&vault, &data_key, b"member", &[0x20; 40])?;
    let df_name = vec![0xF0, 0x46, 0x55, 0x44, 0x41, 0x01];
    let done = AtomicU64::new(0);
    let (before, since) = (workers_s()?, Instant::now());
    let caller = || {
        while since.elapsed() < length {
            let [.., a, b] = done.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            let challenge = CardChallenge::Predicted { counter: 3, df_name: df_name.clone() };
            let step = CardStep::OpenSession { key: ticket.clone(), host_challenge: [b; 8], challenge };
            let kdd = [0, 0, 0, 0, 0, 0, 0, 0, a, b];
            hsm.card(CardRequest { epoch: hsm.epoch()?, kdd, steps: vec![step] })?;
            hsm.open(&vault, &data_key, b"member", &sealed)?;
            hsm.seal(&vault, &data_key, b"contents", &[0x20; 400])?;
            hsm.sign(&receipt, &[b; 32])?;
        }
        Ok::<_, Failure>(())
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().try_for_each(|c| c.join().unwrap_or_else(|_| Err(failed("panic".to_owned()))))
    })?;
    let done = number(done.into_inner());
    Ok((done / since.elapsed().as_secs_f64(), (workers_s()? - before) / done))
}

/// CPU seconds of this process's workers.
fn workers_s() -> Result<f64, Failure> {
    cpu::of_children_s(std::process::id())
}

/// CPU seconds of a handshake and four messages, both sides, without a network.
fn tls_alone(site: &Site, length: Duration) -> Result<f64, Failure> {
    let certificate = shop::certificate(site)?;
    let chain = vec![CertificateDer::from_pem_file(&certificate).doing("read the certificate")?];
    let key = PrivateKeyDer::from_pem_file(site.path("centre.key")).doing("read its key")?;
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .doing("set TLS up")?;
    let mut server = server.with_no_client_auth().with_single_cert(chain, key).doing("set TLS up")?;
    server.send_tls13_tickets = 0;
    let (server, client) = (Arc::new(server), trust(&certificate)?);
    let (mut rounds, since, before) = (0, Instant::now(), cpu::own());
    while since.elapsed() < length / 2 {
        let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
        let mut client = ClientConnection::new(Arc::clone(&client), name).doing("begin TLS")?;
        let mut server = ServerConnection::new(Arc::clone(&server)).doing("begin TLS")?;
        while client.is_handshaking() || server.is_handshaking() {
            carry(&mut client, &mut server)?;
            carry(&mut server, &mut client)?;
        }
        for (place, bytes) in MESSAGES_BYTES.into_iter().enumerate() {
            let mut message = vec![0x20; bytes];
            if place % 2 == 0 {
                client.writer().write_all(&message).doing("write")?;
                carry(&mut client, &mut server)?;
                server.reader().read_exact(&mut message).doing("read")?;
            } else {
                server.writer().write_all(&message).doing("write")?;
                carry(&mut server, &mut client)?;
                client.reader().read_exact(&mut message).doing("read")?;
            }
        }
        rounds += 1;
    }
    Ok((cpu::own() - before).as_secs_f64() / number(rounds))
}

/// Carries what one side wants to write to the other.
fn carry<A, B>(from: &mut rustls::ConnectionCommon<A>, to: &mut rustls::ConnectionCommon<B>) -> Result<(), Failure>
where
    A: rustls::SideData,
    B: rustls::SideData,
{
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).doing("write TLS")?;
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        to.read_tls(&mut wire).doing("read TLS")?;
        to.process_new_packets().doing("read TLS")?;
    }
    Ok(())
}

/// CPU seconds of engine and store for an activation, and of the card; as many at once as there are terminals.
fn engine_alone(engine: &Engine, sales: Vec<Sale>) -> Result<(f64, f64), Failure> {
    let count = number(u64::try_from(sales.len()).unwrap_or_default());
    let (queue, cards) = (Arc::new(Mutex::new(sales.into_iter())), Arc::new(AtomicU64::new(0)));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().doing("make a runtime")?;
    let before = cpu::own();
    let ended = runtime.block_on(async {
        let mut terminals = tokio::task::JoinSet::new();
        for _ in 0..TERMINALS {
            let (engine, queue, cards) = (engine.clone(), Arc::clone(&queue), Arc::clone(&cards));
            terminals.spawn(async move {
                loop {
                    let sale = queue.lock().ok().and_then(|mut queue| queue.next());
                    let Some(sale) = sale else { return Ok::<_, Failure>(()) };
                    activate(&engine, sale, &cards).await?;
                }
            });
        }
        while let Some(ended) = terminals.join_next().await {
            ended.doing("wait for a terminal")??;
        }
        Ok::<_, Failure>(())
    });
    ended?;
    let all_s = (cpu::own() - before).as_secs_f64();
    let cards_s = Duration::from_nanos(cards.load(Ordering::Relaxed)).as_secs_f64();
    Ok(((all_s - cards_s) / count, cards_s / count))
}

async fn activate(engine: &Engine, sale: Sale, cards: &AtomicU64) -> Result<(), Failure> {
    let Sale { token, mut card, .. } = sale;
    let open = opening(Carrier::WebSocket, token)?;
    let answer = engine.answer(open.as_bytes(), Intake::Open).await;
    let began = thread_ns();
    let result = play(&answer.body, &mut card)?;
    cards.fetch_add(thread_ns().saturating_sub(began), Ordering::Relaxed);
    let answer = engine.answer(result.as_bytes(), Intake::Open).await;
    is_written(&answer.body)
}

/// CPU time of this thread in nanoseconds.
fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let duration = Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default());
    u64::try_from(duration.as_nanos()).unwrap_or_default()
}
