//! FCP templates and CREATE FILE commands.
//!
//! The vectors are older than this card's security conditions: the template whose rules name another card's condition
//! bytes, and the one that refers to an access rule file, are refused at the byte that says so.

use super::{bytes, project, text};
use crate::fcp::{Fcp, FcpError, Sfi, Structure};
use crate::tree::LifeCycle;
use fuda_card::apdu::Command;

#[test]
fn create_file_templates() {
    let parsed = |id: &str| {
        let file = project("fcp_create_file.json");
        let case = file["vectors"].as_array().unwrap().iter().find(|case| text(case, "id") == id).unwrap().clone();
        let template = bytes(&case["fcp"]);
        let command = Command::decode(&bytes(&case["create_file_capdu"])).unwrap();
        assert_eq!((command.cla, command.ins, command.data.as_slice()), (0x00, 0xE0, template.as_slice()));
        Fcp::parse(&template)
    };
    let atr = parsed("wef-atr").unwrap();
    assert_eq!((atr.fid.to_u16(), atr.structure), (0x2F01, Structure::Transparent { size: 64 }));
    assert_eq!((atr.sfi, atr.short_id(), atr.life), (Sfi::Absent, None, Some(LifeCycle::Activated)));
    let member = parsed("wef-member").unwrap();
    assert_eq!((member.structure, member.short_id()), (Structure::Transparent { size: 32 }, Some(1)));
    let records = parsed("wef-linear-fixed").unwrap();
    assert_eq!((records.structure, records.short_id()), (Structure::LinearFixed { record: 16, count: 10 }, Some(4)));
    let internal = parsed("ief-apkey").unwrap();
    assert_eq!(
        (internal.structure, internal.life),
        (Structure::Internal { size: 96 }, Some(LifeCycle::Initialisation))
    );
    assert_eq!(parsed("mf"), Err(FcpError { what: "access rules this card does not know", offset: 18 }));
    assert_eq!(parsed("wef-sec-ref"), Err(FcpError { what: "unknown tag", offset: 15 }));
}

#[test]
fn templates_that_are_refused() {
    let cases = [
        ("", "no template"),
        ("6f00", "not a template 62"),
        ("620000", "bytes behind the template"),
        ("62048302df01", "no file descriptor"),
        ("6203820238", "not a BER-TLV data object"),
        ("62038201388301", "bytes behind the template"),
        ("620382010183021234", "bytes behind the template"),
        ("6203820101", "a file structure this card does not make"),
        ("6203820138", "no file identifier"),
        ("62078201388302ffff", "a reserved file identifier"),
        ("620a8201388302df01820138", "repeated tag"),
        ("620a8201388302df018a0105", "a life cycle in which no file is born"),
        ("620a8201388302df01880108", "a short identifier on a DF"),
        ("620f80020010820101830212348402abcd", "a DF name on an EF"),
        ("620d800201008205022100200283021234", "bytes behind the template"),
        ("620f80020100820502210020028302123488", "bytes behind the template"),
        ("620f8002010082050221002002830212", "not a BER-TLV data object"),
    ];
    for (template, what) in cases {
        let error = Fcp::parse(&hex::decode(template).unwrap()).unwrap_err();
        assert_eq!(error.what, what, "{template}");
    }
}
