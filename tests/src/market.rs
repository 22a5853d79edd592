//! The commercial side of a site: the centre's section of `fuda.toml`, its commands, its nodes, and the servers of others that talk to them
//! (member page, payment provider), which share no code with it.

use crate::program::{Ended, binary};
use crate::running::{Running, until};
use crate::site::Site;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the member page's server shows.
const API_KEY: &str = "key-of-the-member-page";
/// What the payment provider signs with.
pub const WEBHOOK_SECRET: &str = "secret-of-the-payment-provider";
/// No answer takes longer, even when many tests share two cores.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// The centre's section: one service for the application `ticket`.
const SECTION: &str = "[issuer]\nreceipt_keys = [\"line.pem\"]\napi_keys = [\"api.key\"]\nwebhook_secrets = [\"webhook.secret\"]\n\
                       indexed = [\"email\"]\n[[issuer.service]]\nname = \"ticket\"\napplication = \"ticket\"\nfee = 1000\ncurrency = \"JPY\"\n\
                       numbers = { first = \"88010000000\", last = \"88010000009\", check = \"luhn\" }\nmonths = 24\n";

impl Site {
    /// Adds the centre's section, keys and secrets. The line whose deliveries are believed is named by [`Site::trust`].
    pub fn open_market(&self) {
        let toml = std::fs::read_to_string(self.path("fuda.toml")).unwrap();
        self.write("fuda.toml", &format!("{toml}{SECTION}"));
        self.write_secret("api.key", API_KEY);
        self.write_secret("webhook.secret", WEBHOOK_SECRET);
    }

    /// Writes a file that its owner alone can read.
    pub fn write_secret(&self, name: &str, text: &str) {
        self.write(name, text);
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Believes the line that made a delivery.
    pub fn trust(&self, delivery: &crate::Delivery) {
        std::fs::copy(delivery.folder.join("receipt.pem"), self.path("line.pem")).unwrap();
    }

    /// Makes cards of `membership-1ap`, delivers them and takes them into stock.
    #[must_use]
    pub fn stocked(&self, cards: u32) -> crate::Delivery {
        self.open_market();
        self.make(&crate::Order::small(cards), 1);
        let delivery = self.deliver("T-1", "out");
        self.trust(&delivery);
        let _ = self.issuer(&["stock", "import", delivery.folder.to_str().unwrap()]).done();
        delivery
    }

    /// Runs `fuda-issuer … --json`.
    #[must_use]
    pub fn issuer(&self, arguments: &[&str]) -> Ended {
        self.start(&binary("fuda-issuer"), &[arguments, &["--json", "--no-input"]].concat()).wait()
    }

    /// The same with something on standard input.
    #[must_use]
    pub fn issuer_reads(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(&binary("fuda-issuer"), &[arguments, &["--json", "--no-input"]].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let command = format!("fuda-issuer {}", arguments.join(" "));
        Ended { command, status: out.status, stdout: text(out.stdout), stderr: text(out.stderr) }
    }

    /// Starts a node of the centre.
    #[must_use]
    pub fn node(&self, more: &[&str]) -> Node {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "-v"];
        let running = self.start(&binary("fuda-issuer"), &[&arguments, more].concat());
        let mut node = Node { running, url: String::new(), address: String::new() };
        until("the node listens", || {
            assert!(!node.running.has_ended(), "the node ended: {}", node.running.complained());
            let printed = node.running.printed();
            let url = printed.lines().find_map(|line| line.strip_prefix("listening on "));
            url.inspect(|url| (*url).clone_into(&mut node.url)).is_some()
        });
        node.address = node.url.split("://").nth(1).unwrap().to_owned();
        node
    }

    /// Shows a certificate from now on: nodes that are started without `--dev` speak TLS.
    pub fn encrypt(&self, certificate: &(PathBuf, PathBuf)) {
        let (cert, key) = (certificate.0.display(), certificate.1.display());
        let toml = std::fs::read_to_string(self.path("fuda.toml")).unwrap();
        let without: String =
            toml.lines().filter(|line| !line.starts_with("tls = ")).map(|line| format!("{line}\n")).collect();
        self.write("fuda.toml", &without);
        self.edit("fuda.toml", "[issuer]\n", &format!("[issuer]\ntls = {{ cert = '{cert}', key = '{key}' }}\n"));
    }
}

/// A node of the centre.
#[derive(Debug)]
pub struct Node {
    /// The process.
    pub running: Running,
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// HOST:PORT.
    pub address: String,
}

/// What a node answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null when it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The body; the request must have succeeded.
    #[must_use]
    pub fn done(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// The request must have failed with this status and code.
    pub fn fails(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["error"]["code"].as_str()), (status, Some(code)), "{self:?}");
    }
}

