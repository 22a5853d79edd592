//! First contact: what a card says about itself to anyone, before any key is used.

use crate::error::Error;
use crate::transport::Wire;
use fuda_card::command::{
    EfTarget, GetCardImageNumber, GetKeyInformation, KeyInformation, ReadRecord, RecordNumber, Select, SelectAnswer,
};
use fuda_card::id::{Fid, Kdd, Kvn};
use fuda_card::personalisation::{Evidence, Files, Fit, Root, StageRecord};
use fuda_card::recognise::{Kind, look};
use fuda_card::scp03::{Challenge, InitializeUpdate};
use fuda_card::status::StatusWord;
use fuda_card::transport::{TransmitError, Transport, TransportCode};

/// WEF-PS of the MF, which anyone may read.
const STAGE_FILE: Fid = Fid::new(0x2F02);
/// INITIALIZE UPDATE with this number: the card chooses the key set.
const ANY_SET: Kvn = Kvn::new(0x00);
/// Bytes of a chip's identity.
const KDD_BYTES: usize = 10;
/// Refusals of SELECT by a card that has nothing of that name.
const NOT_THERE: [StatusWord; 3] =
    [StatusWord::FILE_NOT_FOUND, StatusWord::INS_NOT_SUPPORTED, StatusWord::CLA_NOT_SUPPORTED];

/// A card, before any key is used.
pub(crate) enum Contact {
    /// It is of the kind that the plan is for, and stands there.
    Stands(Evidence),
    /// It is of another kind.
    Other {
        /// What it is.
        kind: Kind,
        /// Its identity, if it tells one.
        kdd: Option<Kdd>,
    },
}

/// Reads how far a card is: the MF or the security domain, its key sets, its stage records.
///
/// # Errors
/// [`Error::Transport`] and [`Error::Card`] with the step.
pub(crate) fn read<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>, root: &Root) -> Result<Contact, Error> {
    wire.enter("first contact");
    let mf = match wire.try_exchange(&Select::df_name(&root.df).answering(SelectAnswer::Fci))? {
        // A security domain answers what its maker likes; there is no file to read about.
        Err(fuda_card::Error::Fcp(_)) => None,
        Err(fuda_card::Error::CardStatus { sw, .. }) if NOT_THERE.contains(&sw) => return other(wire),
        selected => selected.map_err(|error| wire.failed(error))?,
    };
    let fits = match root.fit(mf.as_ref()) {
        Fit::Yes => true,
        Fit::No => false,
        Fit::NamedOnly => !wire.try_exchange(&GetCardImageNumber)?.is_ok_and(|number| number.len() == KDD_BYTES),
    };
    if !fits {
        return other(wire);
    }
    let key_sets = KeyInformation::sets(&wire.exchange(&GetKeyInformation)?);
    // A blank chip and a security domain answer a name, and what is no file.
    let files = match mf.filter(|mf| mf.descriptor.is_some()).and_then(|mf| mf.life_cycle) {
        Some(life_cycle) => Files::Mf { life_cycle, records: stage_records(wire)? },
        None => Files::None,
    };
    Ok(Contact::Stands(Evidence { key_sets, files }))
}

/// What a card of another kind is.
fn other<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>) -> Result<Contact, Error> {
    let said = look(wire, &[], []).map_err(|error| match error {
        TransmitError::Transport(error) => error,
        error => wire.unreadable(&error),
    })?;
    let kind = said.recognise().kind;
    let kdd = match said.kdd {
        None if kind == Kind::Foreign => None,
        None => identity(wire).ok(),
        told => told,
    };
    Ok(Contact::Other { kind, kdd })
}

/// The identity of a card that has no set which the line could open. Nothing proves it: it names the chip in the accounts.
///
/// # Errors
/// [`Error::Transport`]; [`Error::Card`] when it tells none.
pub(crate) fn identity<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>) -> Result<Kdd, Error> {
    // Nothing is derived from this challenge: the card's answer is not followed by an authentication.
    let update = InitializeUpdate { kvn: ANY_SET, host_challenge: Challenge::S8([0; 8]) };
    let response = wire.transmit(&update.command())?;
    update.answered(&response).map(|initiated| initiated.answer().kdd).map_err(|error| wire.failed(error))
}

/// [`identity`], or what the card tells as its image number: a chip without any key set has no other name. `None` for one that tells neither.
///
/// # Errors
/// [`Error::Transport`].
pub(crate) fn any_identity<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>) -> Result<Option<Kdd>, Error> {
    match identity(wire) {
        Ok(kdd) => Ok(Some(kdd)),
        Err(Error::Card { .. }) => {
            let number = wire.try_exchange(&GetCardImageNumber)?.ok();
            Ok(number.and_then(|number| <[u8; KDD_BYTES]>::try_from(number.as_slice()).ok()).map(Kdd::new))
        }
        Err(error) => Err(error),
    }
}

/// The stage records that are whole; a chip without the file, or with erased records, has none.
fn stage_records<T: Transport<Error: TransportCode>>(wire: &mut Wire<'_, T>) -> Result<Vec<StageRecord>, Error> {
    if wire.try_exchange(&Select::ef(STAGE_FILE).answering(SelectAnswer::Nothing))?.is_err() {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    for number in 1..=2 {
        let read = ReadRecord::new(EfTarget::Current, RecordNumber::new(number).map_err(|error| wire.failed(error))?);
        if let Ok(record) = wire.try_exchange(&read)? {
            records.extend(StageRecord::parse(&record).ok());
        }
    }
    Ok(records)
}
