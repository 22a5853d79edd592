//! CREATE, DELETE, ACTIVATE, DEACTIVATE FILE and the TERMINATE commands: ISO/IEC 7816-9:2017.

use super::{Exchange, done};
use crate::apdu::{Command, Response};
use crate::error::Error;
use crate::fcp::Fcp;
use crate::id::Fid;
use crate::scp03::CardProof;

/// CREATE FILE (E0): a file in the current DF, which then is the current file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateFile {
    fcp: Vec<u8>,
}

impl CreateFile {
    const INS: u8 = 0xE0;

    /// A file with these control parameters.
    #[must_use]
    pub fn new(_: &CardProof, fcp: &Fcp) -> Self {
        Self { fcp: fcp.encode() }
    }
}

impl Exchange for CreateFile {
    type Answer = ();

    fn command(&self) -> Command {
        Command::new(0x00, Self::INS, 0x00, 0x00).with_data(self.fcp.clone())
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(Self::INS, response)
    }
}

/// Declares a command without response data about the current file, or a file by its identifier.
macro_rules! file_command {
    ($(#[$doc:meta])* $name:ident, $ins:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name {
            fid: Option<Fid>,
        }

        impl $name {
            /// The current file.
            #[must_use]
            pub const fn current(_: &CardProof) -> Self {
                Self { fid: None }
            }

            /// A file of the current DF, or the MF.
            #[must_use]
            pub const fn fid(_: &CardProof, fid: Fid) -> Self {
                Self { fid: Some(fid) }
            }
        }

        impl Exchange for $name {
            type Answer = ();

            fn command(&self) -> Command {
                let fid = self.fid.map(Fid::to_bytes);
                Command::new(0x00, $ins, 0x00, 0x00).with_data(fid.as_ref().map_or(&[][..], |bytes| bytes))
            }

            fn answer(&self, response: &Response) -> Result<(), Error> {
                done($ins, response)
            }
        }
    };
}

file_command! {
    /// DELETE FILE (E4).
    DeleteFile, 0xE4
}
file_command! {
    /// ACTIVATE FILE (44).
    ActivateFile, 0x44
}
file_command! {
    /// DEACTIVATE FILE (04).
    DeactivateFile, 0x04
}

/// The TERMINATE commands: none can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminate {
    ins: u8,
}

impl Terminate {
    /// TERMINATE DF (E6), the current one.
    #[must_use]
    pub const fn df(_: &CardProof) -> Self {
        Self { ins: 0xE6 }
    }

    /// TERMINATE EF (E8), the current one.
    #[must_use]
    pub const fn ef(_: &CardProof) -> Self {
        Self { ins: 0xE8 }
    }

    /// TERMINATE CARD USAGE (FE).
    #[must_use]
    pub const fn card(_: &CardProof) -> Self {
        Self { ins: 0xFE }
    }
}

impl Exchange for Terminate {
    type Answer = ();

    fn command(&self) -> Command {
        Command::new(0x00, self.ins, 0x00, 0x00)
    }

    fn answer(&self, response: &Response) -> Result<(), Error> {
        done(self.ins, response)
    }
}
