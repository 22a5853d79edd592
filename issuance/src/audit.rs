//! Cards in hand held against the journal: opened with their own keys, everything read back, nothing written.

use crate::error::Error;
use crate::issuer::{Begun, CardFailure};
use crate::journal::{IssuedCard, Journal, Sent};
use crate::key_plan::KeyPlan;
use crate::transport::Wire;
use crate::walk::{Purpose, Route, Watch, walk};
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Plan, Stage};
use fuda_card::script::Standing;
use fuda_card::transport::{Transport, TransportCode};
use fuda_kms::Hsm;
use std::fmt;
use std::sync::Arc;

/// Re-opens sealed cards of one job.
pub struct CardAuditor {
    journal: Journal,
    hsm: Hsm,
    plan: Arc<Plan>,
}

/// A card that is as the journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Its row in the journal.
    pub card: IssuedCard,
    /// Commands sent to it.
    pub commands: u32,
}

impl CardAuditor {
    /// An auditor that walks `plan` over each card.
    #[must_use]
    pub fn new(journal: Journal, hsm: Hsm, plan: Plan) -> Self {
        Self { journal, hsm, plan: Arc::new(plan) }
    }

    /// Audits one card.
    ///
    /// # Errors
    /// [`CardFailure`]: the card is not sealed in this job, holds other keys, or differs in a file.
    pub fn audit<T: Transport<Error: TransportCode>>(&self, transport: &mut T) -> Result<Audited, CardFailure> {
        let mut wire = Wire::new(transport);
        let mut look = Look { journal: &self.journal, kdd: None, card: None };
        let (standing, purpose) = (Standing::Begun, Purpose::Audit);
        let route = Route { plan: Arc::clone(&self.plan), from: 0, standing, purpose, sets: None };
        let walked = walk(&mut wire, &self.hsm, &route, &mut look);
        let found = walked.and_then(|_| look.card.ok_or(Error::EmptyPlan));
        match found {
            Ok(card) => Ok(Audited { card, commands: wire.commands() }),
            Err(error) => {
                Err(CardFailure { kdd: look.kdd, standing: Begun::No, sent: Sent::Nothing, error: Box::new(error) })
            }
        }
    }
}

impl fmt::Debug for CardAuditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardAuditor(job {})", self.journal.job().order.id)
    }
}

/// What one audit has seen.
struct Look<'a> {
    journal: &'a Journal,
    kdd: Option<Kdd>,
    card: Option<IssuedCard>,
}

impl Watch for Look<'_> {
    fn keys(&mut self, kdd: Kdd) -> Result<KeyPlan<'_>, Error> {
        self.kdd = Some(kdd);
        KeyPlan::recorded(self.journal, kdd)
    }

    fn proved(&mut self, kdd: Kdd) -> Result<(), Error> {
        if self.card.is_none() {
            let card = self.journal.find_issued(&kdd.to_string())?;
            self.card = Some(card.ok_or_else(|| Error::NotIssued { kdd, job: self.journal.job().order.id.clone() })?);
        }
        Ok(())
    }

    fn stage_done(&mut self, _: Stage) -> Result<(), Error> {
        Ok(())
    }
}
