//! How the CSV tables are written: UTF-8, or CP932 for programs that read nothing else.
//!
//! CP932 is what Windows calls Shift_JIS (code page 932). A text that would not come back as it was is refused: Shift_JIS encoders write
//! some characters as others.

use encoding_rs::SHIFT_JIS;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

use super::text::words;

words! {
    /// Encoding of a delivery's CSV tables.
    CsvEncoding {
        /// UTF-8.
        Utf8 = "utf-8",
        /// Code page 932.
        Cp932 = "cp932",
    }
}

impl CsvEncoding {
    /// The bytes of a text; `None` when the encoding has not all of its characters.
    #[must_use]
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Cp932 => {
                let (bytes, _, _) = SHIFT_JIS.encode(text);
                (self.decode(&bytes).as_deref() == Some(text)).then(|| bytes.into_owned())
            }
        }
    }

    /// The text of bytes; `None` when they are none.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Cp932 => SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into),
        }
    }
}

impl FromStr for CsvEncoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_word(text).ok_or_else(|| "give utf-8 or cp932".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_comes_back_and_what_would_not_is_refused() {
        // 会 by its code in JIS X 0208, and the NEC and IBM characters that plain Shift_JIS lacks.
        assert_eq!(CsvEncoding::Cp932.encode("会員 A-1"), Some(b"\x89\xEF\x88\xF5 A-1".to_vec()));
        for text in ["", "8810-4000-0000-13", "髙﨑①㈱", "ｶｰﾄﾞ", "～−"] {
            for encoding in [CsvEncoding::Utf8, CsvEncoding::Cp932] {
                let back = encoding.encode(text).and_then(|bytes| encoding.decode(&bytes));
                assert!(back.as_deref().is_none_or(|back| back == text), "{text} {encoding:?}");
            }
        }
        for text in ["한국", "¥100", "‾", "🎫", "é"] {
            assert_eq!(CsvEncoding::Cp932.encode(text), None, "{text}");
            assert_eq!(CsvEncoding::Utf8.encode(text).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(CsvEncoding::Cp932.decode(b"\x89"), None);
        assert_eq!(CsvEncoding::Utf8.decode(b"\x89\xEF"), None);
    }
}
