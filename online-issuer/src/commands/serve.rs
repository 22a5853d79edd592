//! `serve`: a node of the centre, from its checks to its orderly end.

use crate::api::{Api, ClaimRule};
use crate::engine::Engine;
use crate::engine::node::Node;
use crate::link::{Carrier, Link, Listening, PerAddress, PhaseSwitch, serve as serve_link};
use crate::site::Site;
use fuda_cli::config::{Config, Issuer, Mode};
use fuda_cli::{Exit, Failure, Globals, output};
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use tokio::signal::unix::{SignalKind, signal};

/// Where a node listens when nothing says it.
const LISTEN: &str = "127.0.0.1:8443";

/// Whether the centre may do what is for development alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// It may: plain HTTP on loopback.
    Development,
    /// TLS, always.
    Service,
}

/// Serves until SIGTERM or SIGINT, finishes what is held, and ends.
///
/// # Errors
/// Exit 4 where the configuration forbids it, 5 for a certificate or an address that cannot be used, 7, 8, 10.
pub fn serve(globals: &Globals, listen: Option<&str>, road: Road) -> Result<Exit, Failure> {
    let site = Site::open_for_many(globals)?;
    let issuer = site.config.issuer.as_ref();
    let listen = listen.or_else(|| issuer.and_then(|issuer| issuer.listen.as_deref())).unwrap_or(LISTEN);
    let address: SocketAddr = listen.parse().map_err(|_| {
        Failure::new("LISTEN_ADDRESS", Exit::Usage, format!("`{listen}` is no address to listen on"))
            .remedy("give ADDRESS:PORT, such as 0.0.0.0:8443 or [::]:8443")
    })?;
    let carrier = carrier(&site.config, issuer, address, road)?;
    let per_address = issuer.and_then(|issuer| issuer.connections_per_address);
    let per_address = per_address.map_or(PerAddress::Default, |most| PerAddress::Most(usize::from(most.get())));
    let hsm = site.start_hsm()?;
    let phase = PhaseSwitch::default();
    let name = node_name(&site.config.site.name)?;
    let engine = Engine::new(site.store.clone(), hsm.clone(), &site.config, name.clone());
    let rule = if road == Road::Development { ClaimRule::SerialToo } else { ClaimRule::CodeOnly };
    let api = Api::new(&site.config, &site.store, &hsm, rule)?;
    let link = Link::new(engine, site.store.clone(), hsm, phase.clone());
    let runtime = tokio::runtime::Runtime::new().map_err(|error| system(&error))?;
    runtime.block_on(async {
        let listening = Listening::on(address, carrier).await.map_err(|error| {
            Failure::new("LISTEN", Exit::Network, format!("{address}: {error}"))
                .remedy("choose a free port with --listen")
        })?;
        let url = listening.url().map_err(|error| system(&error))?;
        let node = Node::begin(site.store.clone(), name, url.clone()).await?;
        // A supervisor, and a person, read where it is before anything is served.
        output::line(&format!("listening on {url}"));
        stop_on_signals(phase.clone()).map_err(|error| system(&error))?;
        let settling = tokio::spawn(api.fulfilment().clone().run());
        let (told, switch) = (node.clone(), phase.clone());
        let living = tokio::spawn(async move {
            told.until_drained().await;
            switch.drain();
        });
        serve_link(listening, per_address, phase, link.router().merge(api.router())).await;
        settling.abort();
        living.abort();
        node.end().await?;
        Ok::<_, Failure>(())
    })?;
    output::line("stopped: everything that was held is finished");
    if globals.json {
        output::json(&json!({ "stopped": true }));
    }
    Ok(Exit::Done)
}

/// A name that no other node has had: site, process and chance.
fn node_name(site: &str) -> Result<String, Failure> {
    let mut chance = [0; 4];
    getrandom::fill(&mut chance).map_err(|error| system(&io::Error::other(error.to_string())))?;
    Ok(format!("{site}-{}-{}", std::process::id(), hex::encode(chance)))
}

/// What carries HTTP: TLS, or plain TCP where that is for development and stays on the machine.
fn carrier(config: &Config, issuer: Option<&Issuer>, address: SocketAddr, road: Road) -> Result<Carrier, Failure> {
    if road == Road::Development && config.site.mode == Mode::Production {
        return Err(Failure::new("POLICY", Exit::Refused, "a production site has no --dev")
            .remedy("serve without it, with [issuer] tls"));
    }
    if let Some(tls) = issuer.and_then(|issuer| issuer.tls.as_ref()) {
        return Carrier::tls(&tls.cert, &tls.key).map_err(|error| {
            Failure::new("TLS_INVALID", Exit::Input, error.to_string())
                .remedy("give PEM files of a certificate chain and its key")
        });
    }
    // A certificate made for the occasion would only teach people to wave certificates through; on loopback there is no line to listen on.
    if road == Road::Development && address.ip().is_loopback() {
        return Ok(Carrier::Plain);
    }
    let what = "the centre has no certificate";
    Err(Failure::new("TLS_MISSING", Exit::Refused, what)
        .remedy("name one under [issuer] tls = { cert, key } in fuda.toml; for development: --dev on 127.0.0.1"))
}

/// SIGTERM and SIGINT end the taking of sessions; a second one ends the process.
fn stop_on_signals(phase: PhaseSwitch) -> io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        for last in [false, true] {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if last {
                std::process::exit(i32::from(Exit::Stopped.number()));
            }
            output::note("stopping: no new sessions; what is held is finished");
            phase.drain();
        }
    });
    Ok(())
}

/// The report of an error of the operating system.
fn system(error: &io::Error) -> Failure {
    Failure::new("SYSTEM", Exit::Network, error.to_string())
        .remedy("look at the limits of the process and of the machine")
}
