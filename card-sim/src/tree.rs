//! The file tree: DFs, working EFs, internal EFs.
//!
//! ISO/IEC 7816-4:2020 §7.1 (structures) and §7.4.10 (life cycle), ISO/IEC 7816-9:2017 §7.

use crate::access::AccessRules;
use crate::fcp::{Fcp, Structure};
use crate::keys::KeySet;
use crate::pin::Pin;
use fuda_card::id::{DfName, Fid};
use std::collections::BTreeMap;

/// Where a file stands in its life; the values are ISO/IEC 7816-4:2020 table 14.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LifeCycle {
    /// 01: its creation was cut.
    Creation = 0x01,
    /// 03: being filled.
    Initialisation = 0x03,
    /// 04: deactivated.
    Deactivated = 0x04,
    /// 05: in use.
    Activated = 0x05,
    /// 0C: terminated, for ever.
    Terminated = 0x0C,
}

impl LifeCycle {
    /// The state that a life cycle status byte names.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::Creation,
            0x03 => Self::Initialisation,
            0x04 => Self::Deactivated,
            0x05 => Self::Activated,
            0x0C => Self::Terminated,
            _ => return None,
        })
    }

    /// Whether the file's contents may be used.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Initialisation | Self::Activated)
    }
}

/// Names a file on one card for the card itself; the MF is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) u16);

impl FileId {
    /// The MF, and what stands for it on a blank chip.
    pub const ROOT: Self = Self(0);

    /// Whether this is the MF.
    #[must_use]
    pub const fn is_root(self) -> bool {
        self.0 == 0
    }
}

/// One file.
#[derive(Debug)]
pub struct File {
    pub(crate) parent: FileId,
    /// The value of template 62 as CREATE FILE gave it; SELECT answers it with the life cycle of today.
    pub(crate) template: Vec<u8>,
    /// The same, parsed.
    pub(crate) fcp: Fcp,
    pub(crate) life: LifeCycle,
    pub(crate) body: Body,
}

/// What a file holds.
#[derive(Debug)]
pub enum Body {
    /// A DF.
    Folder(Folder),
    /// A transparent or linear fixed WEF: its bytes, record after record.
    Working(Vec<u8>),
    /// The DF's keys are in [`Folder`]; this is the room they take.
    Internal,
}

/// The secrets of a DF.
#[derive(Debug, Default)]
pub struct Folder {
    /// Key sets, oldest first. The MF's are in [`crate::state::State`], because a blank chip has keys and no MF.
    pub(crate) keys: Vec<KeySet>,
    pub(crate) pin: Option<Pin>,
}

impl File {
    /// A file as CREATE FILE makes it: data bytes FF.
    pub(crate) fn new(parent: FileId, template: Vec<u8>, fcp: Fcp) -> Self {
        let body = match fcp.structure {
            Structure::Folder => Body::Folder(Folder::default()),
            Structure::Internal { .. } => Body::Internal,
            Structure::Transparent { .. } | Structure::LinearFixed { .. } => {
                Body::Working(vec![0xFF; fcp.structure.size_bytes()])
            }
        };
        let life = match fcp.structure {
            Structure::Folder => LifeCycle::Initialisation,
            _ => fcp.life.unwrap_or(LifeCycle::Activated),
        };
        Self { parent, template, fcp, life, body }
    }

    pub(crate) const fn access(&self) -> &AccessRules {
        &self.fcp.access
    }

    pub(crate) const fn is_folder(&self) -> bool {
        matches!(self.fcp.structure, Structure::Folder)
    }

    pub(crate) const fn fid(&self) -> Fid {
        self.fcp.fid
    }
}

/// All files of a card.
#[derive(Debug, Default)]
pub struct Tree {
    pub(crate) files: BTreeMap<FileId, File>,
}

/// Most files on a card.
pub(crate) const FILES_MAX: usize = 128;

impl Tree {
    pub(crate) fn file(&self, id: FileId) -> Option<&File> {
        self.files.get(&id)
    }

    pub(crate) fn file_mut(&mut self, id: FileId) -> Option<&mut File> {
        self.files.get_mut(&id)
    }

