//! What members join: an application on the card, its fee, its member numbers and how long it lasts. From `[[issuer.service]]`.

use super::MemberError;
use fuda_card::check_digit::luhn;
use fuda_card::key_name::ApplicationName;
use fuda_cli::Failure;
use fuda_cli::config::{self, Config};
use jiff::ToSpan;
use jiff::civil::Date;
use toml::Spanned;

/// Longest member number without its check digit: it is counted in 64 bits.
const DIGITS_MAX: usize = 18;
/// Longest membership, in months.
const MONTHS_MAX: i64 = 1200;

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// What orders call it.
    pub name: String,
    /// The application.
    pub application: ApplicationName,
    /// The fee in the currency's smallest unit.
    pub fee: i64,
    /// ISO 4217.
    pub currency: String,
    numbers: Numbers,
    months: i64,
}

/// A range of member numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    first: i64,
    last: i64,
    digits: usize,
    check: CheckDigit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CheckDigit {
    Luhn,
    None,
}

impl Service {
    /// The first number without its check digit.
    pub(super) const fn first_number(&self) -> i64 {
        self.numbers.first
    }

    /// A number with its check digit; `None` beyond the range.
    #[must_use]
    pub fn number(&self, plain: i64) -> Option<String> {
        let Numbers { first, last, digits, check } = self.numbers;
        if !(first..=last).contains(&plain) {
            return None;
        }
        let mut text = format!("{plain:0digits$}");
        if check == CheckDigit::Luhn {
            text.push(luhn(&text)?);
        }
        Some(text)
    }

    /// The last day of a membership that begins on a day: the end of the month so many months later.
    #[must_use]
    pub fn expiry(&self, joined: Date) -> Option<Date> {
        joined.checked_add(self.months.months()).ok().map(Date::last_of_month)
    }

    fn read(config: &Config, raw: &config::Service) -> Result<Self, Failure> {
        let wrong = |span: std::ops::Range<usize>, what: &str, remedy: &str| {
            Failure::input(&config.source, span.start, what, remedy)
        };
        let name = raw.name.get_ref().clone();
        if name.is_empty() || name.len() > 32 || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(wrong(raw.name.span(), "this is no name of a service", "write 1 to 32 of a-z, 0-9 and -"));
        }
        let application = raw.application.get_ref().parse().map_err(|_| {
            wrong(raw.application.span(), "this is no name of an application", "write it as the product's profile does")
        })?;
        if *raw.fee.get_ref() <= 0 {
            return Err(wrong(raw.fee.span(), "the fee is not above 0", "write it in the currency's smallest unit"));
        }
        let currency = raw.currency.get_ref().clone();
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(wrong(
                raw.currency.span(),
                "this is no currency",
                "write three letters as ISO 4217 has them: JPY",
            ));
        }
        let months = *raw.months.get_ref();
        if !(1..=MONTHS_MAX).contains(&months) {
            return Err(wrong(raw.months.span(), "the membership has no such length", "write 1 to 1200 months"));
        }
        let (first, digits) = plain_number(&raw.numbers.first).ok_or_else(|| {
            wrong(raw.numbers.first.span(), "this is no member number", "write 1 to 18 digits, without the check digit")
        })?;
        let last = plain_number(&raw.numbers.last).filter(|(last, length)| *last >= first && *length == digits);
        let (last, _) = last.ok_or_else(|| {
            wrong(
                raw.numbers.last.span(),
                "the range does not end there",
                "write as many digits as the first has, and not a lower number",
            )
        })?;
        let check = match raw.numbers.check.get_ref().as_str() {
            "luhn" => CheckDigit::Luhn,
            "none" => CheckDigit::None,
            _ => return Err(wrong(raw.numbers.check.span(), "this is no check digit", "write \"luhn\" or \"none\"")),
        };
        let numbers = Numbers { first, last, digits, check };
        Ok(Self { name, application, fee: *raw.fee.get_ref(), currency, numbers, months })
    }
}

fn plain_number(raw: &Spanned<String>) -> Option<(i64, usize)> {
    let text = raw.get_ref();
    let fits = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok().map(|number| (number, text.len()))).flatten()
}

/// The services of a site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services(Vec<Service>);

impl Services {
    /// Reads them.
    ///
    /// # Errors
    /// `INPUT_INVALID` with the place in `fuda.toml`.
    pub fn read(config: &Config) -> Result<Self, Failure> {
        let raw = config.issuer.iter().flat_map(|issuer| &issuer.services);
        let mut services: Vec<Service> = Vec::new();
        for raw in raw {
            let service = Service::read(config, raw)?;
            if services.iter().any(|other| other.name == service.name) {
                return Err(Failure::input(
                    &config.source,
                    raw.name.span().start,
                    "a second service has this name",
                    "give it another one",
                ));
            }
            services.push(service);
        }
        Ok(Self(services))
    }

    /// The service of a name.
    ///
    /// # Errors
    /// [`MemberError::NoService`].
    pub fn named(&self, name: &str) -> Result<&Service, MemberError> {
        let found = self.0.iter().find(|service| service.name == name);
        found.ok_or_else(|| MemberError::NoService { service: name.chars().take(32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn services(text: &str) -> Result<Services, Failure> {
        let head = "[site]\nname=\"t\"\nmode=\"test\"\n[hsm]\nmodule=\"m\"\nprovider=\"softhsm\"\ntoken={label=\"t\"}\npin={file=\"p\"}\n[store]\nurl=\"sqlite:x\"\n";
        let source = fuda_cli::Source::new("fuda.toml", format!("{head}[issuer]\n{text}"));
        Services::read(&config::parse(&source, Path::new("."))?)
    }

    const TICKET: &str = "[[issuer.service]]\nname=\"ticket\"\napplication=\"ticket\"\nfee=1000\ncurrency=\"JPY\"\n\
                          numbers={first=\"00001\",last=\"00003\",check=\"luhn\"}\nmonths=24\n";

    #[test]
    fn numbers_keep_their_zeros_and_end_with_a_check_digit() {
        let services = services(TICKET).unwrap();
        let service = services.named("ticket").unwrap();
        assert_eq!(service.number(1).as_deref(), Some("000018"));
        assert_eq!((service.number(0), service.number(4)), (None, None));
    }

    #[test]
    fn a_membership_ends_with_a_month() {
        let services = services(TICKET).unwrap();
        let service = services.named("ticket").unwrap();
        let expiry = |y, m, d| service.expiry(Date::new(y, m, d).unwrap()).unwrap().to_string();
        assert_eq!(expiry(2026, 2, 14), "2028-02-29");
        assert_eq!(expiry(2026, 12, 31), "2028-12-31");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (from, to, line) in [
            ("name=\"ticket\"", "name=\"Ticket\"", 13),
            ("fee=1000", "fee=0", 15),
            ("JPY", "yen", 16),
            ("last=\"00003\"", "last=\"3\"", 17),
            ("check=\"luhn\"", "check=\"sum\"", 17),
            ("months=24", "months=0", 18),
        ] {
            let failure = services(&TICKET.replacen(from, to, 1)).unwrap_err();
            assert!(failure.place.starts_with(&format!("fuda.toml:{line}:")), "{failure}");
        }
        assert!(services(&format!("{TICKET}{TICKET}")).is_err());
    }
}
