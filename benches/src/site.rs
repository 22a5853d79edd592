//! The throw-away site that everything is measured in: token, keys, database and cards in one folder that goes when the report is made.
//!
//! SoftHSM reads `SOFTHSM2_CONF` once per process, Kryoptic `KRYOPTIC_CONF`, and a running process cannot set a variable soundly: so the
//! report starts itself again as a child that was born with them. A Kryoptic site is a folder in the SoftHSM site.

use crate::doing::{Doing, failed};
use crate::maker::{KRYOPTIC_CONF, Maker};
use fuda_cli::config::{self, Config};
use fuda_cli::{Exit, Failure, Source};
use fuda_kms::{HsmConfig, Registry};
use fuda_store::Store;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Names the folder to the child.
const SITE: &str = "FUDA_BENCH_SITE";

/// Names SoftHSM's configuration.
const SOFTHSM_CONF: &str = "SOFTHSM2_CONF";

/// Folder of the Kryoptic site in the other.
const KRYOPTIC: &str = "kryoptic";

/// The reviewed list of a development token.
const KEYS: &str = include_str!("../../softhsm-config/keys.toml");

/// The folder and the binaries beside this one.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
    bins: PathBuf,
    maker: Maker,
}

impl Site {
    /// The site that this process was started in, filled with token and keys; `None` for the process that has yet to make one.
    ///
    /// # Errors
    /// When the token cannot be made.
    pub fn entered() -> Result<Option<Self>, Failure> {
        let Some(site) = Self::named()? else { return Ok(None) };
        // A process that the report starts finds the site filled.
        if !site.path("fuda.toml").exists() {
            site.fill()?;
        }
        Ok(Some(site))
    }

    fn named() -> Result<Option<Self>, Failure> {
        let Some(folder) = std::env::var_os(SITE).map(PathBuf::from) else { return Ok(None) };
        let maker = Maker::of(&folder);
        Ok(Some(Self { folder, bins: bins()?, maker }))
    }

    /// A site with Kryoptic's token inside this one; `None` on a machine without Kryoptic.
    ///
    /// # Errors
    /// When the token cannot be made.
    pub fn kryoptic(&self) -> Result<Option<Self>, Failure> {
        if Maker::Kryoptic.module().is_none() {
            return Ok(None);
        }
        let folder = self.path(KRYOPTIC);
        std::fs::create_dir(&folder).doing("create a folder")?;
        write_private(&folder.join(KRYOPTIC_CONF), &Maker::kryoptic_conf(&folder))?;
        let site = Self { folder, bins: self.bins.clone(), maker: Maker::Kryoptic };
        site.fill()?;
        Ok(Some(site))
    }

    /// A site with a SoftHSM token of its own in a folder of this one, and its database at a URL.
    ///
    /// # Errors
    /// When the token or the schema cannot be made.
    pub fn within(&self, name: &str, url: &str) -> Result<Self, Failure> {
        let folder = self.path(name);
        let tokens = folder.join("tokens");
        std::fs::create_dir_all(&tokens).doing("create a folder")?;
        write_private(&folder.join("softhsm2.conf"), &Maker::softhsm_conf(&tokens))?;
        let site = Self { folder, bins: self.bins.clone(), maker: Maker::SoftHsm };
        site.fill_for(url)?;
        Ok(site)
    }

    /// Whose token it has.
    #[must_use]
    pub const fn maker(&self) -> Maker {
        self.maker
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A binary of the house in this folder.
    ///
    /// # Errors
    /// When it was not built.
    pub fn program(&self, name: &str) -> Result<Command, Failure> {
        let path = self.bins.join(name);
        if !path.is_file() {
            return Err(failed(format!("{name} is not beside this program")).remedy("run `cargo xtask bench`"));
        }
        let mut command = Command::new(path);
        command.current_dir(&self.folder).env("FUDA_CONFIG", self.path("fuda.toml")).stdin(Stdio::null());
        if self.maker == Maker::SoftHsm {
            command.env(SOFTHSM_CONF, self.path("softhsm2.conf"));
        }
        Ok(command)
    }

    /// This program once more, as an HSM worker runs: on a copy of a SoftHSM token that is its own, because SoftHSM's processes wait for each
    /// other on one folder; on the one Kryoptic token.
    ///
    /// # Errors
    /// When the copy cannot be made.
    pub fn another_process(&self, number: u16) -> Result<Command, Failure> {
        let mut command = Command::new(std::env::current_exe().doing("find the running program")?);
        command.env(SITE, &self.folder).stdin(Stdio::null());
        if self.maker == Maker::SoftHsm {
            let (tokens, conf) =
                (self.path(&format!("tokens-{number}")), self.path(&format!("softhsm2-{number}.conf")));
            if !tokens.exists() {
                copy_folder(&self.path("tokens"), &tokens).doing("copy the token")?;
                write_private(&conf, &Maker::softhsm_conf(&tokens))?;
            }
            command.env(SOFTHSM_CONF, conf);
        }
        Ok(command)
    }

    /// This program once more in this site: a process has one SoftHSM configuration, and this one was born with another site's, perhaps.
    ///
    /// # Errors
    /// When the running program cannot be found.
    pub fn myself(&self) -> Result<Command, Failure> {
        let mut command = Command::new(std::env::current_exe().doing("find the running program")?);
        command.env(SITE, &self.folder).env(SOFTHSM_CONF, self.path("softhsm2.conf")).stdin(Stdio::null());
        Ok(command)
    }

    /// Runs a binary to its end and gives what it printed.
    ///
    /// # Errors
    /// When it does not end with exit 0.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.program(name)?.args(arguments).output().doing("start a program")?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(failed(format!("{name} {arguments:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))))
    }

