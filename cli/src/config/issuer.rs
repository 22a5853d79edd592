//! `[issuer]` of `fuda.toml`: what the service centre listens on, whom it believes, and what it sells.

use serde::Deserialize;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// `[issuer]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// HOST:PORT to listen on when `serve` names none.
    pub listen: Option<String>,
    /// Certificate and key; without them the centre speaks plain HTTP, which is for development alone.
    pub tls: Option<Tls>,
    /// Most connections from one address at a time, of IPv6 from one /64 [default: 128, and no limit on this machine]. A proxy elsewhere has one address
    /// for everybody behind it: then give what the proxy may have.
    pub connections_per_address: Option<NonZeroU16>,
    /// Public receipt keys of the lines whose deliveries are taken in, PEM.
    #[serde(default)]
    pub receipt_keys: Vec<PathBuf>,
    /// Bearer keys of the member page's server, one a file of mode 0600; all of them are valid.
    #[serde(default)]
    pub api_keys: Vec<PathBuf>,
    /// Secrets of the payment provider's webhook, one a file of mode 0600; all of them are valid, so that one can follow another.
    #[serde(default)]
    pub webhook_secrets: Vec<PathBuf>,
    /// Bearer keys of retailers' servers, which tell of sales and may do nothing else.
    #[serde(default)]
    pub till_keys: Vec<PathBuf>,
    /// Whether a card can only be claimed once a till has told that it was sold.
    #[serde(default)]
    pub require_sale: bool,
    /// Fields of a member that can be looked for by their whole value.
    #[serde(default)]
    pub indexed: Vec<String>,
    /// List of erased members, which a restored database is held against [default: erasures.list beside this file].
    pub erasures: Option<PathBuf>,
    /// How long jobs and orders wait.
    #[serde(default)]
    pub life: Life,
    /// What members join.
    #[serde(default, rename = "service")]
    pub services: Vec<Service>,
}

/// `life = { job_hours = 24, unpaid_days = 30, unused_days = 365 }`: after it, what nobody went on with expires.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Life {
    /// Of a job that has nothing at a terminal.
    pub job_hours: Option<Spanned<i64>>,
    /// Of an order whose fee is not confirmed.
    pub unpaid_days: Option<Spanned<i64>>,
    /// Of an order that is paid and was never used; without it, such an order stays.
    pub unused_days: Option<Spanned<i64>>,
}

/// `tls = { cert = "…", key = "…" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// `[[issuer.service]]`: an application that members join for a fee.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What orders call it.
    pub name: Spanned<String>,
    /// The application on the card.
    pub application: Spanned<String>,
    /// The fee in the currency's smallest unit.
    pub fee: Spanned<i64>,
    /// ISO 4217.
    pub currency: Spanned<String>,
    /// Member numbers.
    pub numbers: Numbers,
    /// Months from joining to expiry; the month in which it ends counts to its last day.
    pub months: Spanned<i64>,
}

/// `numbers = { first = "…", last = "…", check = "luhn" }`: without the check digit, which follows them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// The first.
    pub first: Spanned<String>,
    /// The last.
    pub last: Spanned<String>,
    /// `luhn` or `none`.
    pub check: Spanned<String>,
}

/// The list of erased members when nothing else is named.
const ERASURES: &str = "erasures.list";

impl Issuer {
    /// Makes relative paths count from `folder`.
    pub(super) fn settle(&mut self, folder: &Path) {
        let lists = [&mut self.receipt_keys, &mut self.api_keys, &mut self.till_keys, &mut self.webhook_secrets];
        for path in lists.into_iter().flatten() {
            *path = folder.join(&path);
        }
        if let Some(tls) = &mut self.tls {
            tls.cert = folder.join(&tls.cert);
            tls.key = folder.join(&tls.key);
        }
        self.erasures = Some(folder.join(self.erasures.take().unwrap_or_else(|| ERASURES.into())));
    }
}
