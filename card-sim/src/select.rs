//! SELECT: ISO/IEC 7816-4:2020 §11.2.2, by FID, DF name and path; never guarded by a condition.

use crate::card::{Card, Outcome};
use crate::fcp;
use crate::tree::{File, FileId, LifeCycle, Tree};
use fuda_card::apdu::{Command, Response};
use fuda_card::id::{DfName, Fid};
use fuda_card::status::StatusWord;
use fuda_card::tlv;

/// Template of file control information.
const FCI: u16 = 0x6F;

/// What the answer to SELECT holds, b4 b3 of P2.
#[derive(Clone, Copy)]
enum Answer {
    Fci,
    Fcp,
    Nothing,
}

impl Card {
    /// `00 A4 P1 P2`: P1 says how, P2 what to answer and which occurrence.
    pub(crate) fn select(&mut self, command: &Command) -> Outcome {
        let answer = match command.p2 & !0x03 {
            0x00 => Answer::Fci,
            0x04 => Answer::Fcp,
            0x0C => Answer::Nothing,
            _ => return Err(StatusWord::INCORRECT_P1_P2),
        };
        if command.p2 & 0x03 > 1 {
            // Names and FIDs are unique here: there is no next or previous occurrence.
            return Err(StatusWord::FILE_NOT_FOUND);
        }
        if self.memory.is_blank() {
            return self.select_blank(command, answer);
        }
        let id = find(&self.memory.tree, self.ram.folder, command)?;
        self.make_current(id);
        let file = self.memory.tree.file(id).ok_or(StatusWord::FILE_NOT_FOUND)?;
        Ok(Response { data: control_data(&self.memory.tree, id, file, answer), sw: status_of(file) })
    }

    /// A blank chip has a name and nothing else.
    fn select_blank(&mut self, command: &Command, answer: Answer) -> Outcome {
        if command.p1 != 0x04 || !DfName::mf().as_bytes().starts_with(&command.data) {
            return Err(StatusWord::FILE_NOT_FOUND);
        }
        let name = tlv::Writer::new().put(fcp::DF_NAME, DfName::mf().as_bytes());
        Ok(Response::success(match answer {
            Answer::Fci => tlv::Writer::new().put_constructed(FCI, &name).finish(),
            Answer::Fcp => tlv::Writer::new().put_constructed(fcp::TEMPLATE, &name).finish(),
            Answer::Nothing => Vec::new(),
        }))
    }

    /// Makes a file current; an EF brings its DF with it. A PIN status does not outlive the way out of its DF.
    pub(crate) fn make_current(&mut self, id: FileId) {
        let tree = &self.memory.tree;
        self.ram.folder = tree.folder_of(id);
        self.ram.ef = (self.ram.folder != id).then_some(id);
        self.ram.verified = self.ram.verified.filter(|folder| tree.is_within(self.ram.folder, *folder));
    }
}

fn find(tree: &Tree, current: FileId, command: &Command) -> Result<FileId, StatusWord> {
    let data = command.data.as_slice();
    let found = match (command.p1, data) {
        (0x00, []) => Some(FileId::ROOT),
        (0x00, &[high, low]) => by_fid(tree, current, Fid::new(u16::from_be_bytes([high, low]))),
        (0x01, &[high, low]) => child_where(tree, current, [high, low], File::is_folder),
        (0x02, &[high, low]) => child_where(tree, current, [high, low], |file| !file.is_folder()),
        (0x03, []) if current.is_root() => None,
        (0x03, []) => tree.file(current).map(|file| file.parent),
        (0x04, name) if name.len() <= 16 => by_name(tree, name),
        (0x08, path) if is_path(path) => by_path(tree, FileId::ROOT, path),
        (0x09, path) if is_path(path) => by_path(tree, current, path),
        (0x00..=0x04 | 0x08 | 0x09, _) => return Err(StatusWord::WRONG_LENGTH),
        _ => return Err(StatusWord::INCORRECT_P1_P2),
    };
    found.ok_or(StatusWord::FILE_NOT_FOUND)
}

const fn is_path(path: &[u8]) -> bool {
    !path.is_empty() && path.len().is_multiple_of(2)
}

/// The MF from anywhere; else a child of the current DF, the current DF itself, its parent.
fn by_fid(tree: &Tree, current: FileId, fid: Fid) -> Option<FileId> {
    if fid == Fid::MF {
        return Some(FileId::ROOT);
    }
    let above = || {
        let this = tree.file(current)?;
        let is_named = |id: &FileId| tree.file(*id).is_some_and(|file| file.fid() == fid);
        [current, this.parent].into_iter().find(is_named)
    };
    tree.child(current, fid).or_else(above)
}

fn child_where(tree: &Tree, current: FileId, fid: [u8; 2], is_wanted: impl Fn(&File) -> bool) -> Option<FileId> {
    let id = tree.child(current, Fid::new(u16::from_be_bytes(fid)))?;
    tree.file(id).filter(|file| is_wanted(file)).map(|_| id)
}

/// The DF with this name, else the first whose name starts with it; no name at all is the MF.
fn by_name(tree: &Tree, name: &[u8]) -> Option<FileId> {
    let named = || tree.files.keys().filter_map(|id| Some((*id, tree.name(*id)?)));
    let exact = named().find(|(_, candidate)| candidate.as_bytes() == name);
    exact.or_else(|| named().find(|(_, candidate)| candidate.as_bytes().starts_with(name))).map(|(id, _)| id)
}

fn by_path(tree: &Tree, from: FileId, path: &[u8]) -> Option<FileId> {
    let (fids, _) = path.as_chunks::<2>();
    fids.iter().try_fold(from, |folder, fid| tree.child(folder, Fid::new(u16::from_be_bytes(*fid))))
}

/// The parameters as CREATE FILE gave them, with the life cycle of today; an FCI names the MF even if they do not.
fn control_data(tree: &Tree, id: FileId, file: &File, answer: Answer) -> Vec<u8> {
    let template = match answer {
        Answer::Fci => FCI,
        Answer::Fcp => fcp::TEMPLATE,
        Answer::Nothing => return Vec::new(),
    };
    let mut inner = tlv::Writer::new();
    if let (Answer::Fci, None, Some(name)) = (answer, &file.fcp.name, tree.name(id).filter(|_| file.is_folder())) {
        inner = inner.put(fcp::DF_NAME, name.as_bytes());
    }
    let life = [file.life as u8];
    for object in tlv::Reader::new(&file.template).flatten() {
        let value = if object.tag == fcp::LIFE_CYCLE { &life } else { object.value };
        inner = inner.put(object.tag, value);
    }
    if file.fcp.life.is_none() {
        inner = inner.put(fcp::LIFE_CYCLE, &life);
    }
    tlv::Writer::new().put_constructed(template, &inner).finish()
}

const fn status_of(file: &File) -> StatusWord {
    match file.life {
        LifeCycle::Deactivated => StatusWord::FILE_DEACTIVATED_WARNING,
        LifeCycle::Terminated => StatusWord::FILE_TERMINATED_WARNING,
        _ => StatusWord::SUCCESS,
    }
}
