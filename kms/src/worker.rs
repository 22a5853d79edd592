//! The body of a worker, be it a process or a thread: does what is asked, and what a return value asks for before it gives up.

use crate::duty::Duty;
use crate::error::Error;
use crate::health::KeyHealth;
use crate::message::{CardAnswer, CardRequest, CardStep, Epoch};
use crate::metrics::Counters;
use crate::metrics::Tally;
use crate::name::KeyVersion;
use crate::queue::{Queue, Taken};
use crate::rv::Class;
use crate::vault::{VaultDeed, VaultReply};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits before a call is tried again that met a token out of sessions or memory; together below a second.
const BACK_OFF_MS: [u64; 4] = [20, 60, 180, 540];

/// Longest wait of a thread for work before it looks again whether it is to end.
const IDLE: Duration = Duration::from_secs(3600);

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// Everything for one card.
    Card(CardRequest),
    /// A signature over a SHA-256 digest.
    Sign { epoch: Epoch, key: KeyVersion, digest: [u8; 32] },
    /// The public half of a signature key.
    PublicKey { epoch: Epoch, key: KeyVersion },
    /// An AES-CMAC.
    Mac { epoch: Epoch, key: KeyVersion, data: Vec<u8> },
    /// A data key, or something sealed or opened by one.
    Vault { epoch: Epoch, key: KeyVersion, deed: VaultDeed },
    /// Whether the token and every usable key are as they must be.
    Health { epoch: Epoch },
    /// One after the other, until one fails.
    Several(Vec<Task>),
}

impl Task {
    /// Works by this epoch, unless the caller knows a newer one.
    pub(crate) fn raise(&mut self, newest: Epoch) {
        match self {
            Self::Card(CardRequest { epoch, .. })
            | Self::Sign { epoch, .. }
            | Self::PublicKey { epoch, .. }
            | Self::Mac { epoch, .. }
            | Self::Vault { epoch, .. }
            | Self::Health { epoch } => *epoch = newest.max(*epoch),
            Self::Several(tasks) => tasks.iter_mut().for_each(|task| task.raise(newest)),
        }
    }

    /// Objects that are made for it when all goes well: a set of three for every version that it names, a data key.
    pub(crate) fn derivations(&self) -> u64 {
        let request = match self {
            Self::Card(request) => request,
            Self::Vault { .. } => return 1,
            Self::Sign { .. } | Self::PublicKey { .. } | Self::Mac { .. } | Self::Health { .. } => return 0,
            Self::Several(tasks) => return tasks.iter().map(Self::derivations).sum(),
        };
        let mut versions = BTreeSet::new();
        for step in &request.steps {
            match step {
                CardStep::OpenSession { key, .. } => versions.extend([key]),
                CardStep::WrapKeySet { new, under } => versions.extend([new, under]),
                CardStep::WrapSealedSet { set, under } => versions.extend([&set.of, under]),
            }
        }
        3 * u64::try_from(versions.len()).unwrap_or(u64::MAX / 3)
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Reply {
    /// To [`Task::Card`].
    Card(CardAnswer),
    /// To [`Task::Sign`]: r ‖ s.
    Signature([u8; 64]),
    /// To [`Task::PublicKey`].
    PublicKey(p256::PublicKey),
    /// To [`Task::Mac`].
    Mac([u8; 16]),
    /// To [`Task::Vault`].
    Vault(VaultReply),
    /// To [`Task::Health`]: every usable key, and what is wrong with it.
    Health(Vec<KeyHealth>),
    /// To [`Task::Several`], in their order.
    Several(Vec<Reply>),
}

impl Reply {
    /// PKCS#11 calls made for cards.
    fn calls(&self) -> u32 {
        match self {
            Self::Card(answer) => answer.calls,
            Self::Several(replies) => replies.iter().map(Self::calls).sum(),
            Self::Signature(_) | Self::PublicKey(_) | Self::Mac(_) | Self::Vault(_) | Self::Health(_) => 0,
        }
    }
}

/// What shall become of a worker after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum After {
    /// It goes on.
    GoOn,
    /// It works on a copy of the token that is older than the registry: a fresh worker takes its place soon, and at once when a key was
    /// not found in the copy.
    Renew,
    /// Its library or its session cannot be brought back: a fresh worker takes its place now, and the request with it.
    Replace,
}

/// A piece of work, done.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) outcome: Result<Reply, Error>,
    pub(crate) tally: Tally,
    pub(crate) after: After,
}

