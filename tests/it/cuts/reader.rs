//! A reader that follows the rules, from a card's memory: the newest whole progress record says which slot of each WEF counts.

use super::job::Contents;
use fuda_card::profile::{Application, Structure};
use fuda_card_sim::Card;
use fuda_card_sim::report::{Report, Secrets};
use sha2::{Digest, Sha256};

/// What such a reader sees of an application.
pub(crate) enum Sight {
    /// It is not activated: whatever is in it does not count.
    NotInUse,
    /// The slots that count.
    InUse(Contents),
}

pub(crate) fn look(card: &Card, application: &Application) -> Sight {
    let report = card.report(Secrets::Hidden);
    let folder = application.fid.to_string();
    if report.file(&folder).unwrap().life_cycle != "activated" {
        return Sight::NotInUse;
    }
    let live = live(&report.file(&format!("{folder}/0002")).unwrap().contents);
    let mut place = 0;
    let mut seen = Contents::new();
    for wef in &application.wefs {
        let content = transparent(&report, &format!("{folder}/{}", wef.fid));
        let Structure::Transparent { size } = wef.structure else { panic!("these WEFs are transparent") };
        let slot = if wef.slots == 2 { usize::from((live >> place) & 1) } else { 0 };
        place += usize::from(wef.slots == 2);
        let size = usize::from(size);
        seen.push((wef.name.clone(), content[slot * size..][..size].to_vec()));
    }
    Sight::InUse(seen)
}

fn transparent(report: &Report, path: &str) -> Vec<u8> {
    hex::decode(&report.file(path).unwrap().contents[0]).unwrap()
}

/// The byte `live` of the newest whole record; 0 when there is none.
fn live(records: &[String]) -> u8 {
    let whole = records
        .iter()
        .map(|record| hex::decode(record).unwrap())
        .filter(|record| record.starts_with(&[0x50, 0x53, 0x01]) && Sha256::digest(&record[..24])[..8] == record[24..]);
    whole.max_by_key(|record| record[4..7].to_vec()).map_or(0, |record| record[7])
}

/// What this module finds can be wrong: a commit before the writes would show.
#[test]
fn a_slot_counts_when_the_newest_record_says_so() {
    let record = |sequence: u8, live: u8| {
        let mut record = vec![0x50, 0x53, 0x01, 0x01, 0, 0, sequence, live];
        record.extend([0; 16]);
        let check = Sha256::digest(&record);
        record.extend(&check[..8]);
        hex::encode_upper(record)
    };
    assert_eq!(live(&[record(1, 1), record(2, 2)]), 2);
    assert_eq!(live(&[record(3, 1), record(2, 2)]), 1);
    assert_eq!(live(&[record(3, 1).replace("5053", "5054"), record(2, 2)]), 2);
    assert_eq!(live(&["FF".repeat(32), "FF".repeat(32)]), 0);
}
