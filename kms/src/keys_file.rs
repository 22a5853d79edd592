//! `keys.toml`: the reviewed list of keys that a token must hold. Nothing is born that is not in it.

use crate::check_value::{CheckValue, Method};
use crate::label::TokenLabel;
use crate::length::KeyLength;
use crate::name::{KeyKind, KeyName, KeyVersion, NameError};
use crate::scheme::{Scheme, UnknownScheme};
use fuda_cli::{Failure, Source};
use serde::Deserialize;
use toml::Spanned;

/// Keys in one file: the largest site has a few dozen applications.
const KEYS_MAX: usize = 256;

/// The file as checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysFile {
    /// The token that the keys are for.
    pub token: TokenLabel,
    /// The keys: KEKs first, then as written.
    pub keys: Vec<KeyEntry>,
    token_offset: usize,
}

/// One `[[key]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its name.
    pub name: KeyName,
    /// Where its value comes from.
    pub source: KeySource,
    /// How the keys of a card come from it.
    pub scheme: Scheme,
    /// How long they are.
    pub length: KeyLength,
    /// The KEKs it is wrapped under at its birth; none means that it can never be exported.
    pub keks: Vec<KeyName>,
    /// The check value that it must have.
    pub check: Option<CheckValue>,
}

/// Where a key's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// Born in the token.
    Birth,
    /// The public GlobalPlatform test key 40..4F, which simulated blank chips carry.
    GpDefault,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    token: Spanned<String>,
    #[serde(default)]
    key: Vec<RawKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    name: Spanned<String>,
    public: Option<Spanned<String>>,
    scheme: Option<Spanned<String>>,
    bits: Option<Spanned<i64>>,
    #[serde(default)]
    kek: Vec<Spanned<String>>,
    check: Option<Spanned<String>>,
}

impl KeysFile {
    /// Parses the text of a keys.toml.
    ///
    /// # Errors
    /// `INPUT_INVALID` (exit 5) with file:line:column, what is wrong and what is allowed.
    pub fn parse(source: &Source) -> Result<Self, Failure> {
        let raw: RawFile = source.parse_toml()?;
        let token_offset = raw.token.span().start;
        let token = TokenLabel::new(raw.token.get_ref())
            .map_err(|error| Failure::input(source, token_offset, error.to_string(), error.remedy()))?;
        if raw.key.is_empty() || raw.key.len() > KEYS_MAX {
            let what = format!("{} keys are listed", raw.key.len());
            return Err(Failure::input(source, token_offset, what, "list 1 to 256 keys, each under [[key]]"));
        }
        let mut keys: Vec<KeyEntry> = Vec::with_capacity(raw.key.len());
        for key in &raw.key {
            let entry = entry(source, key)?;
            if keys.iter().any(|earlier| earlier.name == entry.name) {
                let what = format!("`{}` is listed twice", entry.name);
                return Err(Failure::input(source, key.name.span().start, what, "list each key once"));
            }
            keys.push(entry);
        }
        keys.sort_by_key(|key| !key.name.kind().is_kek());
        Ok(Self { token, keys, token_offset })
    }

    /// Refuses a file that is for another token than the one configured.
    ///
    /// # Errors
    /// `INPUT_INVALID` (exit 5).
    pub fn require_token(&self, source: &Source, configured: &TokenLabel) -> Result<(), Failure> {
        if self.token == *configured {
            return Ok(());
        }
        let what = format!("these keys are for token `{}`, and fuda.toml names `{configured}`", self.token);
        Err(Failure::input(source, self.token_offset, what, "use the fuda.toml of that token's duty"))
    }
}

fn entry(source: &Source, raw: &RawKey) -> Result<KeyEntry, Failure> {
    let name = key_name(source, &raw.name)?;
    let kind = name.kind();
    if let Some(public) = &raw.public {
        let offset = public.span().start;
        if public.get_ref() != "gp-default" {
            let what = format!("`{}` is no public key that we know", public.get_ref());
            return Err(Failure::input(source, offset, what, "give \"gp-default\", or leave `public` out"));
        }
        if name != KeyName::Initial {
            let what = format!("`{name}` may not be a public key");
            return Err(Failure::input(source, offset, what, "only `initial` may be public, and only at a test site"));
        }
    }
    let scheme = scheme(source, raw, &name)?;
    let length = length(source, raw, &name, scheme)?;
    let mut keks = Vec::with_capacity(raw.kek.len());
    for text in &raw.kek {
        let kek = key_name(source, text)?;
        let offset = text.span().start;
        let refused = |what, remedy| Err(Failure::input(source, offset, what, remedy));
        let Some(peer) = kek.peer().filter(|_| kek.kind() != KeyKind::CardKek) else {
            return refused(format!("`{kek}` wraps no keys"), "name keys like \"kek/backup\"");
        };
        if !kind.travels() || raw.public.is_some() {
            let remedy = "`kek` is for keys that card keys are derived from, for index, activation and vault";
            return refused(format!("`{name}` is not wrapped at its birth"), remedy);
        }
        if kek != KeyName::kek_of(kind, peer.clone()) {
            return refused(
                format!("`{kek}` lets no {} keys in", kind.as_str()),
                "vault travels under \"vault-kek/PEER\", every other key under \"kek/PEER\"",
            );
        }
        if keks.contains(&kek) {
            return Err(Failure::input(source, offset, format!("`{kek}` is named twice"), "name each KEK once"));
        }
        keks.push(kek);
    }
    let check = raw.check.as_ref().map(|text| check(source, text, kind)).transpose()?;
    let source = if raw.public.is_some() { KeySource::GpDefault } else { KeySource::Birth };
    Ok(KeyEntry { name, source, scheme, length, keks, check })
}

