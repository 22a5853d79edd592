//! How long jobs and orders wait for what comes next: `[issuer] life` of `fuda.toml`.

use fuda_cli::Failure;
use fuda_cli::config::{Config, Life};
use jiff::SignedDuration;
use toml::Spanned;

/// Hours that a job waits which has nothing at a terminal, unless `fuda.toml` says otherwise: the person came no further than the first
/// message, and the next contact makes another one.
const JOB_HOURS: i64 = 24;
/// Days that an order waits for its fee: a bank transfer takes a week, a reminder another one.
const UNPAID_DAYS: i64 = 30;
/// Longest job: older ones are of no use to anybody.
const JOB_HOURS_MAX: i64 = 24 * 30;
/// Longest order, in days.
const DAYS_MAX: i64 = 3_660;

/// The lives of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lives {
    /// Of a job that has nothing at a terminal. Never shorter than an hour, which is far beyond the life of a script.
    pub job: SignedDuration,
    /// Of an order whose fee is not confirmed.
    pub unpaid: SignedDuration,
    /// Of an order that is paid and never used; `None`: it stays, because it is somebody's money.
    pub unused: Option<SignedDuration>,
}

impl Lives {
    /// Reads them.
    ///
    /// # Errors
    /// `INPUT_INVALID` with the place in `fuda.toml`.
    pub fn read(config: &Config) -> Result<Self, Failure> {
        let life = config.issuer.as_ref().map(|issuer| issuer.life.clone()).unwrap_or_default();
        let Life { job_hours, unpaid_days, unused_days } = life;
        let within = |given: Option<&Spanned<i64>>, max: i64, unit: &str| match given {
            Some(given) if !(1..=max).contains(given.get_ref()) => Err(Failure::input(
                &config.source,
                given.span().start,
                "this is no such life",
                format!("write 1 to {max} {unit}"),
            )),
            given => Ok(given.map(|given| *given.get_ref())),
        };
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        Ok(Self {
            job: SignedDuration::from_hours(within(job_hours.as_ref(), JOB_HOURS_MAX, "hours")?.unwrap_or(JOB_HOURS)),
            unpaid: days(within(unpaid_days.as_ref(), DAYS_MAX, "days")?.unwrap_or(UNPAID_DAYS)),
            unused: within(unused_days.as_ref(), DAYS_MAX, "days")?.map(days),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuda_cli::config;
    use std::path::Path;

    fn lives(text: &str) -> Result<Lives, Failure> {
        let head = "[site]\nname=\"t\"\nmode=\"test\"\n[hsm]\nmodule=\"m\"\nprovider=\"softhsm\"\ntoken={label=\"t\"}\npin={file=\"p\"}\n[store]\nurl=\"sqlite:x\"\n";
        let source = fuda_cli::Source::new("fuda.toml", format!("{head}[issuer]\n{text}\n"));
        Lives::read(&config::parse(&source, Path::new("."))?)
    }

    #[test]
    fn what_is_paid_stays_unless_the_site_says_otherwise() {
        let (day, hour) = (SignedDuration::from_hours(24), SignedDuration::from_hours(1));
        assert_eq!(lives("").unwrap(), Lives { job: day, unpaid: day * 30, unused: None });
        let given = lives("life = { job_hours = 2, unpaid_days = 7, unused_days = 365 }").unwrap();
        assert_eq!(given, Lives { job: hour * 2, unpaid: day * 7, unused: Some(day * 365) });
    }

    #[test]
    fn a_life_that_is_none_is_named_with_its_place() {
        for text in ["life = { job_hours = 0 }", "life = { unpaid_days = -1 }", "life = { unused_days = 99999 }"] {
            let failure = lives(text).unwrap_err();
            assert!(failure.place.starts_with("fuda.toml:12:"), "{failure}");
        }
        assert!(lives("life = { jobs = 1 }").is_err());
    }
}
