//! SIGINT and SIGTERM as a flag: the first asks a program to finish what it has in hand, a second one ends it at once.

use signal_hook::consts::TERM_SIGNALS;
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether somebody asked the program to stop.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    asked: Arc<AtomicBool>,
}

impl StopSignal {
    /// Takes over SIGINT and SIGTERM.
    ///
    /// # Errors
    /// When the operating system refuses the handler.
    pub fn install() -> io::Result<Self> {
        let signal = Self::default();
        for number in TERM_SIGNALS {
            // Order matters: this one acts only when the flag was set by an earlier signal.
            flag::register_conditional_shutdown(*number, 130, Arc::clone(&signal.asked))?;
            flag::register(*number, Arc::clone(&signal.asked))?;
        }
        Ok(signal)
    }

    /// Whether a signal has come.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}
