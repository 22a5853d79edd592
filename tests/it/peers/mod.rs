//! Programs that no one here wrote drive the simulated card, through a PC/SC service of each test's own.
//!
//! A test that lacks its program, or may not make a mount namespace, names itself in `$FUDA_SKIP_LOG` and returns.

mod activated;
mod dialogues;
mod issued;
mod kryoptic;
mod opensc;
mod pcscd;
mod recognised;
mod yubikit;
