//! One request and one answer of HTTP/1.1 over a loopback connection (RFC 9112): what the member page's server and the payment provider say.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::fail::{Exit, Failure};
use crate::json::{self, Value};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// The centre's answers here are short.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;

/// A server on this machine.
#[derive(Debug)]
pub(super) struct Server {
    /// HOST:PORT.
    pub(super) address: String,
}

impl Server {
    /// Sends a JSON body and reads the JSON that comes back; any status but 2xx is a failure.
    ///
    /// # Errors
    /// When the server is away, refuses, or does not answer with JSON.
    pub(super) fn call(&self, method: &str, path: &str, header: (&str, &str), body: &str) -> Result<Value, Failure> {
        let (name, value) = header;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{name}: {value}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let answer = self.exchange(&request).map_err(|error| self.failed(method, path, &error.to_string()))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        if !status.starts_with('2') {
            return Err(self.failed(method, path, &format!("HTTP {status}: {body}")));
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        json::parse(body).map_err(|error| self.failed(method, path, &format!("no JSON: {error}")))
    }

    fn exchange(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn failed(&self, method: &str, path: &str, what: &str) -> Failure {
        let remedy = "read serve.err in the demo's folder log/";
        Failure::new("CENTRE_REFUSES", Exit::Bug, format!("{method} {path}: {what}"), remedy).at(self.address.clone())
    }
}
