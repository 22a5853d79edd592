//! What a card is, told to a person in English or Japanese, or to a program.

use fuda_card::fcp::LifeCycle;
use fuda_card::personalisation::{Stage, StageRecord};
use fuda_card::recognise::{Kind, Recognised, Said};
use fuda_cli::globals::Lang;
use serde_json::{Value, json};

/// A card in a reader.
#[derive(Debug, Clone)]
pub struct Report {
    /// The reader.
    pub reader: String,
    /// T=0 or T=1, where the reader tells.
    pub protocol: Option<u8>,
    /// What the card says.
    pub said: Said,
}

impl Report {
    /// One object.
    #[must_use]
    pub fn object(&self) -> Value {
        let Self { reader, protocol, said } = self;
        let Recognised { kind, under_way } = said.recognise();
        let keys = said.keys.iter().map(|key| {
            json!({ "kid": key.kid, "kvn": key.kvn.to_string(), "type": format!("{:02X}", key.key_type), "bytes": key.length })
        });
        let applications = said.applications.iter().map(|fcp| {
            json!({
                "df_name": fcp.df_name.as_ref().map(ToString::to_string),
                "fid": fcp.fid.map(|fid| fid.to_string()),
                "life_cycle": fcp.life_cycle.map(|life| word(life, Lang::En)),
            })
        });
        let channels = said.card_data.iter().flat_map(|data| &data.channels);
        json!({
            "reader": reader,
            "card": kind.as_str(),
            "under_way": under_way.map(Stage::number),
            "atr": hex::encode_upper(&said.atr),
            "protocol": protocol,
            "chip": said.kdd.map(|kdd| kdd.to_string()),
            "domain": said.domain.as_ref().and_then(|domain| domain.df_name.as_ref()).map(ToString::to_string),
            "life_cycle": said.domain.as_ref().and_then(|domain| domain.life_cycle).map(|life| word(life, Lang::En)),
            "key_sets": said.key_sets().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "keys": keys.collect::<Vec<_>>(),
            "applications": applications.collect::<Vec<_>>(),
            "stages": said.records.iter().map(record).collect::<Vec<_>>(),
            "secure_channels": channels.map(|scp| format!("SCP{:02X} i={:02X}", scp.scp, scp.i)).collect::<Vec<_>>(),
            "cplc": said.cplc.as_ref().map(|cplc| hex::encode_upper(cplc.as_bytes())),
        })
    }

    /// Lines for a person; what the card does not say has none.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let Self { reader, protocol, said } = self;
        let labels = Labels::of(lang);
        let mut lines = vec![format!("{reader}: {}", sentence(said.recognise(), lang))];
        let mut line = |label: &str, text: String| {
            if !text.is_empty() {
                lines.push(format!("  {label}: {text}"));
            }
        };
        line(labels.chip, said.kdd.map(|kdd| kdd.to_string()).unwrap_or_default());
        let protocol = protocol.map(|number| format!(" (T={number})")).unwrap_or_default();
        if !said.atr.is_empty() {
            line("ATR", format!("{}{protocol}", hex::encode_upper(&said.atr)));
        }
        if let Some(domain) = &said.domain {
            let life = domain.life_cycle.map(|life| format!(" ({})", word(life, lang))).unwrap_or_default();
            line(labels.domain, domain.df_name.as_ref().map(|name| format!("{name}{life}")).unwrap_or_default());
        }
        let sets = said.key_sets();
        line(labels.key_sets, sets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        for fcp in &said.applications {
            let name = fcp.df_name.as_ref().map(ToString::to_string).unwrap_or_default();
            let life = fcp.life_cycle.map(|life| format!(" ({})", word(life, lang))).unwrap_or_default();
            line(labels.application, format!("{name}{life}"));
        }
        for StageRecord { stage, profile, tag } in &said.records {
            let (profile, tag) = (hex::encode(profile), hex::encode(tag.as_bytes()));
            line(labels.stage, format!("{} ({} {profile}, {} {tag})", stage.number(), labels.profile, labels.lot));
        }
        let channels = said.card_data.iter().flat_map(|data| &data.channels);
        let channels: Vec<String> = channels.map(|scp| format!("SCP{:02X} i={:02X}", scp.scp, scp.i)).collect();
        line(labels.channels, channels.join(", "));
        if let Some(cplc) = &said.cplc {
            let (chip, serial) = (hex::encode_upper(cplc.chip_type()), hex::encode_upper(cplc.serial_number()));
            line("CPLC", format!("{} {chip}, {} {serial}", labels.chip_type, labels.serial));
        }
        lines.join("\n")
    }
}

fn record(record: &StageRecord) -> Value {
    json!({
        "stage": record.stage.number(),
        "profile": hex::encode(record.profile),
        "lot_tag": hex::encode(record.tag.as_bytes()),
    })
}

/// What it is, and whether somebody stopped in the middle.
fn sentence(Recognised { kind, under_way }: Recognised, lang: Lang) -> String {
    let what = match (kind, lang) {
        (kind, Lang::En) => kind.meaning(),
        (Kind::Blank, Lang::Ja) => "未発行(blank):チップ製造者の出荷状態",
        (Kind::Zeroth, Lang::Ja) => "0次発行済み(zeroth)",
        (Kind::First, Lang::Ja) => "1次発行済み(first):販売可能",
        (Kind::Active, Lang::Ja) => "利用中(active)",
        (Kind::Gp, Lang::Ja) => "GlobalPlatformカード(gp):当システムのファイルなし",
        (Kind::Foreign, Lang::Ja) => "対象外のカード(foreign)",
    };
    match (under_way, lang) {
        (None, _) => what.to_owned(),
        (Some(stage), Lang::En) => format!("{what}; stage {} was begun and not completed", stage.number()),
        (Some(stage), Lang::Ja) => format!("{what};{}次発行が途中で止まっています", stage.number()),
    }
}

/// A life cycle in one word.
fn word(life: LifeCycle, lang: Lang) -> String {
    let (en, ja) = match life {
        LifeCycle::NoInformation => ("unknown", "不明"),
        LifeCycle::Creation => ("creation", "生成中"),
        LifeCycle::Initialisation => ("initialisation", "初期化中"),
        LifeCycle::Deactivated => ("deactivated", "停止"),
        LifeCycle::Activated => ("activated", "有効"),
        LifeCycle::Terminated => ("terminated", "廃止"),
        LifeCycle::Other(byte) => return format!("{byte:02X}"),
    };
    match lang {
        Lang::En => en.to_owned(),
        Lang::Ja => ja.to_owned(),
    }
}

/// The names of the lines.
struct Labels {
    chip: &'static str,
    domain: &'static str,
    key_sets: &'static str,
    application: &'static str,
    stage: &'static str,
    profile: &'static str,
    lot: &'static str,
    channels: &'static str,
    chip_type: &'static str,
    serial: &'static str,
}

impl Labels {
    const fn of(lang: Lang) -> Self {
        match lang {
            Lang::En => Self {
                chip: "chip",
                domain: "domain",
                key_sets: "key sets",
                application: "application",
                stage: "stage",
                profile: "profile",
                lot: "lot tag",
                channels: "secure channels",
                chip_type: "type",
                serial: "serial number",
            },
            Lang::Ja => Self {
                chip: "チップ",
                domain: "ドメイン",
                key_sets: "鍵セット",
                application: "アプリケーション",
                stage: "発行段階",
                profile: "プロファイル",
                lot: "ロット識別子",
                channels: "セキュアチャネル",
                chip_type: "種別",
                serial: "製造番号",
            },
        }
    }
}
