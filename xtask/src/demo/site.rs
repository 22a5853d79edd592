//! The throw-away site: a folder with everything that the binaries read and write, made from nothing.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Plan;
use crate::fail::Failure;
use crate::places::Places;
use crate::sysroot::{Tools, environment};

/// Folders of demos that ended longer ago than this are removed by the next demo.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);
/// Its presence keeps a folder for good.
const KEEP_MARK: &str = "keep";
/// A running demo holds a lock on it.
const LOCK: &str = "demo.lock";
/// Token label and file names that `fuda.toml` and the commands agree on.
pub(super) const TOKEN: &str = "factory";
pub(super) const DELIVERIES: &str = "deliveries";
/// The line's public key, by which the centre knows its deliveries.
pub(super) const LINE_KEY: &str = "line.pem";
/// What the member page's server shows to the centre.
pub(super) const API_KEY: &str = "member-page.key";
/// What the payment provider signs with.
pub(super) const WEBHOOK_SECRET: &str = "payments.secret";

/// The site and its lock.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) dir: PathBuf,
    _lock: File,
}

impl Site {
    /// Makes the folder `target/fuda/demo-<pid>`, and removes those that nobody wants any more.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn create(places: &Places, plan: &Plan, tools: &Tools) -> Result<Site, Failure> {
        sweep(&places.fuda);
        let dir = places.fuda.join(format!("demo-{}", std::process::id()));
        // A folder of that name is left from another demo whose process number came round again.
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::DirBuilder::new().mode(0o700).create(&dir).map_err(|e| Failure::io("create the folder", &dir, &e))?;
        let lock = File::create(dir.join(LOCK)).map_err(|e| Failure::io("create the lock", &dir, &e))?;
        lock.try_lock().map_err(|e| Failure::io("take the lock", &dir, &e.into()))?;
        let site = Site { dir, _lock: lock };
        site.fill(places, plan, tools)?;
        Ok(site)
    }

    /// A path in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn fill(&self, places: &Places, plan: &Plan, tools: &Tools) -> Result<(), Failure> {
        for name in ["tokens", DELIVERIES] {
            let dir = self.path(name);
            std::fs::create_dir(&dir).map_err(|e| Failure::io("create the folder", &dir, &e))?;
        }
        self.write("softhsm2.conf", &environment::softhsm_conf(&self.path("tokens")))?;
        self.write("pin", &random_digits()?)?;
        // Two of them are as many bits as an attacker who can try for years should meet.
        for name in [API_KEY, WEBHOOK_SECRET] {
            self.write(name, &format!("{}{}", random_digits()?, random_digits()?))?;
        }
        self.write("fuda.toml", &fuda_toml(&tools.module))?;
        self.write("order.toml", &order_toml(plan))?;
        let (config, conf) = (self.path("fuda.toml"), self.path("softhsm2.conf"));
        let more = [("FUDA_CONFIG", config.as_path()), ("SOFTHSM2_CONF", conf.as_path())];
        self.write("env", &environment::for_shells(places, tools, &more))?;
        if plan.keep {
            self.write(KEEP_MARK, "later demos leave this folder alone\n")?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.path(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| Failure::io("write", &path, &e))
    }
}

/// Removes demo folders that are older than [`KEEP`], are not marked and belong to no running demo. What cannot be
/// removed stays: it is in nobody's way.
fn sweep(fuda: &Path) {
    let entries = std::fs::read_dir(fuda).into_iter().flatten().flatten();
    for dir in
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("demo-")).map(|entry| entry.path())
    {
        let age =
            dir.metadata().and_then(|m| m.modified()).ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        let idle = File::open(dir.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if age.is_some_and(|age| age > KEEP) && idle && !dir.join(KEEP_MARK).exists() {
            let _ = std::fs::remove_dir_all(&dir);
        }
    }
}

/// Sixteen decimal digits from the operating system: some tokens take digits only.
fn random_digits() -> Result<String, Failure> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 16];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(|e| Failure::io("read", source, &e))?;
    // The bias of `% 10` costs less than one bit of fifty-three.
    Ok(bytes.iter().map(|byte| char::from(b'0' + byte % 10)).collect())
}

fn fuda_toml(module: &Path) -> String {
    format!(
        r#"# Written by cargo xtask demo. Relative paths count from this file.
[site]
name = "demo"
mode = "test"

[hsm]
module = '{}'
provider = "softhsm"
token = {{ label = "{TOKEN}" }}
pin = {{ file = "pin" }}
workers = 2

[store]
url = "sqlite:factory.db"

[factory]
out = "{DELIVERIES}"

[issuer]
receipt_keys = ["{LINE_KEY}"]
api_keys = ["{API_KEY}"]
webhook_secrets = ["{WEBHOOK_SECRET}"]
indexed = ["email"]

[[issuer.service]]
name = "ticket"
application = "ticket"
fee = 1000
currency = "JPY"
numbers = {{ first = "88010000000", last = "88010000009", check = "luhn" }}
months = 24
"#,
        module.display()
    )
}

fn order_toml(plan: &Plan) -> String {
    let Plan { cards, spares, .. } = plan;
    format!(
        r#"# Written by cargo xtask demo.
order = "DEMO-1"
profile = "membership-4ap"
stages = [0, 1]
quantity = {cards}
spares = {spares}
lot = "DEMO"

[serial]
source = "counter"
first = "8810400000001"
check = "luhn"

[keys]
transport = "transport"
issuer = "issuer"
"ap/ticket" = "ap/ticket"
"ap/library" = "ap/library"
"ap/parking" = "ap/parking"
"ap/points" = "ap/points"

[line]
audit_every = 100
stop_after = 5
quarantine_after = 3
"#
    )
}