fn scheme(source: &Source, raw: &RawKey, name: &KeyName) -> Result<Scheme, Failure> {
    let Some(text) = &raw.scheme else { return Ok(Scheme::default()) };
    let refused = |what: String, remedy: &'static str| Err(Failure::input(source, text.span().start, what, remedy));
    if name.kind() != KeyKind::Derivation {
        return refused(
            format!("`{name}` derives no card keys"),
            "`scheme` is for keys that card keys are derived from",
        );
    }
    match text.get_ref().parse() {
        Ok(Scheme::Kdf3) => Ok(Scheme::Kdf3),
        Ok(Scheme::Fixed) if raw.public.is_some() => Ok(Scheme::Fixed),
        Ok(Scheme::Fixed) => refused(
            format!("`{name}` would be one secret key on every card"),
            "only a key with public = \"gp-default\" may have scheme \"fixed\"",
        ),
        Ok(Scheme::An10922) if raw.public.is_some() => {
            refused("blank chips carry no keys by AN10922".to_owned(), "give \"kdf3\" or \"fixed\"")
        }
        Ok(Scheme::An10922) => Ok(Scheme::An10922),
        Err(UnknownScheme) => refused(
            format!("`{}` is no scheme that we know", text.get_ref()),
            "give \"kdf3\" or \"an10922\"; \"fixed\" is for a public key only",
        ),
    }
}

fn key_name(source: &Source, text: &Spanned<String>) -> Result<KeyName, Failure> {
    text.get_ref().parse().map_err(|error: NameError| {
        let remedy = if text.get_ref().parse::<KeyVersion>().is_ok() {
            "leave the version out: keys are born as version 1"
        } else {
            NameError::ALLOWED
        };
        Failure::input(source, text.span().start, error.to_string(), remedy)
    })
}

fn length(source: &Source, raw: &RawKey, name: &KeyName, scheme: Scheme) -> Result<KeyLength, Failure> {
    let Some(bits) = &raw.bits else { return Ok(KeyLength::default()) };
    let refused = |what: String, remedy: &'static str| Err(Failure::input(source, bits.span().start, what, remedy));
    match KeyLength::from_bits(*bits.get_ref()) {
        _ if name.kind() != KeyKind::Derivation => {
            refused(format!("`{name}` has one length only"), "`bits` is for keys that card keys are derived from")
        }
        None => refused(format!("card keys of {} bits do not exist here", bits.get_ref()), "give 128 or 256"),
        Some(KeyLength::Aes256) if raw.public.is_some() || scheme != Scheme::Kdf3 => {
            refused("only kdf3 derives AES-256 card keys, and no public key is one".to_owned(), "leave `bits` out")
        }
        Some(length) => Ok(length),
    }
}

