//! SELECT (A4): ISO/IEC 7816-4:2020 §11.2.2.

use super::Exchange;
use crate::apdu::{Command, NE_SHORT_MAX, Response};
use crate::error::Error;
use crate::fcp::Fcp;
use crate::id::{DfName, Fid};

const INS: u8 = 0xA4;

/// What SELECT shall answer: P2 b4 b3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelectAnswer {
    /// 00: FCI template 6F.
    Fci,
    /// 04: FCP template 62.
    #[default]
    Fcp,
    /// 00 too, the only form that every card knows; whatever it answers is not looked at.
    Unread,
    /// 0C: nothing.
    Nothing,
}

/// SELECT in all its forms; asks for the FCP unless told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    p1: u8,
    /// P2 b2 b1: first or only occurrence (00), next (02).
    occurrence: u8,
    data: Vec<u8>,
    answer: SelectAnswer,
}

impl Select {
    const fn new(p1: u8, data: Vec<u8>) -> Self {
        Self { p1, occurrence: 0x00, data, answer: SelectAnswer::Fcp }
    }

    /// The MF.
    #[must_use]
    pub fn mf() -> Self {
        Self::fid(Fid::MF)
    }

    /// The MF, or a DF or EF by its file identifier, as the card searches it (P1 = 00).
    #[must_use]
    pub fn fid(fid: Fid) -> Self {
        Self::new(0x00, fid.to_bytes().to_vec())
    }

    /// A child DF (P1 = 01).
    #[must_use]
    pub fn child_df(fid: Fid) -> Self {
        Self::new(0x01, fid.to_bytes().to_vec())
    }

    /// An EF under the current DF (P1 = 02).
    #[must_use]
    pub fn ef(fid: Fid) -> Self {
        Self::new(0x02, fid.to_bytes().to_vec())
    }

    /// The parent of the current DF (P1 = 03).
    #[must_use]
    pub const fn parent() -> Self {
        Self::new(0x03, Vec::new())
    }

    /// A DF by its name, or by the first bytes of it (P1 = 04).
    #[must_use]
    pub fn df_name(name: &DfName) -> Self {
        Self::new(0x04, name.as_bytes().to_vec())
    }

    /// A path from the MF, without the MF's identifier (P1 = 08).
    #[must_use]
    pub fn path_from_mf(path: &[Fid]) -> Self {
        Self::new(0x08, path.iter().flat_map(|fid| fid.to_bytes()).collect())
    }

    /// A path from the current DF, without its identifier (P1 = 09).
    #[must_use]
    pub fn path_from_current(path: &[Fid]) -> Self {
        Self::new(0x09, path.iter().flat_map(|fid| fid.to_bytes()).collect())
    }

    /// The same selection with another answer.
    #[must_use]
    pub const fn answering(mut self, answer: SelectAnswer) -> Self {
        self.answer = answer;
        self
    }

    /// The next file that fits a truncated DF name.
    #[must_use]
    pub const fn next_occurrence(mut self) -> Self {
        self.occurrence = 0x02;
        self
    }
}

impl Exchange for Select {
    /// The file's control parameters, unless nothing was asked for.
    type Answer = Option<Fcp>;

    fn command(&self) -> Command {
        let (p2, ne) = match self.answer {
            SelectAnswer::Fci | SelectAnswer::Unread => (0x00, Some(NE_SHORT_MAX)),
            SelectAnswer::Fcp => (0x04, Some(NE_SHORT_MAX)),
            SelectAnswer::Nothing => (0x0C, None),
        };
        let command = Command::new(0x00, INS, self.p1, p2 | self.occurrence).with_data(self.data.clone());
        Command { ne, ..command }
    }

    /// A deactivated or terminated file is selected with a warning: its parameters say so.
    ///
    /// # Errors
    /// [`Error::CardStatus`]; [`Error::Fcp`] for a broken template; [`Error::UnexpectedData`] where none was asked for.
    fn answer(&self, response: &Response) -> Result<Option<Fcp>, Error> {
        let Response { data, sw } = response;
        if !(sw.is_success() || sw.is_warning()) {
            return Err(Error::CardStatus { ins: INS, sw: *sw });
        }
        match (self.answer, data.len()) {
            (SelectAnswer::Nothing, 0) | (SelectAnswer::Unread, _) => Ok(None),
            (SelectAnswer::Nothing, len) => Err(Error::UnexpectedData { ins: INS, len }),
            _ => Ok(Some(Fcp::parse(data)?)),
        }
    }
}