/// Does a piece of work, and whatever its return values ask for.
pub(crate) fn perform(duty: &mut Duty, task: &Task) -> Done {
    let mut tally = Tally::default();
    let (outcome, reopened) = persist(duty, task, &mut tally);
    tally.calls = outcome.as_ref().map_or(0, Reply::calls);
    let after = match (duty.is_stale(), reopened) {
        (true, _) => After::Renew,
        (false, Reopened::InVain) => After::Replace,
        (false, _) => After::GoOn,
    };
    Done { outcome, tally, after }
}

/// Serves as a thread, until the queue is closed and empty.
pub(crate) fn serve(mut duty: Duty, queue: &Queue, counters: &Counters) {
    loop {
        let job = match queue.take(IDLE) {
            Taken::Job(job) => job,
            Taken::Nothing => continue,
            Taken::Closed => return,
        };
        let taken = Instant::now();
        let done = perform(&mut duty, &job.task);
        // Counted first: a caller that has its answer finds it counted.
        counters.done(&done, taken - job.since, taken.elapsed());
        job.answer(done.outcome);
    }
}

fn once(duty: &mut Duty, task: &Task) -> Result<Reply, Error> {
    match task {
        Task::Card(request) => duty.card(request).map(Reply::Card),
        Task::Sign { epoch, key, digest } => duty.sign(*epoch, key, digest).map(Reply::Signature),
        Task::PublicKey { epoch, key } => duty.public_key(*epoch, key).map(Reply::PublicKey),
        Task::Mac { epoch, key, data } => duty.mac(*epoch, key, data).map(Reply::Mac),
        Task::Vault { epoch, key, deed } => duty.vault(*epoch, key, deed).map(Reply::Vault),
        Task::Health { epoch } => duty.health(*epoch).map(Reply::Health),
        Task::Several(tasks) => tasks.iter().map(|task| once(duty, task)).collect::<Result<_, _>>().map(Reply::Several),
    }
}

/// Whether the session was opened anew, and with what success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reopened {
    No,
    Yes,
    InVain,
}

/// Tries work again as far as its return value's class allows (`rv.rs`).
fn persist(duty: &mut Duty, task: &Task, tally: &mut Tally) -> (Result<Reply, Error>, Reopened) {
    let mut pauses = BACK_OFF_MS.into_iter();
    let mut reopened = Reopened::No;
    let mut stumbled = false;
    loop {
        let error = match once(duty, task) {
            Ok(done) => return (Ok(done), reopened),
            Err(error) => error,
        };
        tally.value(&error);
        let again = match error.class() {
            Class::ReopenOnce => reopened == Reopened::No,
            // A failed call says little: when the token still gives the known answer, the call is made once more and nothing is reset.
            Class::Reset => match duty.test() {
                Ok(()) if !stumbled => {
                    stumbled = true;
                    tally.retries += 1;
                    continue;
                }
                Ok(()) => false,
                Err(_) => reopened == Reopened::No,
            },
            Class::BackOff => match pauses.next() {
                Some(pause) => {
                    sleep(Duration::from_millis(pause));
                    tally.retries += 1;
                    continue;
                }
                None => false,
            },
            Class::Fine | Class::NeverRetry | Class::Configuration | Class::Other => false,
        };
        if !again {
            return (Err(error), reopened);
        }
        tracing::warn!(%error, "HSM session is opened anew");
        tally.retries += 1;
        if let Err(error) = duty.reopen() {
            tally.value(&error);
            return (Err(error), Reopened::InVain);
        }
        reopened = Reopened::Yes;
    }
}
