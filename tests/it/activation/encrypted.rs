//! TLS between the real centre and the real terminal: what it carries, and whom it refuses.

use super::Centre;
use fuda_tests::Ended;
use fuda_tests::centre::{certificate, expired_certificate};
use fuda_tests::market::Node;
use fuda_tests::program::binary;
use fuda_tests::skip::skipped;
use fuda_tests_cluster::Engine;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A terminal that trusts the certificates of a file.
fn activate(centre: &Centre, sale: usize, url: &str, ca: &Path, transport: &str) -> Ended {
    let hand = centre.hand(sale);
    let reader = format!("vpcd:127.0.0.1:{}", centre.site.first_port());
    let (token, ca) = (centre.token(sale), ca.to_str().unwrap());
    let arguments =
        ["activate", "--json", "--no-input", "--centre", url, "--ca", ca, "--reader", &reader, "--order", &token];
    let more = ["--transport", transport, "--patience", "5"];
    let ended = centre.site.start(&binary("fuda-terminal"), &[&arguments[..], &more].concat()).wait();
    centre.take_back(hand, sale);
    ended
}

/// A node that shows a certificate.
fn node(centre: &Centre, certificate: &(PathBuf, PathBuf)) -> Node {
    centre.site.encrypt(certificate);
    let node = centre.site.node(&[]);
    assert!(node.url.starts_with("https://127.0.0.1:"), "{}", node.url);
    node
}

/// What the centre says to a client that speaks these versions of TLS alone; the version that was agreed on.
fn handshake(node: &Node, ca: &Path, versions: &[&'static SupportedProtocolVersion]) -> Result<String, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_protocol_versions(versions).unwrap().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(&node.address).unwrap();
    while client.is_handshaking() {
        if let Err(error) = client.complete_io(&mut stream) {
            return Err(error.into_inner().unwrap().downcast_ref::<rustls::Error>().unwrap().clone());
        }
    }
    Ok(format!("{:?}", client.protocol_version().unwrap()))
}

#[test]
fn cards_are_activated_over_tls_by_websocket_and_post() {
    let (centre, _dev) = Centre::new(Engine::Sqlite, 2);
    let Some(certificate) = certificate(&centre.site, "centre", "IP:127.0.0.1") else {
        return skipped("activation::encrypted::cards_are_activated_over_tls", "there is no `openssl`");
    };
    let node = node(&centre, &certificate);
    for (sale, transport) in [(0, "ws"), (1, "post")] {
        let report = activate(&centre, sale, &node.url, &certificate.0, transport).done();
        let told = (&report["outcome"], &report["transport"], &report["round_trips_card_held"], &report["resent"]);
        assert_eq!(told, (&json!("written"), &json!(transport), &json!(0), &json!(0)), "{report}");
        assert_eq!((centre.entitlement(sale), centre.life_cycle(sale)), ("consumed".into(), "activated".into()));
    }
    assert_eq!(handshake(&node, &certificate.0, &[&TLS13]).unwrap(), "TLSv1_3");
}

#[test]
fn a_client_of_older_tls_or_of_none_is_not_served() {
    let (centre, _dev) = Centre::new(Engine::Sqlite, 1);
    let Some(certificate) = certificate(&centre.site, "centre", "IP:127.0.0.1") else {
        return skipped("activation::encrypted::a_client_of_older_tls", "there is no `openssl`");
    };
    let node = node(&centre, &certificate);
    let refused = handshake(&node, &certificate.0, &[&TLS12]).unwrap_err();
    assert_eq!(refused, rustls::Error::AlertReceived(AlertDescription::ProtocolVersion));
    let mut plain = TcpStream::connect(&node.address).unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: centre\r\nConnection: close\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    // It may also be a connection that is reset.
    let _ = plain.read_to_end(&mut heard);
    assert!(!heard.windows(5).any(|word| word == b"HTTP/" || word == b"alive"), "{heard:?}");
}

#[test]
fn a_centre_that_cannot_prove_its_name_gets_no_token() {
    let (centre, _dev) = Centre::new(Engine::Sqlite, 1);
    let make = |name: &str, alternatives: &str| certificate(&centre.site, name, alternatives);
    let (Some(other), Some(stranger)) = (make("other", "DNS:elsewhere.example"), make("stranger", "IP:127.0.0.1"))
    else {
        return skipped("activation::encrypted::a_centre_that_cannot_prove_its_name", "there is no `openssl`");
    };
    let expired = expired_certificate(&centre.site).unwrap();
    for (shown, trusted) in [(&other, &other), (&stranger, &other), (&expired, &expired)] {
        let node = node(&centre, shown);
        for transport in ["ws", "post"] {
            let failure = activate(&centre, 0, &node.url, &trusted.0, transport).fails(10, "CENTRE_CERTIFICATE");
            assert!(failure.remedy.contains("the order is as it was"), "{failure:?}");
        }
        let sessions = centre.site.database().count("SELECT COUNT(*) FROM online_session");
        assert_eq!(sessions, 0, "{}", shown.0.display());
    }
    assert_eq!(centre.entitlement(0), "granted");
}
