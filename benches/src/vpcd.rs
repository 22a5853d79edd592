//! `card_sim.apdu`: a recorded card played through one socket, from the factory's encoder to the simulator in its own process.

use crate::cpu;
use crate::dialogue::{Dialogue, KDD};
use crate::doing::{Doing, failed};
use crate::ports;
use crate::product;
use crate::report::Entry;
use crate::rounds::{Scale, number};
use crate::site::Site;
use fuda_card::transport::Transport;
use fuda_cli::Failure;
use fuda_terminal::encoder::VpcdEncoder;
use std::time::{Duration, Instant};

/// How long the simulator may take to put the next card in.
const INSERT: Duration = Duration::from_secs(10);

/// The loopback's figures.
#[derive(Debug)]
pub struct Measured {
    apdus_per_second: f64,
    commands: usize,
    /// CPU time of one card in the simulator, in seconds, start-up included.
    pub card_s: f64,
    /// CPU time of one card on the host's side of the socket, in seconds.
    pub host_s: f64,
}

/// Measures with as many copies of the recorded chip as a run of the line has cards.
///
/// # Errors
/// When the simulator does not answer.
pub fn measure(site: &Site, scale: Scale, dialogue: &Dialogue) -> Result<Measured, Failure> {
    let cards = scale.cards();
    let stack = site.path("copies");
    std::fs::create_dir(&stack).doing("create a folder")?;
    for number in 0..cards {
        product::card_file(&stack.join(format!("{number:06}.card")), KDD)?;
    }
    let port = ports::free_row(1)?;
    let encoder = VpcdEncoder::listen("127.0.0.1", port).doing("listen")?;
    let address = format!("127.0.0.1:{port}");
    let children = cpu::children_s()?;
    let mut simulator = site
        .program("fuda-card-sim")?
        .args(["serve", "--quiet", "--dir", "copies", "--connect", &address])
        .stdout(std::process::Stdio::null())
        .spawn()
        .doing("start the simulator")?;
    let before = cpu::own();
    let played = play(&encoder, cards, dialogue);
    let host_s = (cpu::own() - before).as_secs_f64() / f64::from(cards);
    if played.is_err() {
        let _ = simulator.kill();
    }
    drop(encoder);
    simulator.wait().doing("wait for the simulator")?;
    let seconds = played?;
    std::fs::remove_dir_all(&stack).doing("remove a folder")?;
    let commands = dialogue.commands.len();
    Ok(Measured {
        apdus_per_second: f64::from(cards) * number(u64::try_from(commands).unwrap_or(0)) / seconds,
        commands,
        card_s: (cpu::children_s()? - children) / f64::from(cards),
        host_s,
    })
}

/// Plays the recording to so many cards; answers the seconds that APDUs took.
fn play(encoder: &VpcdEncoder, cards: u32, dialogue: &Dialogue) -> Result<f64, Failure> {
    let mut busy = Duration::ZERO;
    for _ in 0..cards {
        let mut card = encoder.insert(INSERT).doing("take a card")?.ok_or("none came").doing("take a card")?;
        let since = Instant::now();
        for command in &dialogue.commands {
            let answer = card.transmit(command).doing("send a command")?;
            if !answer.ends_with(&[0x90, 0x00]) {
                return Err(failed(format!("the copy of the recorded card answers {answer:02X?}")));
            }
        }
        busy += since.elapsed();
        card.eject();
    }
    Ok(busy.as_secs_f64())
}

impl Measured {
    /// The entry.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            name: "card_sim.apdu",
            value: self.apdus_per_second,
            unit: "APDU/s",
            bound: None,
            note: format!(
                "one card at a time over TCP loopback, {} commands per card, saved to its file",
                self.commands
            ),
        }
    }
}