impl Node {
    /// A request with any headers.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(ANSWER_MAX)).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: centre\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        // A body that is too long is refused before all of it was read; the answer counts, not how the connection ends.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    /// A request of the member page's server.
    #[must_use]
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {API_KEY}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.request(method, path, &[("Authorization", &bearer)], &body)
    }

    /// A new member with a name in half-width katakana.
    #[must_use]
    pub fn join(&self) -> String {
        self.join_as("ﾔﾏﾀﾞ ﾊﾅｺ")
    }

    /// A new member of another name.
    #[must_use]
    pub fn join_as(&self, name_kana: &str) -> String {
        let body = json!({ "locale": "ja", "fields": { "name_kana": name_kana, "email": "hanako@example.com" } });
        self.api("POST", "/v1/members", &body).done()["member"].as_str().unwrap().to_owned()
    }

    /// A new order of a member: its number and token.
    #[must_use]
    pub fn order(&self, member: &str) -> (String, String) {
        let order = self.api("POST", "/v1/orders", &json!({ "member": member, "service": "ticket" })).done();
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        (text("order"), text("token"))
    }

    /// Claims a card by its numbers, which a node in development takes.
    #[must_use]
    pub fn claim(&self, order: &str, card: &crate::delivery::Row) -> Answer {
        let body = json!({ "serial": card["serial"], "printed": card["printed"] });
        self.api("POST", &format!("/v1/orders/{order}/claim"), &body)
    }

    /// Says what the payment provider says.
    #[must_use]
    pub fn pay(&self, event: &str, kind: &str, order: &str, amount: i64) -> Answer {
        let body = json!({ "id": event, "type": kind, "order": order, "amount": amount, "currency": "JPY", "payer": "ignored" }).to_string();
        self.webhook(&signature(WEBHOOK_SECRET, now(), &body), &body)
    }

    /// Says it with a signature of the caller's.
    #[must_use]
    pub fn webhook(&self, signature: &str, body: &str) -> Answer {
        self.request("POST", "/v1/payments/webhook", &[("Fuda-Signature", signature)], body)
    }

    /// State of an order's entitlement.
    #[must_use]
    pub fn state(&self, order: &str) -> String {
        let order = self.api("GET", &format!("/v1/orders/{order}"), &Value::Null).done();
        order["state"].as_str().unwrap().to_owned()
    }

    /// Waits until the entitlement of an order is in a state.
    pub fn until_state(&self, order: &str, state: &str) {
        until(&format!("order {order} is {state}"), || self.state(order) == state);
    }

    /// A member whose order has claimed a card and is paid: the order's number and token.
    #[must_use]
    pub fn sold(&self, card: &crate::delivery::Row) -> (String, String) {
        let (order, token) = self.bought(&self.join(), card);
        self.until_state(&order, "granted");
        (order, token)
    }

    /// An order of a member who has claimed a card and paid, which the centre need not have noticed yet: its number and token.
    #[must_use]
    pub fn bought(&self, member: &str, card: &crate::delivery::Row) -> (String, String) {
        let (order, token) = self.order(member);
        let _ = self.claim(&order, card).done();
        let _ = self.pay_fee(&order).done();
        (order, token)
    }

    /// Says that the fee of an order is paid: the same event each time.
    #[must_use]
    pub fn pay_fee(&self, order: &str) -> Answer {
        self.pay(&format!("pay-{order}"), "paid", order, 1000)
    }
}

/// The present second.
#[must_use]
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The header of a webhook: HMAC (RFC 2104) with SHA-256 over time and body.
#[must_use]
pub fn signature(secret: &str, time: i64, body: &str) -> String {
    let pad = |mask: u8| {
        let mut key = [mask; 64];
        key.iter_mut().zip(secret.bytes()).for_each(|(byte, secret)| *byte ^= secret);
        key
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(format!("{time}.{body}")).finalize();
    let mac = Sha256::new().chain_update(pad(0x5C)).chain_update(inner).finalize();
    format!("t={time},v1={}", hex::encode(mac))
}
