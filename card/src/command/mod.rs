//! Commands by name, each tied to what its response means.
//!
//! ISO/IEC 7816-4:2020 §11, ISO/IEC 7816-9:2017 and GlobalPlatform Card Specification 2.3.1 §11. An [`Exchange`] makes
//! the plain command; a channel wraps it, a transport carries it, and the exchange reads the plain response. Commands
//! that change a card ask for the [`CardProof`](crate::scp03::CardProof) of an open channel.

mod binary;
mod challenge;
mod file;
mod get_data;
mod keys;
mod pin;
mod put_key;
mod r_mac_session;
mod record;
mod select;
mod store_data;

pub use binary::{EfTarget, ReadBinary, UpdateBinary};
pub use challenge::GetChallenge;
pub use file::{ActivateFile, CreateFile, DeactivateFile, DeleteFile, Terminate};
pub use get_data::{
    CardCapability, CardData, CardDataAnswer, Cplc, GetCardImageNumber, GetCplc, GetIssuerIdentification,
    GetKeyInformation, GetSequenceCounter, KeyInformation,
};
pub use keys::DeleteKey;
pub use pin::{ChangeReferenceData, Pin, PinReference, PinStatus, ResetRetryCounter, Verify};
pub use put_key::{ComponentForm, KeyComponent, Placement, PutKey};
pub use r_mac_session::{BeginRMacSession, EndRMacSession};
pub use record::{ReadRecord, RecordNumber, UpdateRecord};
pub use select::{Select, SelectAnswer};
pub use store_data::{StoreData, store_data_blocks};

use crate::apdu::{Command, Response};
use crate::error::Error;

/// A command and the meaning of its response.
pub trait Exchange {
    /// What a successful response says.
    type Answer;

    /// The plain command.
    fn command(&self) -> Command;

    /// Reads the plain response.
    ///
    /// # Errors
    /// [`Error::CardStatus`] when the card refused; otherwise as the command says.
    fn answer(&self, response: &Response) -> Result<Self::Answer, Error>;
}

/// The data of a response that says 9000.
fn data_of(ins: u8, response: &Response) -> Result<&[u8], Error> {
    if response.sw.is_success() { Ok(&response.data) } else { Err(Error::CardStatus { ins, sw: response.sw }) }
}

/// A response that says 9000 and has no data.
fn done(ins: u8, response: &Response) -> Result<(), Error> {
    match data_of(ins, response)?.len() {
        0 => Ok(()),
        len => Err(Error::UnexpectedData { ins, len }),
    }
}
