//! Card capabilities: ISO/IEC 7816-4:2020 §12.1.1.9, COMPACT-TLV tag 7 of the historical bytes.

use super::Historical;

/// COMPACT-TLV tag of the card capabilities.
const TAG: u8 = 0x7;
/// Third software function table, b8.
const COMMAND_CHAINING: u8 = 0x80;
/// Third software function table, b7.
const EXTENDED_LENGTH: u8 = 0x40;

/// How a card takes a command whose data is longer than 255 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LongCommands {
    /// Not at all, or it does not say.
    #[default]
    Unsupported,
    /// In parts, by command chaining (§5.3.3).
    Chained,
    /// As one command with extended length fields.
    Extended,
}

impl Historical {
    /// How the card takes long commands; extended length where it has both.
    #[must_use]
    pub fn long_commands(&self) -> LongCommands {
        let objects = self.objects.as_deref().unwrap_or_default();
        let capabilities = objects.iter().find(|(tag, _)| *tag == TAG).map(|(_, value)| value.as_slice());
        match capabilities {
            Some([_, _, third]) if third & EXTENDED_LENGTH != 0 => LongCommands::Extended,
            Some([_, _, third]) if third & COMMAND_CHAINING != 0 => LongCommands::Chained,
            _ => LongCommands::Unsupported,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_table_says_it() {
        for (historical, expected) in [
            ("8073F62140", LongCommands::Extended),
            ("8073F621C0", LongCommands::Extended),
            ("8073F62180", LongCommands::Chained),
            ("8073F62100", LongCommands::Unsupported),
            ("8072F621", LongCommands::Unsupported),
            ("4645434B", LongCommands::Unsupported),
        ] {
            let bytes = hex::decode(historical).unwrap();
            assert_eq!(Historical::read(&bytes).unwrap().long_commands(), expected, "{historical}");
        }
    }
}
