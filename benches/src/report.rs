//! The report: entries with value and bound, as a table for people and a list for programs.

use crate::rounds::Scale;
use crate::site::Site;
use crate::{hsm, journal, long, machine, many_keys, memory, online, pipeline, scp03, stages, store, vpcd};
use clap::ValueEnum;
use fuda_cli::{Failure, output};
use fuda_tests_cluster::Cluster;
use serde_json::{Value, json};

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What was measured, `hsm.softhsm.card`.
    pub name: &'static str,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The figure that cannot be passed, measured in the same run.
    pub bound: Option<f64>,
    /// What a reader must know to judge it.
    pub note: String,
}

impl Entry {
    /// value ÷ bound.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.bound.filter(|bound| *bound > 0.0).map(|bound| self.value / bound)
    }

    fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "bound": self.bound, "ratio": self.ratio() })
    }

    fn row(&self) -> String {
        let cell = |number: Option<f64>, digits| number.map_or_else(|| "-".to_owned(), |n| format!("{n:.digits$}"));
        format!(
            "{:<22} {:>10} {:<10} {:>10} {:>6}  {}",
            self.name,
            cell(Some(self.value), digits(self.value)),
            self.unit,
            cell(self.bound, self.bound.map_or(0, digits)),
            cell(self.ratio(), 2),
            self.note
        )
    }
}

/// Three digits that say something.
fn digits(value: f64) -> usize {
    match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    }
}

/// The rows that take longest, to be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    /// `rss.*`, `restart.first_card`, `deliver.cards_20000`: a hundred thousand cards
    Long,
    /// `hsm.softhsm.keys_10000`
    Keys,
    /// `online.*`: the service centre
    Online,
}

/// Entries as they come, each told at once.
#[derive(Debug)]
struct Told(Vec<Entry>);

impl Told {
    fn begin(site: &Site) -> Self {
        output::line(&machine::facts(site.folder()));
        output::line(&format!("{:<22} {:>10} {:<10} {:>10} {:>6}", "entry", "value", "unit", "bound", "ratio"));
        Self(Vec::new())
    }

    fn tell(&mut self, entry: Entry) {
        output::line(&entry.row());
        self.0.push(entry);
    }
}

impl Told {
    /// The centre, on both engines where both are.
    fn online(
        &mut self,
        site: &Site,
        scale: Scale,
        commits: f64,
        server: Option<(&Cluster, f64)>,
    ) -> Result<(), Failure> {
        let (entries, alone) = online::measure(site, scale, commits)?;
        entries.into_iter().for_each(|entry| self.tell(entry));
        if let Some((cluster, commits)) = server {
            let site = site.within("centre-postgres", &cluster.database().url())?;
            self.tell(online::measure_postgres(&site, scale, commits, &alone)?);
        }
        Ok(())
    }
}

/// Measures everything, telling each entry as it comes.
///
/// # Errors
/// What keeps a measurement from being made; a figure is never guessed.
pub fn measure(site: &Site, scale: Scale) -> Result<Vec<Entry>, Failure> {
    let unrest = machine::unrest();
    let mut told = Told::begin(site);
    let hsm = hsm::measure(site, scale)?;
    told.tell(hsm.entry());
    let other = kryoptic(site, scale)?;
    if let Some((_, hsm)) = &other {
        told.tell(hsm.entry());
    }
    let commits = store::measure(site, scale)?;
    told.tell(commits.clone());
    let postgres = match Cluster::of_the_programs() {
        Ok(cluster) => Some(cluster),
        Err(absent) => {
            output::line(&format!("nothing of PostgreSQL: {absent}"));
            None
        }
    };
    let server_commits = postgres.map(|cluster| store::measure_postgres(cluster, scale)).transpose()?;
    if let Some(commits) = &server_commits {
        told.tell(commits.clone());
    }
    let journal = journal::measure(site, scale, commits.value)?;
    told.tell(journal.entry());
    told.tell(scp03::measure(scale)?);
    let loopback = vpcd::measure(site, scale, &hsm.dialogue)?;
    told.tell(loopback.entry());
    let alone = stages::Alone::measure(scale, &hsm, &loopback, &journal)?;
    alone.entries().into_iter().for_each(|entry| told.tell(entry));
    pipeline::measure(site, scale, &hsm, &alone)?.into_iter().for_each(|entry| told.tell(entry));
    if let Some((site, hsm)) = &other {
        told.tell(pipeline::measure_kryoptic(site, scale, hsm, &alone)?);
    }
    if let Some(cluster) = postgres {
        let site = site.within("postgres", &cluster.database().url())?;
        told.tell(pipeline::measure_postgres(&site, scale, &hsm, &alone)?);
    }
    let on_server = postgres.zip(server_commits).map(|(cluster, commits)| (cluster, commits.value));
    told.online(site, scale, commits.value, on_server)?;
    if scale == Scale::Full {
        told.tell(memory::measure(site)?);
        long::measure(site)?.into_iter().for_each(|entry| told.tell(entry));
        told.tell(many_keys::measure(site, scale)?);
    }
    if let Some(words) = unrest {
        output::line(&words);
    }
    Ok(told.0)
}

/// Measures some of the rows of the full report.
///
/// # Errors
/// As [`measure`].
pub fn measure_only(site: &Site, rows: Rows, scale: Scale) -> Result<Vec<Entry>, Failure> {
    let mut told = Told::begin(site);
    match rows {
        Rows::Long => {
            told.tell(memory::measure(site)?);
            long::measure(site)?.into_iter().for_each(|entry| told.tell(entry));
        }
        Rows::Online => {
            let commits = store::measure(site, scale)?;
            told.tell(commits.clone());
            let cluster = Cluster::of_the_programs().ok();
            let server = cluster.map(|cluster| Ok::<_, Failure>((cluster, store::measure_postgres(cluster, scale)?)));
            let server = server.transpose()?;
            if let Some((_, commits)) = &server {
                told.tell(commits.clone());
            }
            let server = server.map(|(cluster, commits)| (cluster, commits.value));
            told.online(site, scale, commits.value, server)?;
        }
        Rows::Keys => told.tell(many_keys::measure(site, Scale::Full)?),
    }
    Ok(told.0)
}

/// The site of the second token with its figures, where the machine has it.
fn kryoptic(site: &Site, scale: Scale) -> Result<Option<(Site, hsm::Measured)>, Failure> {
    let Some(site) = site.kryoptic()? else {
        output::line(
            "skipped: hsm.kryoptic.card, pipeline.kryoptic.w1; there is no Kryoptic, `cargo xtask peers` builds it",
        );
        return Ok(None);
    };
    let hsm = hsm::measure(&site, scale)?;
    Ok(Some((site, hsm)))
}

/// The list that `target/bench/report.json` holds.
#[must_use]
pub fn to_json(entries: &[Entry]) -> Value {
    Value::Array(entries.iter().map(Entry::to_json).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_the_five_members_of_the_contract() {
        let entry = Entry { name: "a.b", value: 3.0, unit: "cards/s", bound: Some(4.0), note: "said".to_owned() };
        let expected = json!([{ "name": "a.b", "value": 3.0, "unit": "cards/s", "bound": 4.0, "ratio": 0.75 }]);
        assert_eq!(to_json(std::slice::from_ref(&entry)), expected);
        let unbound = Entry { bound: None, ..entry };
        assert_eq!(to_json(&[unbound])[0]["ratio"], Value::Null);
    }
}
