//! `fcp_create_file.json`: templates and the CREATE FILE commands that carry them.

use crate::load::{self, hex, text};
use crate::replay;
use fuda_card::command::{CreateFile, Exchange};
use fuda_card::fcp::{Fcp, FileDescriptor, LifeCycle, Sharing};
use fuda_card::tlv::Reader;

#[test]
fn templates_are_read_and_written_byte_for_byte() {
    // A command that changes a card needs a card that proved itself: any recorded one will do.
    let sessions = load::own("scp03_transcripts");
    let replay::Waiting::Authenticate(proved) = replay::until(&sessions[0].list("vectors")[0], "EXTERNAL AUTHENTICATE")
    else {
        panic!("a proved card");
    };
    for file in load::own("fcp_create_file") {
        for vector in file.list("vectors") {
            let id = text(vector, "id");
            let bytes = hex(vector, "fcp");
            let fcp = Fcp::parse(&bytes).unwrap();
            assert!(fcp.other.is_empty(), "{id}: every object has a name");
            assert_eq!(fcp.encode(), bytes, "{id}");
            let capdu = CreateFile::new(proved.proof(), &fcp).command().encode().unwrap();
            assert_eq!(capdu, hex(vector, "create_file_capdu"), "{id}");

            let template = Reader::new(&bytes).next().unwrap().unwrap();
            let objects: Vec<_> = template.children().unwrap().map(Result::unwrap).collect();
            for (object, expected) in objects.iter().zip(vector["objects"].as_array().unwrap()) {
                assert_eq!(format!("{:02x}", object.tag), text(expected, "tag"), "{id}");
                assert_eq!(object.value, hex(expected, "value"), "{id}");
            }
        }
    }
}

#[test]
fn descriptor_and_life_cycle_bytes_mean_what_the_tables_say() {
    for file in load::own("fcp_create_file") {
        for row in file.list("file_descriptor_byte") {
            let byte = hex(row, "fdb")[0];
            let records = [byte, 0x21, 0x00, 0x10, 0x02];
            let value = if matches!(byte & 0x3F, 0x02 | 0x0A) { &records[..] } else { &records[..1] };
            let template =
                [&[0x62, u8::try_from(value.len()).unwrap() + 2, 0x82, u8::try_from(value.len()).unwrap()], value];
            let descriptor = Fcp::parse(&template.concat()).unwrap().descriptor.unwrap();
            let shareable = matches!(
                descriptor,
                FileDescriptor::Df { sharing: Sharing::Shareable }
                    | FileDescriptor::WefTransparent { sharing: Sharing::Shareable }
                    | FileDescriptor::WefLinearFixed { sharing: Sharing::Shareable, .. }
            );
            assert_eq!(shareable, row["shareable"].as_bool().unwrap(), "{byte:02x}");
            let known = match text(row, "structure") {
                "transparent" => text(row, "kind").starts_with("working"),
                "linear fixed" | "not given" => true,
                "linear variable" => text(row, "kind").starts_with("internal"),
                _ => false,
            };
            assert_eq!(!matches!(descriptor, FileDescriptor::Other { .. }), known, "{byte:02x}");
        }
        for row in file.list("life_cycle_status") {
            let state = text(row, "state");
            let expected = match LifeCycle::from_u8(hex(row, "lcs")[0]) {
                LifeCycle::NoInformation => "no information",
                LifeCycle::Creation => "creation",
                LifeCycle::Initialisation => "initialisation",
                LifeCycle::Activated => "operational - activated",
                LifeCycle::Deactivated => "operational - deactivated",
                LifeCycle::Terminated => "termination",
                LifeCycle::Other(0x10..) => "proprietary",
                LifeCycle::Other(_) => "RFU",
            };
            assert!(state.starts_with(expected), "{state}");
        }
    }
}