/// The check value of a kind in plain hex: its method follows from the kind.
fn check(source: &Source, text: &Spanned<String>, kind: KeyKind) -> Result<CheckValue, Failure> {
    let method = match kind {
        KeyKind::Derivation | KeyKind::Kek | KeyKind::CardKek | KeyKind::VaultKek | KeyKind::Vault => Method::Gp,
        KeyKind::Mac => Method::Cmac,
        KeyKind::Signature => Method::Point,
    };
    format!("{}:{}", method.as_str(), text.get_ref()).parse().map_err(|_| {
        let remedy = match method {
            Method::Cmac => "give 10 hex digits (CMAC of zeros)",
            Method::Point => "give 16 hex digits (SHA-256 of the public point)",
            Method::Gp | Method::P11 => "give 6 hex digits (GP key check value)",
        };
        Failure::input(source, text.span().start, format!("`{}` is no check value", text.get_ref()), remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<KeysFile, Failure> {
        KeysFile::parse(&Source::new("keys.toml", text))
    }

    #[test]
    fn keks_come_first_and_the_rest_as_written() {
        let file = parse(
            "token = \"factory\"\n[[key]]\nname = \"initial\"\npublic = \"gp-default\"\ncheck = \"AABBCC\"\n\
             [[key]]\nname = \"issuer\"\nkek = [\"kek/backup\"]\n[[key]]\nname = \"kek/backup\"\n",
        )
        .unwrap();
        let names: Vec<_> = file.keys.iter().map(|key| key.name.to_string()).collect();
        assert_eq!(names, ["kek/backup", "initial", "issuer"]);
        assert_eq!(file.keys[1].source, KeySource::GpDefault);
        assert_eq!(file.keys[1].check.as_ref().unwrap().to_string(), "gp:AABBCC");
        assert_eq!(file.keys[2].keks.len(), 1);
    }

    #[test]
    fn the_development_file_is_accepted() {
        let file = parse(include_str!("../../softhsm-config/keys.toml")).unwrap();
        assert_eq!(file.keys.len(), 13);
    }

    #[test]
    fn mistakes_are_named_with_line_and_column() {
        let with = |line: &str| format!("token = \"t\"\n[[key]]\n{line}\n");
        for (text, place, what) in [
            (String::new(), "keys.toml:1:1", "missing field `token`"),
            ("token = \"\"\n".to_owned(), "keys.toml:1:9", "no token label"),
            ("token = \"t\"\n".to_owned(), "keys.toml:1:9", "0 keys"),
            (with("name = \"isuer\""), "keys.toml:3:8", "no key name"),
            (with("name = \"issuer@1\""), "keys.toml:3:8", "no key name"),
            (with("nom = \"issuer\""), "keys.toml:3:1", "unknown field"),
            (with("name = \"issuer\"\npublic = \"gp-default\""), "keys.toml:4:10", "may not be a public key"),
            (with("name = \"initial\"\npublic = \"zeros\""), "keys.toml:4:10", "no public key that we know"),
            (with("name = \"issuer\"\nkek = [\"issuer\"]"), "keys.toml:4:8", "wraps no keys"),
            (with("name = \"issuer\"\nkek = [\"kek/a\", \"kek/a\"]"), "keys.toml:4:17", "named twice"),
            (with("name = \"issuer\"\nscheme = \"kdf4\""), "keys.toml:4:10", "no scheme that we know"),
            (with("name = \"issuer\"\nscheme = \"fixed\""), "keys.toml:4:10", "one secret key on every card"),
            (with("name = \"issuer\"\nbits = 192"), "keys.toml:4:8", "192 bits"),
            (with("name = \"vault\"\nbits = 256"), "keys.toml:4:8", "one length only"),
            (with("name = \"issuer\"\nscheme = \"an10922\"\nbits = 256"), "keys.toml:5:8", "only kdf3"),
            (
                with("name = \"initial\"\npublic = \"gp-default\"\nscheme = \"an10922\""),
                "keys.toml:5:10",
                "blank chips",
            ),
            (with("name = \"vault\"\nscheme = \"kdf3\""), "keys.toml:4:10", "derives no card keys"),
            (with("name = \"audit\"\nkek = [\"kek/a\"]"), "keys.toml:4:8", "not wrapped"),
            (with("name = \"issuer\"\nkek = [\"card-kek/a\"]"), "keys.toml:4:8", "wraps no keys"),
            (with("name = \"vault\"\nkek = [\"kek/a\"]"), "keys.toml:4:8", "lets no vault keys in"),
            (with("name = \"index\"\nkek = [\"vault-kek/a\"]"), "keys.toml:4:8", "lets no mac keys in"),
            (with("name = \"issuer\"\ncheck = \"AABB\""), "keys.toml:4:9", "no check value"),
            (with("name = \"issuer\"\n[[key]]\nname = \"issuer\""), "keys.toml:5:8", "listed twice"),
            (with("name = \"issuer\" x"), "keys.toml:3:17", "unexpected"),
        ] {
            let failure = parse(&text).unwrap_err();
            assert_eq!(failure.exit, fuda_cli::Exit::Input);
            assert_eq!(failure.place, place, "{failure}");
            assert!(failure.what.contains(what), "{failure}");
        }
    }

    #[test]
    fn a_file_for_another_token_is_refused_where_it_says_so() {
        let source = Source::new("keys.toml", "token = \"factory\"\n[[key]]\nname = \"issuer\"\n");
        let file = KeysFile::parse(&source).unwrap();
        file.require_token(&source, &TokenLabel::new("factory").unwrap()).unwrap();
        let failure = file.require_token(&source, &TokenLabel::new("issuer").unwrap()).unwrap_err();
        assert_eq!(failure.place, "keys.toml:1:9");
    }
}
