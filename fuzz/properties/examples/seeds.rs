//! Writes the seeds of every corpus: `cargo run -p fuda-fuzz-properties --example seeds`.
//!
//! They come from the project's own vectors, its profiles and an issuance dialogue; what a fuzzer found later lies
//! beside them under names that begin with a digest.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a developer's tool on the project's own files")]

use fuda_card_sim::atr::atr;
use fuda_card_sim::make::{Domain, Make};
use fuda_card_sim::state::Protocol;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn main() {
    apdu();
    fcp_and_tlv();
    for (make, name) in [(Make::Files, ""), (Make::Domain(Domain::issuer()), "-no-files")] {
        seed("atr", &format!("t0{name}"), &atr(Protocol::T0, &make));
        seed("atr", &format!("t1{name}"), &atr(Protocol::T1, &make));
    }
    seed("atr", "interface-bytes", &hex("3BF71100008131FE454A434F507632343178"));
    seed("atr", "t1-historical", &hex("3B86810146454153475000"));
    for name in ["membership-1ap", "membership-4ap", "gp-isd", "gp-isd-transport"] {
        let text = std::fs::read(root().join("profiles").join(format!("{name}.toml"))).unwrap();
        seed("profile", name, &text);
    }
    scp03();
    vpcd();
    dialogue();
    card_script();
    verdict();
}

