//! Whether the HSM can be worked with now: token, keys, derivation, the master of the workers' copies, the workers.

use crate::error::Error;
use crate::fault::Fault;
use crate::metrics::WorkerMetrics;
use crate::name::KeyVersion;
use fuda_cli::Exit;

/// A usable key, proved a moment ago by its check value, or what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHealth {
    /// The version.
    pub key: KeyVersion,
    /// Nothing when its check value is the registered one.
    pub fault: Option<Fault>,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: `token`, `master`, a key, `worker 1`.
    pub subject: String,
    /// Nothing when it is well.
    pub fault: Option<Fault>,
}

/// What was found, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Every finding.
    pub checks: Vec<Check>,
}

impl Health {
    /// When there is nothing but a reason why nothing can be looked at.
    #[must_use]
    pub fn without_hsm(error: &Error) -> Self {
        Self { checks: vec![check("token", Some(Fault::of(error)))] }
    }

    pub(crate) fn of(
        answer: Result<Vec<KeyHealth>, Error>,
        master: Option<Result<(), Error>>,
        workers: &[WorkerMetrics],
    ) -> Self {
        let fault = |error: &Error| Some(Fault::of(error));
        let mut checks = vec![check("token", answer.as_ref().err().and_then(fault))];
        checks.extend(master.map(|outcome| check("master", outcome.err().as_ref().and_then(fault))));
        checks.extend(answer.into_iter().flatten().map(|key| check(&key.key.to_string(), key.fault)));
        checks.extend(
            workers.iter().enumerate().map(|(at, worker)| check(&format!("worker {}", at + 1), worker.fault.clone())),
        );
        Self { checks }
    }

    /// The gravest exit code: integrity before all others, 0 when all is well.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let exits = || self.checks.iter().filter_map(|check| check.fault.as_ref()).map(Fault::exit);
        if exits().any(|exit| exit == Exit::Integrity) { Exit::Integrity } else { exits().next().unwrap_or(Exit::Done) }
    }
}

fn check(subject: &str, fault: Option<Fault>) -> Check {
    Check { subject: subject.to_owned(), fault }
}
