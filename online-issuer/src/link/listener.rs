//! Accepting connections: places, TLS, limits of HTTP, and an end that loses no answer.

use super::gate::{Gate, PerAddress, Place};
use super::phase::DRAIN_MAX;
use super::{Carrier, PhaseSwitch};
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// Time for the TLS handshake.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Time for the head of a request, and between two requests of one connection.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Bytes of a request's head; the least that hyper takes.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Lines of a request's head.
const HEADERS_MAX: usize = 40;
/// Pause when the system has no descriptor for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// A socket that takes connections.
#[derive(Debug)]
pub struct Listening {
    socket: TcpListener,
    carrier: Carrier,
}

impl Listening {
    /// Listens on an address.
    ///
    /// # Errors
    /// What the system says of it.
    pub async fn on(address: SocketAddr, carrier: Carrier) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(address).await?, carrier })
    }

    /// Where terminals find it.
    ///
    /// # Errors
    /// What the system says of it.
    pub fn url(&self) -> io::Result<String> {
        Ok(format!("{}://{}", self.carrier.scheme(), self.socket.local_addr()?))
    }
}

/// Serves until the node drains and what it holds is finished, or `DRAIN_MAX` is over.
pub async fn serve(listening: Listening, per_address: PerAddress, phase: PhaseSwitch, router: Router) {
    let Listening { socket, carrier } = listening;
    let gate = Gate::new(per_address);
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = phase.draining() => break,
        };
        match accepted {
            Ok((stream, peer)) => match gate.enter(peer.ip()) {
                Ok(place) => {
                    let asked = Asked { router: TowerToHyperService::new(router.clone()), place: Arc::new(place) };
                    tokio::spawn(connection(stream, carrier.clone(), asked, phase.clone()));
                }
                // It is closed before TLS: there is nobody yet to be told anything.
                Err(full) => tracing::warn!(code = full.code(), "connection refused"),
            },
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                sleep(BREATH).await;
            }
        }
    }
    drop(socket);
    if timeout(DRAIN_MAX, gate.empty()).await.is_err() {
        tracing::warn!("connections were cut after the time to finish them");
    }
}

/// What answers the requests of a connection.
struct Asked {
    router: TowerToHyperService<Router>,
    /// With each request, because a WebSocket outlives its HTTP connection and keeps the place.
    place: Arc<Place>,
}

async fn connection(stream: TcpStream, carrier: Carrier, asked: Asked, phase: PhaseSwitch) {
    // Answers are single writes that a terminal waits for.
    let _ = stream.set_nodelay(true);
    match carrier {
        Carrier::Plain => http(stream, asked, phase).await,
        Carrier::Tls(acceptor) => match timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, asked, phase).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS session"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
    }
}

async fn http<S>(stream: S, asked: Asked, phase: PhaseSwitch)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    let Asked { router, place } = asked;
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&place));
        router.call(request)
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = phase.draining() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