    /// `fuda.toml` of the site.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn config(&self) -> Result<Config, Failure> {
        config::parse(&Source::read(&self.path("fuda.toml"))?, &self.folder)
    }

    /// Token and number of workers: one.
    ///
    /// # Errors
    /// As [`Site::config`].
    pub fn hsm_config(&self) -> Result<HsmConfig, Failure> {
        Ok(HsmConfig::from_file(&self.config()?)?)
    }

    /// The registry of the keys.
    ///
    /// # Errors
    /// When the database cannot be opened.
    pub fn registry(&self) -> Result<Registry, Failure> {
        Ok(Registry::open(Store::open(&self.config()?.store.url).doing("open the database")?))
    }

    /// Writes a file that only we can read.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        write_private(&self.path(name), text)
    }

    fn fill(&self) -> Result<(), Failure> {
        self.fill_for("sqlite:factory.db")
    }

    fn fill_for(&self, url: &str) -> Result<(), Failure> {
        let module = self.maker.module().ok_or_else(|| {
            Failure::new("NOT_FOUND", Exit::Reader, "SoftHSM was not found on this machine")
                .remedy("run `cargo xtask bench`, which fetches it, or set FUDA_PKCS11_MODULE")
        })?;
        self.write("pin", "0704150815")?;
        self.write("keys.toml", KEYS)?;
        self.write(
            "fuda.toml",
            &format!(
                "[site]\nname = \"bench\"\nmode = \"test\"\n[hsm]\nmodule = '{}'\nprovider = \"{}\"\ntoken = {{ label = \"factory\" }}\n\
                 pin = {{ file = \"pin\" }}\nworkers = 1\n[store]\nurl = \"{url}\"\n",
                module.display(),
                self.maker.provider(),
            ),
        )?;
        self.run("fuda-factory", &["store", "migrate"])?;
        self.run("fuda-kms", &["init", "keys.toml", "--no-input"]).map(drop)
    }
}

/// Starts this program again, with the same arguments, in a fresh site, and removes the site afterwards.
///
/// # Errors
/// When the folder cannot be made or the program not be started.
pub fn enter() -> Result<Exit, Failure> {
    let home = report_folder()?;
    let folder = tempfile::Builder::new().prefix("site-").tempdir_in(&home).doing("create a folder")?;
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).doing("create a folder")?;
    let conf = folder.path().join("softhsm2.conf");
    write_private(&conf, &Maker::softhsm_conf(&tokens))?;
    let program = std::env::current_exe().doing("find the running program")?;
    let status = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(SITE, folder.path())
        .env(SOFTHSM_CONF, &conf)
        .env("KRYOPTIC_CONF", folder.path().join(KRYOPTIC).join(KRYOPTIC_CONF))
        .status()
        .doing("start the report")?;
    Ok(exit_of(status))
}

/// `target/bench`, or the system's folder for temporary files when this program runs from elsewhere.
///
/// # Errors
/// When it cannot be made.
pub fn report_folder() -> Result<PathBuf, Failure> {
    let bins = bins()?;
    // Cargo marks its target folder with CACHEDIR.TAG.
    let target = bins.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    let folder = target.map_or_else(std::env::temp_dir, Path::to_path_buf).join("bench");
    std::fs::create_dir_all(&folder).doing("create a folder")?;
    Ok(folder)
}

fn exit_of(status: ExitStatus) -> Exit {
    if status.success() { Exit::Done } else { Exit::Bug }
}

fn bins() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe().doing("find the running program")?;
    Ok(program.parent().unwrap_or(Path::new(".")).to_owned())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).doing("write a file of the site")
}
