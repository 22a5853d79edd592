//! OpenSC's `opensc-tool` sends plain commands to a blank chip, over both transmission protocols.

use super::pcscd::Pcsc;
use fuda_tests::skip::needs;
use std::path::Path;

/// A session's worth of commands; each must be answered by data and 9000.
const COMMANDS: [&str; 5] =
    ["00A4040008A00000015100000000", "80CA00E000", "80CA006600", "80CA9F7F00", "8050FF0008010203040506070800"];

#[test]
fn opensc_tool_reads_a_card_at_t0() {
    reads("peers::opensc::opensc_tool_reads_a_card_at_t0", "t0");
}

#[test]
fn opensc_tool_reads_a_card_at_t1() {
    reads("peers::opensc::opensc_tool_reads_a_card_at_t1", "t1");
}

fn reads(test: &str, protocol: &str) {
    let Some(tool) = needs(test, "opensc-tool") else { return };
    let Some(pcsc) = Pcsc::start(test) else { return };
    let _card = pcsc.blank_card(protocol, &["--trace", "trace"]);
    let answers = send(&pcsc, &tool, &COMMANDS);
    let [fci, keys, data, cplc, update] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(fci, "6F0A8408A000000151000000");
    assert_eq!(keys, "E012C00401FF8810C00402FF8810C00403FF8810");
    assert!(data.starts_with("6631732F06072A864886FC6B01") && data.ends_with("06092A864886FC6B040370"), "{data}");
    assert_eq!((cplc.len(), &cplc[..6]), (90, "9F7F2A"));
    // KDD, KVN, SCP03 with i = 70, challenge and cryptogram, the counter of a set that was never used before.
    assert_eq!(update.len(), 64, "{update}");
    assert_eq!((&update[20..26], &update[58..]), ("FF0370", "000001"));

    // T=0 fetches an answer in a second step, T=1 does not.
    let trace = std::fs::read_to_string(pcsc.site.path("trace")).unwrap();
    assert_eq!(trace.contains(" 00C00000"), protocol == "t0", "{trace}");
}

#[test]
fn opensc_tool_meets_an_empty_file_system() {
    let test = "peers::opensc::opensc_tool_meets_an_empty_file_system";
    let Some(tool) = needs(test, "opensc-tool") else { return };
    let Some(pcsc) = Pcsc::start(test) else { return };
    let _card = pcsc.blank_card("t1", &[]);
    let said = run(&pcsc, &tool, &["00A40000023F0000", "0084000008"]);
    assert!(said.contains("SW1=0x6A, SW2=0x82"), "no MF yet: {said}");
    let challenge = hex_lines(&said).pop().unwrap();
    assert_eq!(challenge.len(), 16, "{said}");
}

/// Sends commands that must succeed; what the card answered, in hex.
fn send(pcsc: &Pcsc, tool: &Path, commands: &[&str]) -> Vec<String> {
    let said = run(pcsc, tool, commands);
    assert_eq!(said.matches("SW1=0x90, SW2=0x00").count(), commands.len(), "{said}");
    hex_lines(&said)
}

/// `-c default`: without it the tool sends some fifty commands of its own first.
fn run(pcsc: &Pcsc, tool: &Path, commands: &[&str]) -> String {
    let mut arguments = vec!["-c", "default", "-r", "0"];
    arguments.extend(commands.iter().flat_map(|command| ["-s", command]));
    pcsc.client("opensc", tool, &arguments).exits(0).stdout
}

/// The hex dumps between the lines about sending and receiving, one for each answer with data.
fn hex_lines(said: &str) -> Vec<String> {
    let mut answers: Vec<String> = Vec::new();
    for line in said.lines() {
        if line.starts_with("Received") {
            answers.push(String::new());
        } else if let (Some(answer), false) = (answers.last_mut(), line.starts_with("Sending")) {
            // Sixteen bytes of hex, then the same as text.
            let bytes = line.split(' ').take(16).take_while(|word| word.len() == 2 && hex::decode(word).is_ok());
            answer.extend(bytes);
        }
    }
    answers.retain(|answer| !answer.is_empty());
    answers
}
