//! The profile as TOML has it: names and types of members, nothing checked yet; spans for the errors that follow.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    pub(super) name: Spanned<String>,
    pub(super) version: Spanned<u16>,
    pub(super) files: Option<Spanned<String>>,
    pub(super) domain: Option<Spanned<Domain>>,
    pub(super) card: Option<Spanned<Card>>,
    pub(super) mf: Option<Spanned<Mf>>,
    #[serde(default)]
    pub(super) df: Vec<Df>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Domain {
    pub(super) aid: Option<Spanned<String>>,
    pub(super) key_field: Option<Spanned<String>>,
    pub(super) delivered: Delivered,
    pub(super) transport: Option<Spanned<LoadedSet>>,
    pub(super) issuer: LoadedSet,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delivered {
    pub(super) kvn: Spanned<String>,
    pub(super) key: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoadedSet {
    pub(super) kvn: Spanned<String>,
    pub(super) old_set: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card {
    pub(super) atr: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mf {
    pub(super) recovery: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) access: DfAccess,
    #[serde(default)]
    pub(super) wef: Vec<Wef>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Df {
    pub(super) name: Spanned<String>,
    pub(super) fid: Spanned<String>,
    pub(super) df_name: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) kvn: Option<Spanned<String>>,
    pub(super) sets: Option<Spanned<u8>>,
    #[serde(default)]
    pub(super) access: DfAccess,
    #[serde(default)]
    pub(super) wef: Vec<Wef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DfAccess {
    pub(super) delete_child: Option<Spanned<String>>,
    pub(super) create_ef: Option<Spanned<String>>,
    pub(super) create_df: Option<Spanned<String>>,
    pub(super) deactivate: Option<Spanned<String>>,
    pub(super) activate: Option<Spanned<String>>,
    pub(super) terminate: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wef {
    pub(super) name: Spanned<String>,
    pub(super) fid: Spanned<String>,
    pub(super) sfi: Option<Spanned<u8>>,
    pub(super) structure: Spanned<String>,
    pub(super) size: Option<Spanned<u16>>,
    pub(super) record_size: Option<Spanned<u16>>,
    pub(super) records: Option<Spanned<u16>>,
    pub(super) slots: Option<Spanned<u8>>,
    #[serde(default)]
    pub(super) access: EfAccess,
    #[serde(default)]
    pub(super) initial: Vec<Spanned<Initial>>,
    #[serde(default)]
    pub(super) field: Vec<Field>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EfAccess {
    pub(super) read: Option<Spanned<String>>,
    pub(super) update: Option<Spanned<String>>,
    pub(super) append: Option<Spanned<String>>,
    pub(super) deactivate: Option<Spanned<String>>,
    pub(super) activate: Option<Spanned<String>>,
    pub(super) terminate: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Initial {
    pub(super) hex: Option<Spanned<String>>,
    pub(super) text: Option<Spanned<String>>,
    pub(super) offset: Option<Spanned<u16>>,
    pub(super) record: Option<Spanned<u16>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Spanned<String>,
    pub(super) length: Option<Spanned<u16>>,
    pub(super) encoding: Option<Spanned<String>>,
    pub(super) bytes: Option<Spanned<u16>>,
    pub(super) check: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) personal: bool,
}
