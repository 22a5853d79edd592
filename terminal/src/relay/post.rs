//! The same messages by HTTPS, one POST each: for networks that let no WebSocket through.

use super::address::Centre;
use super::fault::{LinkFault, tls};
use super::trust::Trust;
use fuda_card::cardscript::limits::MESSAGE_BYTES_MAX;
use std::time::{Duration, Instant};
use ureq::{Agent, Error, Proxy};

/// What is posted and what is answered.
const MEDIA_TYPE: &str = "application/json";
/// For name, connection and TLS.
const CONNECT: Duration = Duration::from_secs(8);
/// Header lines of an answer.
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Statuses of a centre that cannot just now, or of a gateway that does not reach it.
const PASSING: [u16; 6] = [408, 425, 429, 502, 503, 504];

/// A client that keeps its connection.
#[derive(Debug)]
pub(super) struct Post {
    agent: Agent,
    address: String,
}

impl Post {
    pub(super) fn new(centre: &Centre, trust: &Trust) -> Self {
        // The proxy of the place (HTTPS_PROXY, NO_PROXY) sees that we talk to the centre, and no more.
        let proxy = if centre.is_here() { None } else { Proxy::try_from_env() };
        let config = Agent::config_builder()
            .tls_config(trust.for_post())
            .http_status_as_error(false)
            // An order's token goes nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADER_BYTES_MAX)
            .timeout_connect(Some(CONNECT))
            .proxy(proxy)
            .build();
        Self { agent: config.new_agent(), address: centre.post() }
    }

    /// Sends a message and waits for its answer. An answer with the status of a failure counts when it has a body: the centre's reasons are there.
    pub(super) fn exchange(&self, text: &str, until: Instant) -> Result<Vec<u8>, LinkFault> {
        let left = until.saturating_duration_since(Instant::now());
        let request = self.agent.post(&self.address).content_type(MEDIA_TYPE).header("accept", MEDIA_TYPE);
        let request = request.config().timeout_global(Some(left)).build();
        let mut response = request.send(text).map_err(|error| fault(&error))?;
        let status = response.status().as_u16();
        let is_ours = response.body().mime_type() == Some(MEDIA_TYPE);
        let limit = u64::try_from(MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
        if (200..300).contains(&status) || (status >= 400 && is_ours) {
            return response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| fault(&error));
        }
        let said = format!("HTTP {status}");
        Err(if PASSING.contains(&status) || status == 500 { LinkFault::Lost(said) } else { LinkFault::Foreign(said) })
    }
}

fn fault(error: &Error) -> LinkFault {
    if let Some(rustls::Error::InvalidCertificate(what)) = tls(error) {
        return LinkFault::Certificate(what.to_string());
    }
    match error {
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            LinkFault::Unreachable(error.to_string())
        }
        Error::Io(error) => LinkFault::of_io(error),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) | Error::InvalidProxyUrl => {
            LinkFault::Unreachable(error.to_string())
        }
        Error::Timeout(_) | Error::BodyStalled => LinkFault::Lost("no answer in time".to_owned()),
        Error::Rustls(error) => LinkFault::Lost(format!("TLS: {error}")),
        Error::BodyExceedsLimit(_) => LinkFault::Breach(format!("more than {MESSAGE_BYTES_MAX} bytes")),
        error => LinkFault::Breach(error.to_string()),
    }
}
