//! Opening a card with the keys of a site's token, and nothing else: no journal, no order, no line.
//!
//! A library reads its configuration once per process, and every site has its own: the opening is a child of the test binary, which runs the
//! same test again and finds the task in its environment.

use fuda_card::apdu::{Command, Response};
use fuda_card::command::{Exchange, GetKeyInformation, KeyInformation};
use fuda_card::id::Kvn;
use fuda_card::scp03::{Challenge, InitializeUpdate, SecurityLevel, SessionKeys};
use fuda_card_sim::Card;
use fuda_cli::{Source, config};
use fuda_kms::{CardChallenge, CardRequest, CardStep, Hsm, HsmConfig, Place, Registry, StepAnswer, TokenConfig};
use fuda_store::Store;
use fuda_tests::Site;
use fuda_tests::program::binary;
use std::io::Write;
use std::num::NonZeroU16;
use std::path::Path;

/// What the child is to open, one variable each.
const TASK: [&str; 4] = ["FUDA_TEST_OPEN_CARD", "FUDA_TEST_OPEN_DF", "FUDA_TEST_OPEN_KEY", "FUDA_TEST_OPEN_KVN"];

/// Which channel is to be opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening<'a> {
    /// File of the card.
    pub(crate) card: &'a Path,
    /// FID of the folder, hex; empty for the MF.
    pub(crate) df: &'a str,
    /// Version that the set comes from.
    pub(crate) key: &'a str,
    /// Number of the set on the card, hex.
    pub(crate) kvn: &'a str,
}

/// Opens a card with the keys of a site. `test` is the calling test, named as the harness names it; its first line asks [`is_opened_here`].
pub(crate) fn open(site: &Site, test: &str, opening: &Opening<'_>) {
    let (program, arguments) = (std::env::current_exe().unwrap(), [test, "--exact", "--nocapture", "--test-threads=1"]);
    let mut command = site.command(&program, &arguments);
    command.env(TASK[0], opening.card);
    for (name, value) in TASK[1..].iter().zip([opening.df, opening.key, opening.kvn]) {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(&format!("opened with {}", opening.kvn)), "{opening:?}: {said}");
}

/// Whether this process is the child: then it opens a channel with keys of its token, reads under it, and the test returns.
pub(crate) fn is_opened_here() -> bool {
    let Some(file) = std::env::var_os(TASK[0]) else { return false };
    let [df, key, kvn] = [TASK[1], TASK[2], TASK[3]].map(|name| std::env::var(name).unwrap());
    let number = Kvn::new(u8::from_str_radix(&kvn, 16).unwrap());
    let hsm = hsm();
    let mut card = Card::open(Path::new(&file)).unwrap();
    card.power_on();
    let mut send = |command: &Command| Response::decode(&card.transmit(&command.encode().unwrap())).unwrap();
    let folder = (!df.is_empty()).then(|| format!("00A4000002{df}00"));
    for select in std::iter::once("00A4040008A000000151000000".to_owned()).chain(folder) {
        assert!(send(&Command::decode(&hex::decode(select).unwrap()).unwrap()).sw.is_success());
    }
    let host_challenge = [0x3F; 8];
    let update = InitializeUpdate { kvn: number, host_challenge: Challenge::S8(host_challenge) };
    let answer = send(&update.command());
    let initiated = update.answered(&answer).unwrap();
    let answer = initiated.answer().clone();
    let Challenge::S8(card_challenge) = answer.card_challenge else { panic!("a challenge of 16 bytes") };
    let (key, challenge) = (key.parse().unwrap(), CardChallenge::Answered(card_challenge));
    let steps = vec![CardStep::OpenSession { key, host_challenge, challenge }];
    let request = CardRequest { epoch: hsm.epoch().unwrap(), kdd: *answer.kdd.as_bytes(), steps };
    let Some(StepAnswer::Session { keys, .. }) = hsm.card(request).unwrap().steps.pop() else { panic!("no session") };
    let keys = SessionKeys::new(keys.s_enc.expose(), keys.s_mac.expose(), keys.s_rmac.expose()).unwrap();
    let (proved, command) = initiated.prove(keys, SecurityLevel::CMacCEncRMacREnc).unwrap();
    let channel = proved.authenticated(&send(&command)).unwrap();
    let (sent, wrapped) = channel.wrap(&GetKeyInformation.command()).unwrap();
    let (_, plain) = sent.response(&send(&wrapped)).unwrap();
    let sets = KeyInformation::sets(&GetKeyInformation.answer(&plain).unwrap());
    assert!(sets.contains(&number), "{sets:?}");
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} opened with {kvn}", answer.kdd).unwrap();
    true
}

/// Workers on the token of the site in the working directory.
pub(crate) fn hsm() -> Hsm {
    let config = config::parse(&Source::read(Path::new("fuda.toml")).unwrap(), Path::new(".")).unwrap();
    let registry = Registry::open(Store::open(&config.store.url).unwrap());
    let place = Place::Processes { program: binary("fuda-kms") };
    let token = TokenConfig::from_file(&config).unwrap();
    Hsm::start(&HsmConfig { token, workers: NonZeroU16::MIN, place }, &registry).unwrap()
}
