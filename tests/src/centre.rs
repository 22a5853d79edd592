//! A service centre whose every answer a test decides: TLS on a port of 127.0.0.1, WebSocket or POST, whole or broken.

use crate::Site;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tungstenite::handshake::server::{Request, Response};
use tungstenite::{Message, WebSocket, accept_hdr};

/// What a peer that hangs is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// A request's head, and its body, are short here.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// One connection, encrypted.
pub type Tls = StreamOwned<ServerConnection, TcpStream>;

/// A centre that is listening.
#[derive(Debug)]
pub struct ScriptedCentre {
    /// `https://127.0.0.1:PORT`.
    pub url: String,
    /// The certificate that it shows, to be trusted.
    pub ca: PathBuf,
    connections: Arc<AtomicUsize>,
    heard: Arc<Mutex<Vec<Value>>>,
}

/// A certificate for names such as `IP:127.0.0.1`, made by openssl in a folder of the site; `None` without openssl.
#[must_use]
pub fn certificate(site: &Site, name: &str, alternatives: &str) -> Option<(PathBuf, PathBuf)> {
    let path = |kind: &str| site.path(&format!("{name}.{kind}"));
    let text = format!(
        "[req]\ndistinguished_name = dn\nx509_extensions = v3\nprompt = no\n[dn]\nCN = {name}\n\
         [v3]\nbasicConstraints = critical,CA:FALSE\nsubjectAltName = {alternatives}\n"
    );
    std::fs::write(path("conf"), text).unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-config",
        ])
        .arg(path("conf"))
        .arg("-keyout")
        .arg(path("key"))
        .arg("-out")
        .arg(path("pem"))
        .stderr(Stdio::null())
        .status();
    made.is_ok_and(|status| status.success()).then(|| (path("pem"), path("key")))
}

/// A certificate for 127.0.0.1 whose time is over; `None` without openssl.
#[must_use]
pub fn expired_certificate(site: &Site) -> Option<(PathBuf, PathBuf)> {
    let (_, key) = certificate(site, "expired", "IP:127.0.0.1")?;
    let run = |arguments: &[&str]| {
        let status =
            Command::new("openssl").args(arguments).current_dir(key.parent().unwrap()).stderr(Stdio::null()).status();
        assert!(status.unwrap().success(), "openssl {arguments:?}");
    };
    // `openssl req` makes none that has ended; `openssl ca` does.
    site.write(
        "ca.conf",
        "[ca]\ndefault_ca = own\n[own]\ndatabase = ca.index\nserial = ca.serial\nnew_certs_dir = .\ndefault_md = sha256\npolicy = any\n\
         x509_extensions = v3\n[any]\ncommonName = supplied\n[v3]\nbasicConstraints = critical,CA:FALSE\nsubjectAltName = IP:127.0.0.1\n",
    );
    site.write("ca.index", "");
    site.write("ca.serial", "01\n");
    run(&["req", "-new", "-key", "expired.key", "-subj", "/CN=expired", "-out", "expired.csr"]);
    run(&[
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        "ca.conf",
        "-keyfile",
        "expired.key",
        "-in",
        "expired.csr",
        "-notext",
        "-out",
        "expired.pem",
        "-startdate",
        "20240101000000Z",
        "-enddate",
        "20250101000000Z",
    ]);
    Some((site.path("expired.pem"), key))
}

impl ScriptedCentre {
    /// Listens. Each connection is given to `serve` with its number, from 0; what `serve` notes by [`Heard::note`] is kept.
    #[must_use]
    pub fn start(certificate: &(PathBuf, PathBuf), serve: impl Fn(usize, Tls, &Heard) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let config = Arc::new(server_config(&certificate.0, &certificate.1));
        let (connections, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, kept, serve) = (Arc::clone(&connections), Heard(Arc::clone(&heard)), Arc::new(serve));
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = count.fetch_add(1, Ordering::SeqCst);
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let tls = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
                let (serve, kept) = (Arc::clone(&serve), kept.clone());
                thread::spawn(move || serve(number, tls, &kept));
            }
        });
        Self { url, ca: certificate.0.clone(), connections, heard }
    }

    /// Connections so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The messages that were noted, in the order in which they came.
    #[must_use]
    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where messages are noted.
