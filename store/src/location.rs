//! Where the store is: `sqlite:PATH` or `postgres://…`, read once.

use crate::Error;
use crate::postgres::Address;
use crate::sqlite::DatabaseFile;

/// The place of a store.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    /// A file of this machine.
    File(DatabaseFile),
    /// A database of a PostgreSQL server.
    Server(Address),
}

impl Location {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`Error::Url`], with a password in it replaced by asterisks.
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Url { url: masked(url), why: why.to_owned() };
        match url.split_once(':') {
            Some(("sqlite", path)) => DatabaseFile::at(path).map(Self::File).map_err(wrong),
            Some(("postgres" | "postgresql", _)) => Address::parse(url).map(Self::Server).map_err(|why| wrong(&why)),
            _ => Err(wrong("must begin with \"sqlite:\" or \"postgres:\"")),
        }
    }
}

/// A URL as it may be shown: a password in it, even in a URL that is otherwise wrong, is not.
pub(crate) fn masked(url: &str) -> String {
    const HIDDEN: &str = "***";
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let mut shown = match before.split_once("://").zip(before.rfind('@')) {
        Some(((scheme, rest), at)) => {
            // A password may hold `/`, `:` and `@` that nobody encoded: all up to the last `@` is hidden.
            let user = rest.split([':', '@']).next().unwrap_or_default();
            let has_password = before.get(..at).is_some_and(|text| text.len() > scheme.len() + 3 + user.len());
            let secret = if has_password { format!(":{HIDDEN}") } else { String::new() };
            format!("{scheme}://{user}{secret}{}", before.get(at..).unwrap_or_default())
        }
        None => before.to_owned(),
    };
    for (number, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = if name.contains("pass") { HIDDEN } else { value };
        shown.push_str(&format!("{}{name}={value}", if number == 0 { '?' } else { '&' }));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://fuda:s3cret@db/fuda", "postgres://fuda:***@db/fuda"),
            ("postgres://fuda:s3/cr@et@db/fuda", "postgres://fuda:***@db/fuda"),
            ("postgres://fuda@db/fuda?sslmode=require", "postgres://fuda@db/fuda?sslmode=require"),
            ("postgres:///fuda?host=/run/pg&password=s3cret", "postgres:///fuda?host=/run/pg&password=***"),
            ("postgres://db/fuda", "postgres://db/fuda"),
            ("mysql://fuda:s3cret@db/fuda", "mysql://fuda:***@db/fuda"),
            ("sqlite:/var/lib/a@b.db", "sqlite:/var/lib/a@b.db"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }

    #[test]
    fn only_two_engines_are_known_and_the_refusal_hides_the_password() {
        for wrong in ["", "factory.db", "mysql://fuda:s3cret@db/fuda", "sqlite:", "postgres://fuda:s3cret@db"] {
            let error = Location::parse(wrong).unwrap_err();
            assert_eq!((error.code(), error.exit()), ("STORE_URL", 5), "{wrong}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
