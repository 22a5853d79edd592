//! Values as text: closed lists of words, and types that are written as they are printed.

/// A closed list of words, as a column or a JSON value holds them.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)* })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $text)] $word,)* }

        impl $name {
            /// The word in files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)* }
            }

            /// The word read back.
            #[must_use]
            pub fn from_word(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$word),)* _ => None }
            }
        }
    )* };
}
pub(super) use words;

/// A value as its text, both ways.
pub(super) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::delivery) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::delivery) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr + Display,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let value = text.parse::<T>().ok().filter(|value| value.to_string() == text);
        value.ok_or_else(|| de::Error::custom(format_args!("`{text}` is not understood")))
    }
}

/// The number of a key set as a JSON number.
pub(super) mod as_number {
    use fuda_card::id::Kvn;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::delivery) fn serialize<S: Serializer>(kvn: &Kvn, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(kvn.to_u8())
    }

    pub(in crate::delivery) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kvn, D::Error> {
        u8::deserialize(deserializer).map(Kvn::new)
    }
}

/// A list of values as their texts, both ways.
pub(super) mod as_texts {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::delivery) fn serialize<T: Display, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(in crate::delivery) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let parse =
            |text: &String| text.parse().map_err(|_| de::Error::custom(format_args!("`{text}` is not understood")));
        texts.iter().map(parse).collect()
    }
}
