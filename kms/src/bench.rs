//! How many cards a second the HSM gives: through the workers, and bare (one session, no queue, no threads) as the bound to compare with.

use crate::duty::{Duty, NewestEpoch};
use crate::error::Error;
use crate::hsm::Hsm;
use crate::login::{Login, TokenConfig};
use crate::message::{CardChallenge, CardRequest, CardStep};
use crate::name::{KeyName, KeyVersion};
use crate::registry::Registry;
use crate::state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Applications of the card that is measured: those of the profile `membership-4ap`.
const APPLICATIONS_MAX: usize = 4;

/// A measurement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Cards computed.
    pub cards: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// PKCS#11 functions called for each card.
    pub calls_per_card: u32,
}

impl Rate {
    /// Cards a second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count of cards is far below 2^52")]
    pub fn cards_per_second(&self) -> f64 {
        self.cards as f64 / self.seconds
    }
}

/// Both stages of a new card, with the keys that issue now: a session with each set and the set that comes next, up to four applications.
///
/// # Errors
/// [`Error::NoActiveVersion`] without `initial`, `transport` and `issuer`; what the registry gives.
pub fn whole_card(registry: &Registry) -> Result<CardRequest, Error> {
    let active = |name| registry.active(&name).map(|record| record.version);
    let (initial, transport, issuer) =
        (active(KeyName::Initial)?, active(KeyName::Transport)?, active(KeyName::Issuer)?);
    let snapshot = registry.snapshot()?;
    let issuing = snapshot.versions.into_iter().filter(|record| record.state == State::Active);
    let applications = issuing.filter(|record| matches!(record.version.name, KeyName::Ap(_))).take(APPLICATIONS_MAX);
    let open =
        |key: &KeyVersion, challenge| CardStep::OpenSession { key: key.clone(), host_challenge: [0; 8], challenge };
    let first = || CardChallenge::Predicted { counter: 1, df_name: vec![0xA0, 0, 0, 1, 0x51, 0, 0, 0] };
    let wrap = |new: &KeyVersion, under: &KeyVersion| CardStep::WrapKeySet { new: new.clone(), under: under.clone() };
    let mut steps = vec![open(&initial, CardChallenge::Answered([0; 8])), wrap(&transport, &initial)];
    steps.extend([open(&transport, first()), wrap(&issuer, &transport), open(&issuer, first())]);
    for application in applications {
        steps.extend([wrap(&application.version, &issuer), open(&application.version, first())]);
    }
    Ok(CardRequest { epoch: snapshot.epoch, kdd: [0; 10], steps })
}

/// One session, no queue, no threads.
///
/// # Errors
/// As [`Hsm::start`] and [`Hsm::card`].
pub fn bare(config: &TokenConfig, registry: &Registry, length: Duration) -> Result<Rate, Error> {
    let login = Arc::new(Login::new(config)?);
    let mut duty = Duty::start(login, registry.clone(), Arc::new(NewestEpoch::default()))?;
    let mut request = whole_card(registry)?;
    let (since, mut cards, mut calls_per_card) = (Instant::now(), 0, 0);
    while since.elapsed() < length {
        request.kdd = chip(cards);
        calls_per_card = duty.card(&request)?.calls;
        cards += 1;
    }
    Ok(Rate { cards, seconds: since.elapsed().as_secs_f64(), calls_per_card })
}

/// Through the workers, with two callers for each so that none waits for a caller.
///
/// # Errors
/// As [`Hsm::card`].
pub fn pooled(hsm: &Hsm, workers: u16, registry: &Registry, length: Duration) -> Result<Rate, Error> {
    let request = whole_card(registry)?;
    let (since, cards) = (Instant::now(), AtomicU64::new(0));
    let caller = || {
        let mut calls = 0;
        while since.elapsed() < length {
            let kdd = chip(cards.fetch_add(1, Ordering::Relaxed));
            calls = hsm.card(CardRequest { kdd, epoch: hsm.epoch()?, ..request.clone() })?.calls;
        }
        Ok::<_, Error>(calls)
    };
    let mut calls_per_card = 0;
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..2 * workers).map(|_| scope.spawn(caller)).collect();
        for caller in callers {
            calls_per_card = caller.join().unwrap_or(Err(Error::NoWorker))?;
        }
        Ok::<_, Error>(())
    })?;
    Ok(Rate { cards: cards.into_inner(), seconds: since.elapsed().as_secs_f64(), calls_per_card })
}

/// Another chip for every card, as on the line.
fn chip(number: u64) -> [u8; 10] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [0xBE, 0xBE, a, b, c, d, e, f, g, h]
}