    pub(crate) fn folder_mut(&mut self, id: FileId) -> Option<&mut Folder> {
        match &mut self.file_mut(id)?.body {
            Body::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    pub(crate) fn folder(&self, id: FileId) -> Option<&Folder> {
        match &self.file(id)?.body {
            Body::Folder(folder) => Some(folder),
            _ => None,
        }
    }

    /// The files directly in a DF, in the order in which they were created.
    pub(crate) fn children(&self, folder: FileId) -> impl Iterator<Item = (FileId, &File)> {
        self.files.iter().filter(move |(id, file)| file.parent == folder && !id.is_root()).map(|(id, file)| (*id, file))
    }

    pub(crate) fn child(&self, folder: FileId, fid: Fid) -> Option<FileId> {
        self.children(folder).find(|(_, file)| file.fid() == fid).map(|(id, _)| id)
    }

    /// The EF in a DF with this short identifier; one that was given before one that follows from the FID.
    pub(crate) fn by_sfi(&self, folder: FileId, sfi: u8) -> Option<FileId> {
        let matching = |given: bool| {
            self.children(folder)
                .filter(|(_, file)| matches!(file.body, Body::Working(_)))
                .find(|(_, file)| {
                    file.fcp.short_id() == Some(sfi) && matches!(file.fcp.sfi, crate::fcp::Sfi::Given(_)) == given
                })
                .map(|(id, _)| id)
        };
        matching(true).or_else(|| matching(false))
    }

    /// The DF's internal EF.
    pub(crate) fn internal(&self, folder: FileId) -> Option<&File> {
        self.children(folder).find(|(_, file)| matches!(file.body, Body::Internal)).map(|(_, file)| file)
    }

    /// The name of a DF; the MF has one even when CREATE FILE gave none.
    pub(crate) fn name(&self, folder: FileId) -> Option<DfName> {
        let given = self.file(folder).and_then(|file| file.fcp.name.clone());
        if folder.is_root() { Some(given.unwrap_or_else(DfName::mf)) } else { given }
    }

    /// The DF that a file belongs to: the file itself if it is one, else its parent.
    pub(crate) fn folder_of(&self, id: FileId) -> FileId {
        match self.file(id) {
            Some(file) if !file.is_folder() => file.parent,
            _ => id,
        }
    }

    /// A file and the DFs above it, up to the MF.
    fn lineage(&self, id: FileId) -> impl Iterator<Item = (FileId, &File)> {
        let start = self.files.get_key_value(&id);
        // A tree of at most FILES_MAX files is not deeper than that.
        std::iter::successors(
            start,
            |(id, file)| if id.is_root() { None } else { self.files.get_key_value(&file.parent) },
        )
        .take(FILES_MAX)
        .map(|(id, file)| (*id, file))
    }

    /// Whether `id` is `folder` or lies below it.
    pub(crate) fn is_within(&self, id: FileId, folder: FileId) -> bool {
        id == folder || self.lineage(id).any(|(above, _)| above == folder)
    }

    /// Whether a file and every DF above it are in a usable state.
    pub(crate) fn is_usable(&self, id: FileId) -> bool {
        self.lineage(id).all(|(_, file)| file.life.is_usable())
    }

    /// Whether a file or a DF above it is terminated.
    pub(crate) fn is_terminated(&self, id: FileId) -> bool {
        self.lineage(id).any(|(_, file)| file.life == LifeCycle::Terminated)
    }

    /// A name for the next file: never one that is in use.
    pub(crate) fn next_id(&self) -> Option<FileId> {
        if self.files.len() >= FILES_MAX {
            return None;
        }
        match self.files.last_key_value() {
            None => Some(FileId::ROOT),
            Some((last, _)) => last.0.checked_add(1).map(FileId),
        }
    }

    /// Removes a file and everything below it.
    pub(crate) fn remove(&mut self, id: FileId) {
        let doomed: Vec<FileId> = self.files.keys().copied().filter(|file| self.is_within(*file, id)).collect();
        for file in doomed {
            self.files.remove(&file);
        }
    }
}
