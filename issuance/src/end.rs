//! The end of a voided chip: TERMINATE under R-MAC, so that it carries no live key and its serial may go to another chip.

use crate::contact::{self, Contact};
use crate::error::Error;
use crate::issuer::CardIssuer;
use crate::journal::{Journal, Rework, Station};
use crate::key_plan::KeyPlan;
use crate::transport::Wire;
use crate::walk::{Purpose, Route, Watch, walk};
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Plan, Stage, System};
use fuda_card::script::Standing;
use fuda_card::transport::{Transport, TransportCode};
use std::sync::Arc;

/// What became of a chip that was to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It said under R-MAC that it is terminated.
    Terminated,
    /// It is left as it is: it may come back, carries no key of ours, or is of a kind that cannot be ended.
    Left,
}

impl CardIssuer {
    /// Ends a chip of the reject bin that may carry live keys, when it stays there.
    ///
    /// # Errors
    /// What the chip, the HSM or the store said; the chip stays in the bin as it was recorded.
    pub fn end<T: Transport<Error: TransportCode>>(
        &self,
        transport: &mut T,
        kdd: Kdd,
        station: &Station,
    ) -> Result<Ended, Error> {
        let journal = self.journal();
        let root = self.plan().root();
        if self.rework() == Rework::Allowed || root.system != System::Files || !journal.is_live_reject(kdd)? {
            return Ok(Ended::Left);
        }
        let mut wire = Wire::new(transport);
        let Contact::Stands(evidence) = contact::read(&mut wire, root)? else { return Ok(Ended::Left) };
        let Some(plan) = Plan::end(&evidence.key_sets) else { return Ok(Ended::Left) };
        let (standing, purpose) = (Standing::Begun, Purpose::Issue);
        let route = Route { plan: Arc::new(plan), from: 0, standing, purpose, sets: None };
        walk(&mut wire, self.hsm(), &route, &mut Executor { journal, kdd })?;
        journal.terminated(kdd, station)?;
        Ok(Ended::Terminated)
    }
}

/// Ends one chip and no other.
struct Executor<'a> {
    journal: &'a Journal,
    kdd: Kdd,
}

impl Watch for Executor<'_> {
    fn keys(&mut self, kdd: Kdd) -> Result<KeyPlan<'_>, Error> {
        KeyPlan::recorded(self.journal, kdd)
    }

    fn proved(&mut self, kdd: Kdd) -> Result<(), Error> {
        if kdd != self.kdd {
            return Err(Error::CardSwapped { before: self.kdd, after: kdd });
        }
        self.journal.intend_end(kdd)
    }

    fn stage_done(&mut self, _: Stage) -> Result<(), Error> {
        Ok(())
    }
}
