//! Limits of the protocol; a message beyond one of them is refused by both sides.

/// A message, in bytes: two hundred short commands with what is expected of them.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Steps of a script: a first personalisation of the largest profile has about 60.
pub const STEPS_MAX: usize = 256;
/// Bytes of one command or response: the largest short APDU has 261, and an extended one must fit the message beside others.
pub const APDU_BYTES_MAX: usize = 8 * 1024;
/// Accepted status words of a step.
pub const STATUS_WORDS_MAX: usize = 8;
/// Match rules of a step.
pub const MATCHES_MAX: usize = 4;
/// Characters of a token, a name or a key of a text.
pub const WORD_CHARS_MAX: usize = 64;
/// Characters of a text for a person.
pub const TEXT_CHARS_MAX: usize = 400;
/// Longest time that a script may hold a card, in milliseconds: a person's patience.
pub const BUDGET_MS_MAX: u32 = 60_000;
/// Life of a script from the moment it was made, in seconds: one that comes later is not begun.
pub const SCRIPT_LIFE_S: u32 = 300;