/// One message of each kind, and a script with a card that does as it is told, one that does not, and one that is gone.
fn card_script() {
    let sid = "000102030405060708090A0B0C0D0E0F";
    let terminal = [
        (
            "open",
            r#""seq":0,"purpose":"activate","order":"K7QF-0001","terminal":{"name":"t/1","transport":"ws"},"locale":"ja","card":{"kdd":"00010203040506070809"}"#,
        ),
        ("result", r#""seq":1,"id":"0011223344556677","n":2,"r":["9000"],"end":"card_gone","at":1,"t":[12]"#),
        ("answer", r#""seq":1,"yes":true"#),
        ("resume", r#""seq":1"#),
        ("cancel", r#""seq":2"#),
        ("ask", r#""seq":0,"what":"put_card_in","text":"Put the card in""#),
        ("wait", r#""seq":0,"ms":1000,"text":"""#),
        (
            "done",
            r#""seq":1,"outcome":"written","receipt":{"body":"{}","key":"receipt@1","signature":"00"},"shown":[["expiry","2027-04"]],"text":"""#,
        ),
        ("error", r#""seq":0,"code":"ORDER_NOT_PAID","retriable":true,"who":"member","text":"","trace":"0011""#),
    ];
    for (kind, rest) in terminal {
        seed("cardscript", kind, format!(r#"{{"type":"{kind}","sid":"{sid}",{rest}}}"#).as_bytes());
    }
    let script = format!(
        r#"{{"type":"script","sid":"{sid}","seq":0,"id":"0011223344556677","expires":"","budget_ms":5000,"steps":[{{"c":"00A4040000","ms":500,"percent":5}},{{"c":"8050300008","sw":["9000","63"],"match":[{{"offset":1,"mask":"FF0F","value":"0102"}}],"ms":500,"p":"meeting","percent":10}},{{"c":"00","stop":"go_on","ms":9,"percent":100}}]}}"#
    );
    for (name, answers) in [
        ("script-done", "029000 0500011290 00 026A82"),
        ("script-match", "029000 0500011390 00"),
        ("script-status", "026A82"),
        ("script-gone", "029000 FF"),
        ("script-late", "029000 0500011290 00 0A00000000000000009000"),
    ] {
        let answers = hex(&answers.replace(' ', ""));
        seed("cardscript", name, &[script.as_bytes(), &[0], &answers].concat());
    }
}

fn verdict() {
    for (name, changes) in [
        ("none", ""),
        ("initialize-update", "01000003"),
        ("first-record", "04000003"),
        ("swapped", "440600"),
        ("cut", "9000"),
        ("refused", "C500026A82"),
        ("other-card", "C10022EE010203040506070809300370000000000000000000000000000000000000019000"),
        ("two", "05000102 0A00 0304"),
    ] {
        seed("verdict", name, &hex(&changes.replace(' ', "")));
    }
}

fn apdu() {
    for vector in vectors("apdu_encoding")["vectors"].as_array().unwrap() {
        // The vectors at the upper limits say only their length; a seed that long would slow the fuzzer down.
        let bytes = hex::decode(vector["encoded"].as_str().unwrap_or_default()).unwrap_or_default();
        if (1..=600).contains(&bytes.len()) {
            seed("apdu", vector["id"].as_str().unwrap(), &bytes);
        }
    }
}

/// Everything in the FCP vectors that is a template, for the two targets that read it.
fn fcp_and_tlv() {
    let mut templates = Vec::new();
    collect(&vectors("fcp_create_file"), &mut templates);
    for (number, template) in templates.iter().enumerate() {
        seed("fcp", &format!("template-{number:02}"), template);
        seed("tlv", &format!("template-{number:02}"), template);
    }
    seed("tlv", "card-data", &hex("6625732306072A864886FC6B01600B06092A864886FC6B02020301630906072A864886FC6B03"));
    seed("tlv", "long-length", &[&hex("7F218180")[..], &[0x55; 128]].concat());
    seed("tlv", "longest-short-length", &[&hex("C07F")[..], &[0x55; 127]].concat());
    seed("tlv", "nested", &hex("6110610E610C610A6108610661046102C000"));
}

fn collect(value: &Value, templates: &mut Vec<Vec<u8>>) {
    match value {
        Value::String(text) if text.starts_with("62") && text.len() > 8 => templates.extend(hex::decode(text).ok()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, templates)),
        Value::Object(members) => members.values().for_each(|value| collect(value, templates)),
        _ => {}
    }
}

fn scp03() {
    for vector in vectors("scp03_transcripts_synthetic")["vectors"].as_array().unwrap() {
        let id = vector["id"].as_str().unwrap();
        let mode = if vector["mode"] == "S16" { 0x80 } else { 0x00 };
        let answers = vector["steps"].as_array().unwrap().iter().filter_map(|step| step["rapdu"].as_str());
        for (number, answer) in answers.enumerate().filter(|(number, _)| *number != 1).take(4) {
            let answer = hex(answer);
            let (what, data) = if number == 0 { (0, &answer[..answer.len() - 2]) } else { (2, answer.as_slice()) };
            seed("scp03", &format!("{id}-{number}"), &[&[what, mode | 5, 0][..], data].concat());
        }
    }
    for level in 0..6 {
        for (what, flip) in [(1, 0), (1, 9), (3, 0), (3, 9)] {
            let input = [&[what, level | (flip << 7 & 0x80), flip][..], b"answer data"].concat();
            seed("scp03", &format!("made-{what}-{level}-{flip}"), &input);
        }
    }
}

fn vpcd() {
    let frame = |text: &str| {
        let message = hex(text);
        [&u16::try_from(message.len()).unwrap().to_be_bytes()[..], &message].concat()
    };
    let lines = ["01", "04", "00A4040000", "8050FF00085A5A5A5A5A5A5A5A00", "02", "00CA004500", "00"];
    let whole: Vec<u8> = lines.into_iter().flat_map(frame).collect();
    seed("vpcd", "inserted-asked-ejected", &[&[255][..], &whole].concat());
    seed("vpcd", "byte-by-byte", &[&[1][..], &whole].concat());
    seed("vpcd", "cut-in-a-message", &[&[3][..], &whole[..whole.len() - 5]].concat());
    seed("vpcd", "no-power", &[&[9][..], &frame("04"), &frame("00A4040000")].concat());
    seed("vpcd", "empty-and-unknown", &[&[9][..], &frame(""), &frame("07"), &frame("01"), &frame("FFFF")].concat());
}

fn dialogue() {
    let plain = |command: &str| operation(0, command);
    let protected = |command: &str| operation(2, command);
    let issuer = vec![0x06, 0x00, 0x04, 0x30, 0x02, 0x05];
    let application = vec![0x06, 0x01, 0x04, 0x30, 0x04, 0x05];
    let create_df = "00E000001F621D8201388302DF028407F04655444100028A01038C087FFFE2E1E2FFE2E2";
    let create_ef = "00E000001562138002002882010183020021 8A01058C0303E1E1";
    let scenes: [(&str, Vec<Vec<u8>>); 12] = [
        (
            "in-parts",
            vec![
                application.clone(),
                in_parts(3, "00D6910008CAFEBABECAFEBABE"),
                protected("10D6910002CAFE"),
                protected("00B0910004"),
                plain("10A4040C04F0465544"),
                plain("00A4040C03410001"),
            ],
        ),
        (
            "objects",
            vec![
                issuer.clone(),
                protected("80E29000125F500F68747470733A2F2F782E6578616D706C65"),
                protected("80E2100003420393"),
                protected("80E29001029999"),
                protected("80CA004200"),
                plain("80CA5F5000"),
            ],
        ),
        (
            "r-mac-session",
            vec![
                vec![0x06, 0x01, 0x04, 0x30, 0x04, 0x01],
                protected("807A10010100"),
                protected("00B0910004"),
                protected("80780003"),
            ],
        ),
        (
            "issuer-creates",
            vec![
                issuer.clone(),
                protected(create_df),
                protected(&create_ef.replace("0021", "0022")),
                protected("00E40000020022"),
                protected("00A4000C023F00"),
                protected("00FE0000"),
            ],
        ),
        (
            "application-writes",
            vec![
                application.clone(),
                protected("00D6910004CAFEBABE"),
                protected("00B0910004"),
                protected("00DC021420 1111111111111111111111111111111111111111111111111111111111111111"),
                protected("00B2021400"),
                protected("00B0000000"),
            ],
        ),
        (
            "application-rotates",
            vec![
                application.clone(),
                vec![0x05, 0x00, 0x31, 0x05, 0x04],
                vec![0x04, 0x31, 0x05, 0x05],
                protected("80E4000003D20130"),
                vec![0x05, 0x31, 0x32, 0x04, 0x05],
            ],
        ),
        (
            "pin",
            vec![
                vec![0x06, 0x01],
                plain("002000810431323334"),
                plain("002000810431313131"),
                plain("00240081083132333435363738"),
                application.clone(),
                protected("00B0930004"),
                protected("002C0381"),
            ],
        ),
        (
            "selection",
            vec![
                plain("00A40004023F0000"),
                plain("00A4010C02DF01"),
                plain("00A4020C020011"),
                plain("00A4030C"),
                plain("00A4080004DF01001600"),
                plain("00B00000000200"),
                vec![0x07, 0x01],
                plain("00B0810000"),
            ],
        ),
        (
            "life-cycle",
            vec![
                application,
                protected("0044000000"),
                issuer.clone(),
                protected("0004000002DF01"),
                protected("00E6000002DF01"),
                plain("00A4000C02DF01"),
            ],
        ),
        (
            "wrong-authentication",
            vec![
                plain("8050300008010203040506070800"),
                plain("848233001000000000000000000000000000000000"),
                plain("80CA00E000"),
                plain("80CA9F7F00"),
                plain("0084000008"),
            ],
        ),
        (
            "refusals",
            [
                "00D6910004CAFEBABE",
                "00DC021401AA",
                "00E4000002DF01",
                "0044000002DF01",
                "0004000002DF01",
                "00E6000002DF01",
                "00E80000022F01",
                "00FE0000",
                "002401810435353535",
                "002C0381",
                "80D8008101AA",
                "80E4000003D20130",
                create_ef,
            ]
            .into_iter()
            .map(plain)
            .collect(),
        ),
        (
            "levels",
            (0..6)
                .flat_map(|level| {
                    [vec![0x06, 0x00, 0x04, 0x30, 0x02, level], protected("80CA006600"), plain("80CA00C100")]
                })
                .collect(),
        ),
    ];
    for (name, operations) in scenes {
        for form in 0..4u8 {
            if form == 0 || form == 3 {
                seed("dialogue", &format!("{name}-{form}"), &[&[form][..], &operations.concat()].concat());
            }
        }
    }
    let blank = [
        vec![0x04, 0x04, 0xFF, 0x00, 0x05],
        protected("00E0000020621E82013883023F008408A0000001510000008A01038C087FFFE5E2E2E5E5E5"),
        protected("00E0000010620E8002010082010C830200018A0105"),
        vec![0x05, 0x00, 0x3D, 0x01, 0x00],
        vec![0x04, 0x3D, 0x01, 0x05],
        protected("80E4000003D201FF"),
    ];
    seed("dialogue", "blank", &blank.concat());
    for form in [8, 9, 24, 27] {
        let domain = [
            vec![form],
            plain("00A4040008A000000151000000"),
            vec![0x04, 0xFF, 0x00, 0x05],
            protected("80CA00E000"),
            vec![0x05, 0x00, 0x30, 0x02, 0x00],
            vec![0x04, 0x30, 0x02, 0x05],
            protected("80E4000003D201FF"),
            vec![0x05, 0x30, 0x31, 0x04, 0x02],
            vec![0x04, 0x31, 0x04, 0x05],
            protected("80E29000125F500F68747470733A2F2F782E6578616D706C65"),
            plain("00A4000C023F00"),
        ];
        seed("dialogue", &format!("domain-{form}"), &domain.concat());
    }
}

/// A command through the channel in parts of so many bytes.
fn in_parts(size: u8, command: &str) -> Vec<u8> {
    let command = hex(command);
    [&[3, size - 1, u8::try_from(command.len()).unwrap()][..], &command].concat()
}

/// One operation of the dialogue target: opcode, length, command.
fn operation(opcode: u8, command: &str) -> Vec<u8> {
    let command = hex(command);
    [&[opcode, u8::try_from(command.len()).unwrap()][..], &command].concat()
}

fn hex(text: &str) -> Vec<u8> {
    hex::decode(text.replace(' ', "")).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn vectors(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join(format!("tests/vectors/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn seed(target: &str, name: &str, bytes: &[u8]) {
    let folder = root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("seed-{name}")), bytes).unwrap();
}
