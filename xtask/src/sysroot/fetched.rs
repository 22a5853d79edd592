//! The folder `target/fuda/sysroot`: which needs it was fetched for, and how it comes to hold more.
//!
//! It is only ever replaced as a whole, by a folder that was complete before it got the name.

use crate::fail::{Exit, Failure};
use crate::places::Places;
use crate::sysroot::system::System;
use crate::sysroot::{Need, apt, folder};
use crate::ui::Ui;

/// The folder's layout and the reason to fetch it anew: raised when either changes.
const STAMP_VERSION: u32 = 2;
/// The file that says what the folder holds: a line for layout and system, then a line for each need.
const STAMP: &str = ".stamp";

/// What was fetched before.
#[derive(Debug)]
pub(super) struct Fetched {
    needs: Vec<Need>,
}

impl Fetched {
    /// Reads the stamp; a folder of another layout or another release of the system counts as none.
    pub(super) fn read(places: &Places) -> Fetched {
        let text = std::fs::read_to_string(folder(places).join(STAMP)).unwrap_or_default();
        let mut lines = text.lines();
        let needs = if lines.next() == Some(first_line().as_str()) {
            lines.filter_map(Need::from_word).collect()
        } else {
            Vec::new()
        };
        Fetched { needs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.needs.is_empty()
    }

    /// Fetches what of `missing` is not there.
    ///
    /// # Errors
    /// Exit 9 where nothing can be fetched, or apt cannot.
    pub(super) fn complete(&mut self, places: &Places, ui: Ui, missing: &[Need]) -> Result<(), Failure> {
        let new: Vec<Need> = missing.iter().filter(|need| !self.needs.contains(need)).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        let here = System::here();
        let line = here.install_line(&new);
        if !here.fetches() {
            let titles: Vec<_> = new.iter().map(|need| need.title()).collect();
            return Err(Failure::new(
                "NOT_FOUND",
                Exit::Lacking,
                format!("not on this machine: {}", titles.join(", ")),
                line,
            ));
        }
        let step = ui.step("fetch");
        let needs: Vec<Need> = self.needs.iter().copied().chain(new).collect();
        let names = fetch(places, &needs).map_err(|mut failure| {
            failure.remedy = format!("{}, or install them: {line}", failure.remedy);
            failure
        })?;
        self.needs = needs;
        step.done(&format!("{names} unpacked into {}, nothing installed", places.short(&folder(places))));
        Ok(())
    }
}

/// Fetches everything for `needs` and puts it in place; says what it was.
fn fetch(places: &Places, needs: &[Need]) -> Result<String, Failure> {
    let (into, fresh) = (folder(places), places.fuda.join("sysroot.new"));
    let _ = std::fs::remove_dir_all(&fresh);
    std::fs::create_dir_all(&fresh).map_err(|e| Failure::io("create the folder", &fresh, &e))?;
    let packages: Vec<&str> = needs.iter().flat_map(|need| need.debian_packages()).copied().collect();
    let names = apt::fetch(&packages, &places.fuda.join("apt"), &fresh)?;
    let words: Vec<&str> = needs.iter().map(|need| need.word()).collect();
    let stamp = format!("{}\n{}\n", first_line(), words.join("\n"));
    std::fs::write(fresh.join(STAMP), stamp).map_err(|e| Failure::io("write", &fresh, &e))?;
    let _ = std::fs::remove_dir_all(&into);
    std::fs::rename(&fresh, &into).map_err(|e| Failure::io("put in place", &into, &e))?;
    let more = names.len() - packages.len().min(names.len());
    Ok(match more {
        0 => packages.join(", "),
        more => format!("{} and {more} more", packages.join(", ")),
    })
}

fn first_line() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let version = release.lines().find(|line| line.starts_with("VERSION_ID=")).unwrap_or("");
    format!("{STAMP_VERSION} {} {version}", std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use crate::sysroot::Need;

    #[test]
    fn a_stamp_s_words_are_read_back_as_the_needs_they_stand_for() {
        for need in Need::DEMO.into_iter().chain(Need::TEST).chain(Need::YUBIKIT).chain(Need::KRYOPTIC) {
            assert_eq!(Need::from_word(need.word()), Some(need));
        }
        assert_eq!(Need::from_word(""), None);
    }
}
