//! The files of `examples/` are what the parsers read today.

use std::collections::BTreeSet;
use std::path::Path;

use fuda_cli::Source;
use fuda_cli::config::{self, Mode};
use fuda_factory::delivery::verify;
use fuda_factory::order::Order;
use serde_json::Value;

use crate::delivery::receipt_key;
use crate::example;

#[test]
fn orders_and_their_serials_are_read() {
    for name in ["order.toml", "order.csv"] {
        let order = Order::read(&example(name)).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(order.serials(&example("")).is_ok(), "{name}");
    }
}

#[test]
fn the_configuration_is_read() {
    let source = Source::read(&example("fuda.toml")).unwrap();
    let config = config::parse(&source, Path::new("/etc/fuda")).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!((config.site.name.as_str(), config.site.mode), ("kawagoe-2", Mode::Test));
    assert_eq!(config.store.url, "sqlite:/etc/fuda/factory.db");
}

#[test]
fn the_delivery_is_sound() {
    let report = verify(&example("delivery"), Some(&receipt_key(0x11))).unwrap();
    assert!(report.is_sound(), "{report}");
}

fn schema(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Every member of `value` is a property of `schema`, every required property is a member, all the way down.
fn fits(value: &Value, schema: &Value, path: &str) {
    match (value, schema.get("properties"), schema.get("items")) {
        (Value::Object(members), Some(Value::Object(properties)), _) => {
            let names: BTreeSet<&String> = members.keys().collect();
            assert_eq!(names, properties.keys().collect(), "{path}");
            let required: BTreeSet<&str> =
                schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(required, properties.keys().map(String::as_str).collect(), "{path}: all members are required");
            assert_eq!(schema["additionalProperties"], Value::Bool(false), "{path}");
            for (name, member) in members {
                fits(member, &properties[name], &format!("{path}.{name}"));
            }
        }
        (Value::Array(items), _, Some(schema)) => {
            items.iter().for_each(|item| fits(item, schema, &format!("{path}[]")));
        }
        (leaf, None, None) => {
            let wanted = schema["type"].as_str().unwrap_or_else(|| panic!("{path} has no type"));
            let found = if leaf.is_u64() { "integer" } else { "string" };
            assert_eq!(found, wanted, "{path}");
            if let Some(words) = schema.get("enum").and_then(Value::as_array) {
                assert!(words.contains(leaf), "{path}: {leaf}");
            }
        }
        _ => panic!("{path}: {value} does not fit {schema}"),
    }
}

#[test]
fn the_schemas_describe_the_files() {
    let manifest = std::fs::read_to_string(example("delivery/manifest.json")).unwrap();
    fits(&serde_json::from_str(&manifest).unwrap(), &schema("manifest.schema.json"), "manifest");
    let cards = std::fs::read_to_string(example("delivery/cards.jsonl")).unwrap();
    for line in cards.lines() {
        fits(&serde_json::from_str(line).unwrap(), &schema("card.schema.json"), "card");
    }
}
