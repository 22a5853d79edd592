//! Programs of others at the centre: a terminal in Python (`tests/peers/cardscript.py`: websockets, requests) that knows the published description alone,
//! and schemathesis, which walks that description.

use super::Centre;
use fuda_tests::Ended;
use fuda_tests::site::repository;
use fuda_tests::skip::skipped;
use fuda_tests_cluster::Engine;
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Requests that schemathesis makes for each operation.
const EXAMPLES: &str = "40";

#[test]
fn a_terminal_in_python_activates_and_reads_cards() {
    let test = "activation::foreign::a_terminal_in_python_activates_and_reads_cards";
    let Some(python) = python(test) else { return };
    let (centre, node) = Centre::new(Engine::Sqlite, 2);
    let url = format!("http://{}", node.address);
    let script = repository("tests/peers/cardscript.py");
    let port = centre.site.first_port().to_string();
    for (sale, transport) in [(0, "ws"), (1, "post")] {
        let session = |purpose: &str| -> Ended {
            let hand = centre.hand(sale);
            let token = centre.token(sale);
            let arguments = [script.to_str().unwrap(), &url, &token, &port, transport, purpose];
            let ended = centre.site.start(&python, &arguments).wait();
            centre.take_back(hand, sale);
            ended
        };
        assert_eq!(session("activate").done()["outcome"], "written");
        assert_eq!((centre.entitlement(sale), centre.life_cycle(sale)), ("consumed".into(), "activated".into()));
        let read = session("read").done();
        assert_eq!(read["outcome"], "read");
        assert!(read["shown"].as_array().unwrap().iter().any(|field| field[0] == json!("member_number")), "{read}");
    }
}

#[test]
fn schemathesis_finds_no_server_error() {
    let test = "activation::foreign::schemathesis_finds_no_server_error";
    let Some(python) = python(test) else { return };
    let (centre, node) = Centre::new(Engine::Sqlite, 1);
    let document = format!("http://{}/v1/openapi.json", node.address);
    let arguments = [
        "-m",
        "schemathesis.cli",
        "run",
        &document,
        "--checks",
        "not_a_server_error,response_schema_conformance,content_type_conformance",
        "--max-examples",
        EXAMPLES,
        "--generation-database",
        "none",
        "--no-color",
    ];
    let ended = centre.site.start(&python, &arguments).wait().exits(0);
    assert!(ended.stdout.contains("/v1/cardscript"), "{ended}");
    assert_eq!(centre.entitlement(0), "granted");
}

/// A Python that has the packages of `tests/peers/online.txt`: named, made by `cargo xtask peers`, or the machine's own.
fn python(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("FUDA_WEBPEERS_PYTHON").map(PathBuf::from);
    let made = repository("target/fuda/webpeers/bin/python");
    let found = named.into_iter().chain([made, PathBuf::from("python3")]).find(|python| {
        let import = Command::new(python)
            .args(["-c", "import requests, websockets, jsonschema, schemathesis"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        import.is_ok_and(|status| status.success())
    });
    if found.is_none() {
        skipped(test, "there is no Python with websockets, requests and schemathesis; `cargo xtask peers` makes one");
    }
    found
}
