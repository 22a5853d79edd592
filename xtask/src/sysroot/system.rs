//! Which system this is, and the exact line that installs what the demo needs there.

use std::process::Command;

use crate::fail::{Exit, Failure};
use crate::places::which;
use crate::sysroot::Need;

/// The families of systems whose package names we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// Debian, Ubuntu and their children: packages can be fetched and unpacked without root.
    Debian,
    Fedora,
    Arch,
    Suse,
    Alpine,
    Homebrew,
    Unknown,
}

impl System {
    /// Reads `/etc/os-release`.
    pub(crate) fn here() -> System {
        if cfg!(target_os = "macos") {
            return System::Homebrew;
        }
        System::from_os_release(&std::fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    fn from_os_release(text: &str) -> System {
        let words = ["ID=", "ID_LIKE="].iter().flat_map(|name| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
            value.trim_matches(['"', '\'']).split_whitespace()
        });
        for word in words {
            match word {
                "debian" | "ubuntu" => return System::Debian,
                "fedora" | "rhel" | "centos" => return System::Fedora,
                "arch" => return System::Arch,
                "suse" | "opensuse" => return System::Suse,
                "alpine" => return System::Alpine,
                _ => {}
            }
        }
        System::Unknown
    }

    fn packages(self, need: Need) -> &'static [&'static str] {
        match (self, need) {
            (System::Debian, _) | (_, Need::Openssl) => need.debian_packages(),
            (_, Need::SoftHsm) => &["softhsm"],
            (System::Suse, Need::PcscLite) => &["libpcsclite1"],
            (System::Fedora | System::Alpine, Need::PcscLite) => &["pcsc-lite-libs"],
            (System::Arch, Need::PcscLite) => &["pcsclite"],
            (_, Need::PcscLite) => &["pcsc-lite"],
            (System::Arch, Need::Vpcd) => &["pcsclite", "vsmartcard-vpcd"],
            (_, Need::Vpcd) => &["pcsc-lite", "vsmartcard-vpcd"],
            (_, Need::OpenSc) => &["opensc"],
            (System::Fedora | System::Suse, Need::Postgres) => &["postgresql-server"],
            (_, Need::Postgres) => &["postgresql"],
            (_, Need::Age) => &["age"],
            (System::Arch, Need::Python) => &["python"],
            (_, Need::Python) => &["python3"],
            (System::Arch, Need::Pip) => &["python-pip"],
            (_, Need::Pip) => &["python3-pip"],
            (System::Fedora | System::Suse, Need::LibClang) => &["clang-libs"],
            (_, Need::LibClang) => &["clang"],
            (System::Fedora, Need::OpensslHeaders) => &["openssl-devel"],
            (System::Suse, Need::OpensslHeaders) => &["libopenssl-devel"],
            (System::Alpine, Need::OpensslHeaders) => &["openssl-dev"],
            (_, Need::OpensslHeaders) => &["openssl"],
            (System::Fedora | System::Alpine, Need::Sqlite) => &["sqlite-libs"],
            (_, Need::Sqlite) => &["sqlite"],
            (_, Need::PkgConfig) => &["pkgconf"],
        }
    }

    /// The line to type, by hand and with root's rights where the system asks for them.
    pub(crate) fn install_line(self, needs: &[Need]) -> String {
        let tool = match self {
            System::Debian => "sudo apt-get install -y",
            System::Fedora => "sudo dnf install -y",
            System::Arch => "sudo pacman -S --needed",
            System::Suse => "sudo zypper install -y",
            System::Alpine => "sudo apk add",
            System::Homebrew => "brew install",
            System::Unknown => "install, with this system's own tool:",
        };
        let packages: Vec<_> = needs.iter().flat_map(|need| self.packages(*need)).copied().collect();
        format!("{tool} {}", packages.join(" "))
    }

    /// Whether packages can be fetched and unpacked here without root.
    pub(crate) fn fetches(self) -> bool {
        self == System::Debian && which("apt-get").is_some() && which("dpkg-deb").is_some()
    }
}

/// Installs `needs` for the whole machine; only ever on an explicit `--system`.
///
/// # Errors
/// Elsewhere than on Debian, or when `apt-get` fails.
pub(crate) fn install(needs: &[Need]) -> Result<(), Failure> {
    let system = System::here();
    let line = system.install_line(needs);
    if system != System::Debian {
        return Err(Failure::new("SYSTEM_UNKNOWN", Exit::Lacking, "--system knows apt-get only", line));
    }
    let root = crate::process::ask("id", &["-u"]).is_some_and(|uid| uid.trim() == "0");
    let mut command = if root || which("sudo").is_none() { Command::new("apt-get") } else { Command::new("sudo") };
    if command.get_program() == "sudo" {
        command.arg("apt-get");
    }
    let status = command
        .args(["install", "-y", "--no-install-recommends"])
        .args(needs.iter().flat_map(|need| need.debian_packages()))
        .stdout(std::io::stderr())
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::new("APT_FAILED", Exit::Lacking, "apt-get install did not succeed", line)),
    }
}

#[cfg(test)]
mod tests {
    use super::System;
    use crate::sysroot::Need;

    #[test]
    fn systems_are_told_apart_by_their_own_words() {
        for (text, system) in [
            ("NAME=x\nID=debian\n", System::Debian),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", System::Debian),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", System::Fedora),
            ("ID=arch\n", System::Arch),
            ("ID=opensuse-leap\nID_LIKE=\"suse opensuse\"\n", System::Suse),
            ("ID=nixos\n", System::Unknown),
            ("", System::Unknown),
        ] {
            assert_eq!(System::from_os_release(text), system, "{text:?}");
        }
    }

    #[test]
    fn the_line_names_this_system_s_packages() {
        let needs = [Need::SoftHsm, Need::PcscLite];
        assert_eq!(System::Fedora.install_line(&needs), "sudo dnf install -y softhsm pcsc-lite-libs");
        assert_eq!(System::Debian.install_line(&needs), "sudo apt-get install -y libsofthsm2 libpcsclite1");
    }
}
