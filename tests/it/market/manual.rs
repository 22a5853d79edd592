//! The walk-through of `docs/ONLINE.md`, run as it stands: a person who follows it gets as far as it says.

use super::printed;
use fuda_tests::skip::needs;
use fuda_tests::{Site, site};
use fuda_tests_cluster::Engine;
use std::process::Command;

const NAME: &str = "market::manual::the_walk_through_of_the_manual_goes_as_it_says";

/// The one shell script of the manual.
fn script() -> String {
    let text = std::fs::read_to_string(site::repository("docs/ONLINE.md")).unwrap();
    let blocks: Vec<&str> = text.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0).collect();
    assert_eq!(blocks.len(), 1, "one walk-through");
    blocks[0].to_owned()
}

#[test]
fn the_walk_through_of_the_manual_goes_as_it_says() {
    if ["curl", "jq", "openssl"].into_iter().any(|program| needs(NAME, program).is_none()) {
        return;
    }
    let site = Site::on(Engine::Sqlite);
    let (delivery, codes) = printed(&site, 1);
    site.open_market();
    site.trust(&delivery);
    site.write_secret("till.key", "key-of-the-retailer-ueno");
    site.edit("fuda.toml", "indexed = ", "till_keys = [\"till.key\"]\nrequire_sale = true\nindexed = ");
    let _ = site.issuer(&["stock", "import", delivery.folder.to_str().unwrap()]).done();
    let node = site.node(&["--dev"]);
    let card = &delivery.cards[0];
    let ran = Command::new("sh")
        .args(["-eu", "-c", &script()])
        .current_dir(site.path(""))
        .env("CENTRE", format!("http://{}", node.address))
        .env("PRINTED", &card["printed"])
        .env("CODE", &codes[&card["serial"]])
        .output()
        .unwrap();
    let (said, wrong) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success(), "{said}{wrong}");
    let last_four = &card["printed"][card["printed"].len() - 4..];
    assert_eq!(said.lines().collect::<Vec<_>>(), ["sold", last_four, "true"], "{wrong}");
    let export: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(site.path("export.json")).unwrap()).unwrap();
    assert_eq!(
        (&export["fields"]["email"], &export["orders"][0]["state"]),
        (&"hanako@example.org".into(), &"granted".into())
    );
}
