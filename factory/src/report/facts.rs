//! The facts of a report, read from the journal page by page.

use fuda_issuance::journal::{Carton, DeliveredPart, HistoryEntry, PrintCopy, StationCount};
use fuda_issuance::{Accounts, Error, Job, Journal};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Entries about the job itself that a report lists; a job that was stopped more often is told by its journal.
const EVENTS_MAX: usize = 200;

/// What a report tells.
#[derive(Debug)]
pub(crate) struct JobFacts {
    pub(crate) job: Job,
    pub(crate) accounts: Accounts,
    /// How long each good card took, from the contact in which it was sealed, in milliseconds, ascending.
    pub(crate) times_ms: Vec<u64>,
    /// When each good card was sealed, in seconds since 1970, ascending.
    pub(crate) sealed_s: Vec<i64>,
    /// Rejected chips by (class, code, step).
    pub(crate) rejects: BTreeMap<(String, String, String), u64>,
    pub(crate) live_keys: u64,
    pub(crate) stations: Vec<StationCount>,
    pub(crate) parts: Vec<DeliveredPart>,
    pub(crate) cartons: Vec<Carton>,
    pub(crate) prints: Vec<PrintCopy>,
    /// What happened to the job as a whole.
    pub(crate) events: Vec<HistoryEntry>,
    pub(crate) events_more: u64,
}

impl JobFacts {
    /// Reads the facts of a job whose journal is as it was written.
    ///
    /// # Errors
    /// [`Error::ChainBroken`]; [`Error::Accounts`]; [`Error::Store`].
    pub(crate) fn read(journal: &Journal) -> Result<Self, Error> {
        journal.check_chain()?;
        let rejects = journal.rejects()?;
        let mut facts = Self {
            job: journal.job().clone(),
            accounts: journal.accounts()?,
            times_ms: Vec::new(),
            sealed_s: Vec::new(),
            rejects: BTreeMap::new(),
            live_keys: rejects.iter().map(|chip| chip.live_keys.unsigned_abs()).sum(),
            stations: journal.stations()?,
            parts: journal.parts()?,
            cartons: journal.cartons()?,
            prints: journal.print_copies()?,
            events: Vec::new(),
            events_more: 0,
        };
        for chip in rejects {
            *facts.rejects.entry((chip.class, chip.code, chip.step)).or_default() += 1;
        }
        facts.follow(journal)?;
        facts.times_ms.sort_unstable();
        facts.sealed_s.sort_unstable();
        Ok(facts)
    }

    /// Follows every card from contact to seal.
    fn follow(&mut self, journal: &Journal) -> Result<(), Error> {
        let (mut in_hand, mut after) = (HashMap::new(), 0);
        loop {
            let page = journal.history(after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.seq;
            for entry in page {
                self.take(entry, &mut in_hand)?;
            }
        }
    }

    fn take(&mut self, entry: HistoryEntry, in_hand: &mut HashMap<String, Timestamp>) -> Result<(), Error> {
        if entry.kdd.is_empty() {
            if self.events.len() < EVENTS_MAX {
                self.events.push(entry);
            } else {
                self.events_more += 1;
            }
            return Ok(());
        }
        let unreadable = |_| Error::StoreContent { what: format!("time `{}`", entry.at) };
        match entry.event.as_str() {
            "bind" | "resume" => {
                in_hand.insert(entry.kdd, entry.at.parse().map_err(unreadable)?);
            }
            "seal" => {
                let sealed: Timestamp = entry.at.parse().map_err(unreadable)?;
                self.sealed_s.push(sealed.as_second());
                if let Some(begun) = in_hand.remove(&entry.kdd) {
                    // A clock that was set back in between tells no time.
                    self.times_ms.extend(u64::try_from(sealed.as_millisecond() - begun.as_millisecond()));
                }
            }
            "reject" => {
                in_hand.remove(&entry.kdd);
            }
            _ => {}
        }
        Ok(())
    }
}
