//! Two lines on one order, the cables to their encoders, and a process for each card in them.

use super::cable::{Cable, Reached};
use super::plan::Victim;
use fuda_tests::memory::children;
use fuda_tests::running::until;
use fuda_tests::{Ended, Running, Site};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};

/// Encoders of both lines.
pub(super) const ENCODERS: u16 = 3;
/// Encoders of the line that harm is done to; the other line has what is left, and takes over while the first is dead.
const TORTURED: u16 = 2;
/// No run leaves a line without a card for so long.
const IDLE: &str = "90s";

/// Lines at work, or dead.
pub(super) struct Floor<'s> {
    site: &'s Site,
    line: Option<Running>,
    other: Option<Running>,
    cables: Vec<Cable>,
    /// Told by a cable whose card came to its trap.
    pub(super) told: Receiver<Reached>,
    /// Times that a line was started.
    pub(super) starts: u32,
}

/// A card in its own process, which holds it into an encoder until it comes out of there.
pub(super) struct Seated {
    pub(super) kdd: String,
    folder: PathBuf,
    port: u16,
    process: Option<Running>,
}

impl<'s> Floor<'s> {
    pub(super) fn new(site: &'s Site) -> Self {
        let (tell, told) = sync_channel(usize::from(ENCODERS));
        let cables = (0..ENCODERS).map(|number| Cable::lay(site.first_port() + number, tell.clone())).collect();
        Self { site, line: None, other: None, cables, told, starts: 0 }
    }

    pub(super) fn cable(&self, encoder: u16) -> &Cable {
        &self.cables[usize::from(encoder)]
    }

    /// Puts a card file into an encoder.
    pub(super) fn seat(&self, encoder: u16, file: &Path, faults: &[String]) -> Seated {
        let kdd = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let folder = self.site.path("hands").join(&kdd);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::rename(file, folder.join(file.file_name().unwrap())).unwrap();
        let mut seated = Seated { kdd, folder, port: self.cable(encoder).port(), process: None };
        seated.begin(self.site, faults);
        seated
    }

    /// Starts each line that is not there.
    pub(super) fn tend(&mut self) {
        let lines =
            [(&mut self.line, 0, TORTURED, "tester"), (&mut self.other, TORTURED, ENCODERS - TORTURED, "second")];
        for (line, first, encoders, operator) in lines {
            if let Some(ended) = line.take_if(Running::has_ended) {
                panic!("a line ended by itself: {}", ended.wait());
            }
            if line.is_none() {
                *line = Some(self.site.line_at(first, encoders, [operator, IDLE], &[]));
                self.starts += 1;
            }
        }
    }

    /// Kills the first line, both, or some workers of the first.
    pub(super) fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Line => drop(self.line.take().map(Running::kill)),
            Victim::Lines => {
                [&mut self.line, &mut self.other].into_iter().for_each(|line| drop(line.take().map(Running::kill)));
            }
            Victim::Worker | Victim::Workers => {
                let workers = self.line.as_ref().map(|line| children(line.pid())).unwrap_or_default();
                let count = if victim == Victim::Worker { 1 } else { workers.len() };
                for pid in workers.into_iter().take(count) {
                    let _ = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL);
                }
            }
            Victim::Card => unreachable!("a card is killed by its seat"),
        }
    }

    /// Lets both lines end by themselves, which they do when the order is filled.
    pub(super) fn end(&mut self) -> [Ended; 2] {
        self.tend();
        [&mut self.line, &mut self.other].map(|line| line.take().unwrap().wait())
    }
}

impl Seated {
    fn begin(&mut self, site: &Site, faults: &[String]) {
        let (folder, address) = (self.folder.to_str().unwrap(), format!("127.0.0.1:{}", self.port));
        let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault.as_str()]).collect();
        self.process = Some(site.feed(folder, "ejected", &address, &faults));
    }

    /// Kills the card's process and starts another with the same card.
    pub(super) fn kill(&mut self, site: &Site) {
        drop(self.process.take().map(Running::kill));
        if !self.is_out(site) {
            self.begin(site, &[]);
        }
    }

    fn out(&self, site: &Site) -> PathBuf {
        site.path("ejected").join(format!("{}.card", self.kdd))
    }

    /// Whether the card came out of the encoder.
    pub(super) fn is_out(&self, site: &Site) -> bool {
        self.out(site).exists()
    }

    /// The file of a card that came out, once its process has let it go.
    pub(super) fn taken(mut self, site: &Site) -> PathBuf {
        if let Some(mut process) = self.process.take() {
            until("the card's process to end", || process.has_ended());
        }
        self.out(site)
    }
}
