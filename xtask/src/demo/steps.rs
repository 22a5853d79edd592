//! The demo's steps up to the line and after it, one function each, in the order in which they run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::count::{Counts, Delivery};
use super::line::{EJECTED, Produced, STACK};
use super::site::{DELIVERIES, Site};
use super::{Plan, proof};
use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::ports::Row;
use crate::process::{Runner, cargo_progress};
use crate::sysroot::Tools;
use crate::ui::Ui;

/// The binaries that the demo drives.
const PACKAGES: [&str; 5] = ["fuda-kms", "fuda-factory", "fuda-card-sim", "fuda-online-issuer", "fuda-terminal"];
/// A first build on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Steps that do not depend on the number of cards, or hardly.
pub(super) const STEP_LIMIT: Duration = Duration::from_secs(120);
/// Cards that another process opens again.
pub(super) const REOPENED: usize = 10;
/// Their stack, and where they go.
const AGAIN: &str = "again";
const AGAIN_EJECTED: &str = "again-ejected";

/// All that the steps share.
#[derive(Debug)]
pub(super) struct Demo<'a> {
    pub(super) ui: Ui,
    pub(super) places: &'a Places,
    pub(super) tools: &'a Tools,
    pub(super) site: &'a Site,
    pub(super) row: &'a Row,
    pub(super) runner: &'a Runner,
    pub(super) plan: Plan,
}

/// The delivery's folder and its tables.
#[derive(Debug)]
pub(super) struct Delivered {
    pub(super) dir: PathBuf,
    pub(super) tables: Delivery,
}

impl Delivered {
    /// One of its chips, for somebody to look at.
    pub(super) fn a_chip(&self) -> String {
        self.tables.sample(1).ok().and_then(|chips| chips.into_iter().next()).unwrap_or_else(|| "*".to_owned())
    }
}

impl Demo<'_> {
    /// One of the binaries, in the site's folder.
    pub(super) fn program(&self, name: &str) -> Command {
        let mut command = self.runner.command(self.places.bins.join(name));
        command.current_dir(&self.site.dir);
        command
    }

    pub(super) fn build(&self) -> Result<(), Failure> {
        let mut step = self.ui.step("build");
        let mut cargo = self.runner.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.arg("build").arg("--bins").current_dir(&self.places.root);
        cargo.args(PACKAGES.iter().flat_map(|package| ["-p", package]));
        let running = self.runner.start("build", cargo)?;
        let ended =
            running.wait(BUILD_LIMIT, |running| step.progress(&cargo_progress(&running.complained())))?.well()?;
        step.done(&format!("{}; {}", PACKAGES.join(", "), cargo_progress(&ended.stderr)));
        Ok(())
    }

    pub(super) fn keys(&self) -> Result<(), Failure> {
        let step = self.ui.step("keys");
        let keys = self.places.root.join("softhsm-config/keys.toml");
        let mut init = self.program("fuda-kms");
        init.arg("init").arg(keys).arg("--no-input");
        self.runner.run("init", init, STEP_LIMIT)?;
        let mut check = self.program("fuda-kms");
        check.args(["check", "--no-input"]);
        self.runner.run("kms-check", check, STEP_LIMIT)?;
        step.done("made in a new SoftHSM token, known-answer tests passed");
        Ok(())
    }

    pub(super) fn chips(&self) -> Result<(), Failure> {
        let step = self.ui.step("chips");
        let chips = self.plan.cards + self.plan.spares;
        let mut blank = self.program("fuda-card-sim");
        blank.args(["blank", "--count", &chips.to_string(), "--dir", STACK]);
        self.runner.run("blank", blank, STEP_LIMIT + Duration::from_millis(10 * chips))?;
        step.done(&format!("{chips} blank chips on the stack"));
        Ok(())
    }

    pub(super) fn check_order(&self) -> Result<(), Failure> {
        let step = self.ui.step("check");
        let mut check = self.program("fuda-factory");
        check.args(["check", "order.toml", "--no-input"]);
        self.runner.run("order-check", check, STEP_LIMIT)?;
        step.done("order, profile and keys fit together");
        Ok(())
    }

    pub(super) fn deliver(&self, produced: &Produced) -> Result<Delivered, Failure> {
        let step = self.ui.step("deliver");
        let job = produced.job.as_str();
        let dir = self.site.path(DELIVERIES).join(job);
        let mut deliver = self.program("fuda-factory");
        deliver.args(["deliver", job, "--no-input", "--out"]).arg(&dir);
        self.runner.run("deliver", deliver, STEP_LIMIT + Duration::from_millis(5 * self.plan.cards))?;
        let tables = Delivery::read(&dir)?;
        step.done(&self.places.short(&dir));
        Ok(Delivered { dir, tables })
    }

    /// Ten cards, spread over the delivery, go through an encoder of another process that has only keys and delivery.
    pub(super) fn reopen(&self, delivered: &Delivered) -> Result<(), Failure> {
        let step = self.ui.step("reopen");
        let stack = self.site.path(AGAIN);
        std::fs::create_dir(&stack).map_err(|e| Failure::io("create the folder", &stack, &e))?;
        for chip in delivered.tables.sample(REOPENED)? {
            self.take_card(&chip, &stack)?;
        }
        let feeder = self.runner.start("feeder-again", self.feeder(AGAIN, AGAIN_EJECTED))?;
        let mut verify = self.program("fuda-factory");
        verify.arg("verify").arg(&delivered.dir);
        verify.args(["--no-input", "--cards", &REOPENED.to_string(), "--encoders", &self.row.encoders()]);
        self.runner.run("verify", verify, STEP_LIMIT)?;
        drop(feeder);
        step.done(&format!("{REOPENED} cards opened with their new keys and read back by another process"));
        Ok(())
    }

    fn take_card(&self, chip: &str, stack: &Path) -> Result<(), Failure> {
        let name = format!("{chip}.card");
        let from = self.site.path(EJECTED).join(&name);
        std::fs::copy(&from, stack.join(&name)).map_err(|e| Failure::io("copy the card", &from, &e))?;
        Ok(())
    }

    pub(super) fn prove(&self, delivered: &Delivered) -> Result<(), Failure> {
        let step = self.ui.step("prove");
        let digests = self.runner.run("sha256sum", proof::digests(self.runner, &delivered.dir), STEP_LIMIT)?;
        let files = digests.stdout.lines().count();
        self.runner.run("openssl", proof::signature(self.runner, self.tools, &delivered.dir), STEP_LIMIT)?;
        step.done(&format!("sha256sum -c: {files} files OK; openssl dgst -verify: Verified OK"));
        Ok(())
    }

    pub(super) fn count(&self, produced: &Produced, delivered: &Delivered) -> Result<Counts, Failure> {
        let step = self.ui.step("count");
        let mut show = self.program("fuda-factory");
        show.args(["job", "show", &produced.job, "--json"]);
        let job = self.runner.run("job-show", show, STEP_LIMIT)?.json()?;
        let counts = Counts::of(&job, "fuda-factory job show")?;
        delivered.tables.agree_with(counts, self.ejected())?;
        if counts.ordered != self.plan.cards || counts.unfilled != 0 {
            let what = format!("ordered {}, the job says {counts:?}", self.plan.cards);
            return Err(Failure::new(
                "COUNTS_DIFFER",
                Exit::Integrity,
                what,
                "read run-2.err in the demo's folder log/",
            ));
        }
        step.done(&format!("{} cards, no serial twice; tables, manifest and database agree", counts.good));
        Ok(counts)
    }
}
