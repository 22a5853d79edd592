//! A node of the centre, as an operator starts it, and what can be seen of it from outside: its counters, its CPU time, its memory.

use super::shop;
use crate::doing::{Doing, failed};
use crate::site::Site;
use crate::{cpu, memory};
use fuda_cli::Failure;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A node that is serving.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// Kept open: what the node says at its end must have somewhere to go.
    _said: BufReader<ChildStdout>,
    /// How terminals come to it.
    pub way: Way,
}

/// A way to a centre.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where terminals connect.
    pub address: SocketAddr,
    /// How they trust it.
    pub trust: Arc<ClientConfig>,
}

/// Counters of a node that grow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Commits of its store.
    pub commits: f64,
    /// Transactions in them.
    pub jobs: f64,
    /// Requests to its HSM.
    pub requests: f64,
    /// CPU seconds of the node itself.
    pub node_s: f64,
    /// CPU seconds of its HSM workers.
    pub workers_s: f64,
}

impl Node {
    /// Starts a node in a site that sells.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn start(site: &Site) -> Result<Self, Failure> {
        let certificate = shop::certificate(site)?;
        let mut command = shop::centre(site, "fuda-issuer")?;
        command.args(["serve", "--listen", "127.0.0.1:0", "--quiet"]).stdout(Stdio::piped());
        let mut child = command.spawn().doing("start the centre")?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no pipe").doing("hear the centre")?);
        let mut line = String::new();
        said.read_line(&mut line).doing("hear the centre")?;
        let address = line.trim().strip_prefix("listening on https://").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            // An error means that it is gone already.
            let _ = child.kill();
            return Err(failed(format!("the centre said `{line}` and does not listen")));
        };
        let trust = trust(&certificate)?;
        Ok(Self { child, _said: said, way: Way { address, trust } })
    }

    /// What it has counted so far.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn counts(&self) -> Result<Counts, Failure> {
        let text = super::terminal::get(&self.way, "/metrics")?;
        let counter = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
            line.ok_or_else(|| failed(format!("the centre does not count {name}")))
        };
        Ok(Counts {
            commits: counter("fuda_store_commits_total")?,
            jobs: counter("fuda_store_jobs_total")?,
            requests: counter("fuda_hsm_requests_total")?,
            node_s: cpu::of_process_s(self.child.id())?,
            workers_s: cpu::of_children_s(self.child.id())?,
        })
    }

    /// Memory that it has now, in bytes (proc(5): VmRSS).
    ///
    /// # Errors
    /// When it is gone.
    pub fn memory_bytes(&self) -> Result<f64, Failure> {
        memory::now_bytes(self.child.id()).ok_or_else(|| failed("the centre is gone".to_owned()))
    }
}

/// How terminals trust a certificate: TLS 1.3, no resumption.
///
/// # Errors
/// When it is none.
pub fn trust(certificate: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(certificate).doing("read the certificate")?;
    roots.add(root).doing("trust the certificate")?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .doing("set TLS up")?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

impl Counts {
    /// Of each of so many.
    #[must_use]
    pub fn each(self, count: f64) -> Self {
        Self {
            commits: self.commits / count,
            jobs: self.jobs / count,
            requests: self.requests / count,
            node_s: self.node_s / count,
            workers_s: self.workers_s / count,
        }
    }

    /// What was added since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            commits: self.commits - before.commits,
            jobs: self.jobs - before.jobs,
            requests: self.requests - before.requests,
            node_s: self.node_s - before.node_s,
            workers_s: self.workers_s - before.workers_s,
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // It finishes what it holds; one that does not is killed.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        for _ in 0..100 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
