//! `atr.json`: answers to reset of cards on sale, and broken ones.

use crate::load::{self, hex, text};
use fuda_card::atr::{Atr, AtrBuilder, Convention, Kind, OperatingMode};
use serde_json::{Map, Value, json};

#[test]
fn atrs_say_what_other_programs_read_in_them() {
    for file in load::public("atr") {
        for vector in file.list("vectors") {
            let bytes = hex(vector, "atr");
            let atr = Atr::inspect(&bytes);
            let found = described(&atr);
            for (key, expected) in vector["expect"].as_object().unwrap() {
                let value = found.get(key).unwrap_or(&Value::Null);
                assert_eq!(value, expected, "{}: {key}", text(vector, "atr"));
            }
            if atr.is_valid() {
                assert_eq!(rebuilt(&atr), bytes, "{}", text(vector, "atr"));
            }
        }
    }
}

/// An ATR in the words of the vector file.
fn described(atr: &Atr) -> Map<String, Value> {
    let mut map = Map::new();
    let errors: Vec<String> = atr.errors.iter().map(ToString::to_string).collect();
    map.insert("valid".into(), json!(errors.is_empty()));
    map.insert("errors".into(), json!(errors));
    map.insert("tck_required".into(), json!(atr.tck_required()));
    map.insert("protocols".into(), json!(atr.protocols));
    map.insert(
        "convention".into(),
        match atr.convention {
            Some(Convention::Direct) => json!("direct"),
            Some(Convention::Inverse) => json!("inverse"),
            None => Value::Null,
        },
    );
    let interface = atr.interface.iter().map(|(byte, value)| (byte.to_string(), json!(format!("{value:02x}"))));
    map.insert("interface_bytes".into(), Value::Object(interface.collect()));
    map.insert("tck".into(), atr.tck.map_or(Value::Null, |tck| json!(format!("{tck:02x}"))));
    map.insert("historical".into(), atr.historical.as_ref().map_or(Value::Null, |bytes| json!(hex::encode(bytes))));
    if let Some(speed) = atr.speed() {
        map.insert("Fi".into(), json!(speed.fi));
        map.insert("Di".into(), json!(speed.di));
        if let Some(khz) = speed.f_max_khz {
            let whole = json!(khz / 1000);
            let mhz = if khz % 1000 == 0 { whole } else { json!(f64::from(khz) / 1000.0) };
            map.insert("fmax_mhz".into(), mhz);
        }
    }
    map.insert(
        "mode".into(),
        match atr.operating_mode() {
            OperatingMode::Negotiable => json!("negotiable"),
            OperatingMode::Specific { protocol } => json!(format!("specific T={protocol}")),
        },
    );
    let historical = atr.historical();
    let warnings = historical.iter().flat_map(|bytes| &bytes.warnings).map(ToString::to_string);
    map.insert("warnings".into(), json!(warnings.collect::<Vec<_>>()));
    if let Some(historical) = historical {
        map.insert("category_indicator".into(), json!(format!("{:02x}", historical.category)));
        if let Some(status) = historical.status {
            map.insert("status_indicator".into(), json!(hex::encode(status)));
        }
        if let Some(objects) = historical.objects {
            let objects = objects.iter().map(|(tag, value)| (format!("{tag:x}"), json!(hex::encode(value))));
            map.insert("compact_tlv".into(), Value::Object(objects.collect()));
        }
    }
    map
}

fn rebuilt(atr: &Atr) -> Vec<u8> {
    let announced = atr.interface.iter().any(|(byte, _)| byte.kind == Kind::D);
    let mut builder = AtrBuilder::new()
        .convention(atr.convention.unwrap())
        .protocols(if announced { &atr.protocols } else { &[] })
        .historical(atr.historical.as_ref().unwrap());
    for (byte, value) in &atr.interface {
        if byte.kind != Kind::D {
            builder = builder.interface(byte.kind, byte.group, *value);
        }
    }
    builder.build().unwrap()
}

#[test]
fn a_wrong_check_byte_is_named() {
    let mut bytes = AtrBuilder::new().protocols(&[1]).historical(b"FUDA").build().unwrap();
    assert!(Atr::parse(&bytes).is_ok());
    *bytes.last_mut().unwrap() ^= 0x01;
    assert!(Atr::parse(&bytes).unwrap_err().to_string().starts_with("TCK is"));
}
