//! A small JSON reader and the one writer's helper that goes with it (RFC 8259).
//!
//! It reads what the binaries print and what a delivery holds. Numbers are kept as `f64`: no count of a job comes near
//! 2⁵³. Surrogate pairs in `\u` escapes are joined; a lone surrogate is an error.

use std::collections::BTreeMap;

/// Nesting beyond this is refused; a manifest needs four.
const DEPTH_MAX: u32 = 64;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl Value {
    /// The member of an object, one name after the other.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, name| match value {
            Value::Object(members) => members.get(*name),
            _ => None,
        })
    }

    /// A number that counts something.
    pub(crate) fn count(&self, path: &[&str]) -> Option<u64> {
        match self.at(path)? {
            // A count below 2⁵³ without a fraction is exact in an `f64`; the text form is the conversion that cannot truncate.
            Value::Number(n) if *n >= 0.0 && n.fract() == 0.0 && *n < 9.0e15 => format!("{n:.0}").parse().ok(),
            _ => None,
        }
    }

    /// Any number.
    pub(crate) fn number(&self, path: &[&str]) -> Option<f64> {
        match self.at(path)? {
            Value::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// A text.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads one value that fills the whole text.
///
/// # Errors
/// The byte offset and what was expected there.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.rest().is_empty() { Ok(value) } else { Err(reader.expected("the end")) }
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn expected(&self, what: &str) -> String {
        format!("byte {}: expected {what}", self.at)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: u32) -> Result<Value, String> {
        if depth > DEPTH_MAX {
            return Err(self.expected("less nesting"));
        }
        self.skip_space();
        match self.rest().chars().next() {
            Some('{') => self.object(depth),
            Some('[') => self.list(depth),
            Some('"') => self.string().map(Value::Text),
            Some('-' | '0'..='9') => self.digits(),
            _ if self.eat("true") => Ok(Value::Bool(true)),
            _ if self.eat("false") => Ok(Value::Bool(false)),
            _ if self.eat("null") => Ok(Value::Null),
            _ => Err(self.expected("a value")),
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value, String> {
        let mut members = BTreeMap::new();
        self.at += 1;
        self.skip_space();
        if self.eat("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.skip_space();
            if !self.eat(":") {
                return Err(self.expected("a colon"));
            }
            let value = self.value(depth + 1)?;
            if members.insert(name, value).is_some() {
                return Err(self.expected("each name once"));
            }
            self.skip_space();
            if self.eat("}") {
                return Ok(Value::Object(members));
            }
            if !self.eat(",") {
                return Err(self.expected("a comma or a closing brace"));
            }
        }
    }

    fn list(&mut self, depth: u32) -> Result<Value, String> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.eat("]") {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.eat("]") {
                return Ok(Value::List(items));
            }
            if !self.eat(",") {
                return Err(self.expected("a comma or a closing bracket"));
            }
        }
    }

    fn digits(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let length = rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(rest.len());
        let number =
            rest.get(..length).and_then(|digits| digits.parse().ok()).ok_or_else(|| self.expected("a number"))?;
        self.at += length;
        Ok(Value::Number(number))
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.eat("\"") {
            return Err(self.expected("a string"));
        }
        let mut out = String::new();
        loop {
            let c = self.rest().chars().next().ok_or_else(|| self.expected("a closing quote"))?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape()?),
                c if c < ' ' => return Err(self.expected("no control character")),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let c = self.rest().chars().next().ok_or_else(|| self.expected("an escape"))?;
        self.at += c.len_utf8();
        match c {
            '"' | '\\' | '/' => Ok(c),
            'b' => Ok('\u{8}'),
            'f' => Ok('\u{c}'),
            'n' => Ok('\n'),
            'r' => Ok('\r'),
            't' => Ok('\t'),
            'u' => self.unicode(),
            _ => Err(self.expected("a known escape")),
        }
    }

    fn unicode(&mut self) -> Result<char, String> {
        let high = self.hex4()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.expected("no lone surrogate"));
        }
        let low = if self.eat("\\u") { self.hex4()? } else { 0 };
        if !(0xDC00..0xE000).contains(&low) {
            return Err(self.expected("the second half of a surrogate pair"));
        }
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or_else(|| self.expected("a character"))
    }

    fn hex4(&mut self) -> Result<u32, String> {
        let digits = self.rest().get(..4).ok_or_else(|| self.expected("four hex digits"))?;
        let value = u32::from_str_radix(digits, 16).map_err(|_| self.expected("four hex digits"))?;
        self.at += 4;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, parse, quote};

    #[test]
    fn reads_what_the_binaries_print() {
        let value =
            parse(r#" {"counts":{"good":1000,"rate":3.5e1},"serials":["a\n\u00e9\ud83d\ude00"],"ok":true,"x":null} "#)
                .unwrap();
        assert_eq!(value.count(&["counts", "good"]), Some(1000));
        assert_eq!(value.number(&["counts", "rate"]), Some(35.0));
        assert_eq!(value.count(&["counts", "bad"]), None);
        assert_eq!(value.at(&["serials"]), Some(&Value::List(vec![Value::Text("a\né😀".into())])));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":2}",
            "01x",
            "\"\\ud800\"",
            "\"a",
            "nul",
            "1 2",
            "{a:1}",
            "\"\u{1}\"",
        ] {
            assert!(parse(text).is_err(), "{text:?} was read");
        }
        assert!(parse(&"[".repeat(10_000)).is_err(), "nesting without end was read");
    }

    #[test]
    fn quotes_what_it_can_read_back() {
        let text = "a\"b\\c\n\t\u{1}é";
        assert_eq!(parse(&quote(text)), Ok(Value::Text(text.into())));
    }
}
