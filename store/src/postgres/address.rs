//! The address of a PostgreSQL database: read once, shown without its password, protected on the way.

use std::fmt;

use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;

use crate::location::masked;

/// What may stand after `?`. Others are refused: one that is misspelt would be ignored, and a password in it shown.
const PARAMETERS: [&str; 9] =
    ["host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey", "application_name"];

/// Where systems put the server's Unix socket: Debian and Fedora, the others.
const SOCKETS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// Stands for a host that is not named: `postgres://USER@/DATABASE` is an address to PostgreSQL's own programs, and no URL.
const NO_HOST: &str = "host.invalid";

/// Where a database is and who asks for it.
#[derive(Clone)]
pub(crate) struct Address {
    connect: AnyConnectOptions,
    shown: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// How the bytes get to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Unix socket or loopback: they stay on this machine.
    Local,
    /// Others may read and change them on the way.
    Network,
}

impl Address {
    /// Reads `postgres://[USER[:PASSWORD]@]HOST[:PORT]/DATABASE`, or `postgres:///DATABASE?host=/FOLDER/OF/THE/SOCKET`.
    ///
    /// # Errors
    /// In words, without the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let mut connect: AnyConnectOptions = with_host(url).parse().map_err(|_| "is not a URL".to_owned())?;
        let url_of = &mut connect.database_url;
        let given = |url: &AnyConnectOptions, name: &str| {
            let mut pairs = url.database_url.query_pairs();
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if let Some((name, _)) = url_of.query_pairs().find(|(name, _)| !PARAMETERS.contains(&name.as_ref())) {
            return Err(format!("does not know `{name}`; after `?` may stand {}", PARAMETERS.join(", ")));
        }
        if url_of.path().trim_matches('/').is_empty() && given(&connect, "dbname").is_none() {
            return Err("must name a database: postgres://HOST/DATABASE".to_owned());
        }
        let host = given(&connect, "host").or_else(|| connect.database_url.host_str().map(str::to_owned));
        let host = match host.filter(|host| !host.is_empty() && host != NO_HOST) {
            Some(host) => host,
            None => {
                let found = SOCKETS.iter().find(|folder| std::path::Path::new(folder).join(".s.PGSQL.5432").exists());
                let folder = found.ok_or_else(|| {
                    "names no host, and no server's socket is where systems put it: give ?host=/FOLDER".to_owned()
                })?;
                connect.database_url.query_pairs_mut().append_pair("host", folder);
                (*folder).to_owned()
            }
        };
        let mode = given(&connect, "sslmode");
        match (way(&host), mode.as_deref()) {
            (Way::Local, _) | (Way::Network, Some("verify-full")) => {}
            (Way::Network, None) => {
                connect.database_url.query_pairs_mut().append_pair("sslmode", "verify-full");
            }
            (Way::Network, Some(_)) => {
                return Err("another machine's server is spoken to with sslmode=verify-full only".to_owned());
            }
        }
        if given(&connect, "application_name").is_none() {
            connect.database_url.query_pairs_mut().append_pair("application_name", &program());
        }
        Ok(Self { connect: connect.disable_statement_logging(), shown: masked(url) })
    }

    /// For another process of ours.
    pub(crate) fn url_with_secrets(&self) -> String {
        self.connect.database_url.to_string()
    }

    /// For the driver; its `Debug` shows the password, so it goes nowhere else.
    pub(crate) fn connect_options(&self) -> AnyConnectOptions {
        self.connect.clone()
    }
}

fn with_host(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.split_once('/') {
        Some((user, path)) if user.ends_with('@') => format!("{scheme}://{user}{NO_HOST}/{path}"),
        _ => url.to_owned(),
    }
}

fn way(host: &str) -> Way {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_socket = host.starts_with('/') || host.starts_with("%2F") || host.starts_with("%2f");
    let is_loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if is_socket || is_loopback { Way::Local } else { Way::Network }
}

/// What the server's list of sessions calls us.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    path.file_name().map_or_else(|| "fuda".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(url: &str) -> String {
        Address::parse(url).unwrap().connect.database_url.query().unwrap_or_default().to_owned()
    }

    #[test]
    fn another_machine_is_spoken_to_over_verified_tls_only() {
        assert!(query("postgres://db.example/fuda").contains("sslmode=verify-full"));
        assert!(query("postgres:///fuda?host=db.example").contains("sslmode=verify-full"));
        for local in ["postgres://localhost/fuda", "postgres://127.0.0.1:5433/fuda", "postgres://[::1]/fuda"] {
            assert!(!query(local).contains("sslmode"), "{local}");
        }
        assert!(!query("postgres:///fuda?host=/run/postgresql").contains("sslmode"));
        assert!(!query("postgres://fuda@%2Frun%2Fpostgresql/fuda").contains("sslmode"));
        for weak in ["disable", "prefer", "require", "verify-ca"] {
            let refused = Address::parse(&format!("postgres://db.example/fuda?sslmode={weak}")).unwrap_err();
            assert!(refused.contains("verify-full"), "{refused}");
        }
    }

    #[test]
    fn what_would_be_ignored_or_guessed_is_refused() {
        for (url, word) in [
            ("postgres://localhost/", "database"),
            ("postgres://localhost", "database"),
            ("postgres://localhost/fuda?sslmod=disable", "sslmod"),
            ("postgres://localhost/fuda?password=x", "password"),
            ("postgres://localhost/fuda?options=-cfsync=off", "options"),
            ("postgres://local host/fuda", "URL"),
        ] {
            let refused = Address::parse(url).unwrap_err();
            assert!(refused.contains(word), "{url}: {refused}");
        }
    }

    #[test]
    fn another_process_is_led_to_the_same_place() {
        for url in ["postgres://fuda:s3cret@localhost/fuda", "postgres://fuda@/fuda?host=/run/pg&port=5433"] {
            let first = Address::parse(url).unwrap();
            let second = Address::parse(&first.url_with_secrets()).unwrap();
            assert_eq!(second.url_with_secrets(), first.url_with_secrets());
        }
    }

    #[test]
    fn it_shows_no_password() {
        let address = Address::parse("postgres://fuda:s3cret@localhost/fuda").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "postgres://fuda:***@localhost/fuda postgres://fuda:***@localhost/fuda"
        );
    }
}