#[derive(Debug, Clone)]
pub struct Heard(Arc<Mutex<Vec<Value>>>);

impl Heard {
    /// Reads a message and keeps it.
    #[must_use]
    pub fn note(&self, text: &str) -> Value {
        let message: Value = serde_json::from_str(text).unwrap();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        message
    }
}

fn server_config(certificate: &Path, key: &Path) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// Agrees to a WebSocket; `None` for a peer that goes away before.
#[must_use]
#[expect(clippy::result_large_err, reason = "the library's callback has this type")]
pub fn upgrade(tls: Tls) -> Option<WebSocket<Tls>> {
    let agree = |request: &Request, mut response: Response| {
        let asked = request.headers().get("sec-websocket-protocol").cloned();
        if let Some(name) = asked {
            response.headers_mut().insert("sec-websocket-protocol", name);
        }
        Ok(response)
    };
    accept_hdr(tls, agree).ok()
}

/// The next message of a terminal on a WebSocket; `None` when there is no more.
#[must_use]
pub fn receive(socket: &mut WebSocket<Tls>) -> Option<String> {
    loop {
        match socket.read().ok()? {
            Message::Text(text) => return Some(text.as_str().to_owned()),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// Answers every message on a WebSocket with what `answer` says.
pub fn converse(tls: Tls, heard: &Heard, answer: impl Fn(&Value) -> Value) {
    let Some(mut socket) = upgrade(tls) else { return };
    while let Some(text) = receive(&mut socket) {
        let answer = answer(&heard.note(&text));
        if socket.send(Message::text(answer.to_string())).is_err() {
            return;
        }
    }
}

/// Answers every request of an HTTP connection: `answer` has the request line and the body, and says status and body.
pub fn requests(mut tls: Tls, answer: impl Fn(&str, &str) -> (u16, String)) {
    while let Some((line, body)) = request(&mut tls) {
        let (status, body) = answer(&line, &body);
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nlocation: https://127.0.0.1:9/\r\ncontent-length: {length}\r\n\r\n"
        );
        if tls.write_all(head.as_bytes()).and_then(|()| tls.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

fn request(tls: &mut Tls) -> Option<(String, String)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        tls.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
        assert!(head.len() <= HEAD_BYTES_MAX);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    tls.read_exact(&mut body).ok()?;
    Some((head.lines().next()?.to_owned(), String::from_utf8(body).unwrap()))
}

/// A script as the answer to a message.
#[must_use]
pub fn script(to: &Value, id: u8, steps: &Value) -> Value {
    json!({
        "type": "script", "sid": to["sid"], "seq": to["seq"], "id": format!("{id:016X}"),
        "expires": "2999-01-01T00:00:00Z", "budget_ms": 10_000, "steps": steps,
    })
}

/// The end of a session as the answer to a message.
#[must_use]
pub fn done(to: &Value) -> Value {
    json!({
        "type": "done", "sid": to["sid"], "seq": to["seq"], "outcome": "written", "text": "The card is ready.",
        "receipt": { "body": "{\"order\":\"T\"}", "key": "receipt@1", "signature": "00".repeat(64) },
    })
}

/// A refusal as the answer to a message.
#[must_use]
pub fn error(to: &Value, code: &str, who: &str, retriable: Retriable) -> Value {
    json!({
        "type": "error", "sid": to["sid"], "seq": to["seq"], "code": code, "who": who,
        "retriable": retriable == Retriable::Yes, "text": "It is so.", "trace": "T-1",
    })
}

/// Whether a new session may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retriable {
    /// It may.
    Yes,
    /// It would end the same way.
    No,
}
