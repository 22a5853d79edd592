//! Who is to blame when a card fails: itself, or whoever put another card into its place while the line looked at it.
//!
//! A card that is taken out and replaced without the encoder noticing answers as no card of the script may. Before the chip that the
//! script began with is rejected for it, the card that is in is asked who it is; neither of the two is to blame when it is another.

use crate::contact::{self, Contact};
use crate::error::{Error, FailureClass};
use crate::transport::Wire;
use fuda_card::command::{Select, SelectAnswer};
use fuda_card::id::Kdd;
use fuda_card::personalisation::{Evidence, Root};
use fuda_card::transport::{Transport, TransportCode};

/// What a card told before it failed.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Where it stands.
    pub(crate) evidence: Option<Evidence>,
    /// The chip, as it calls itself.
    pub(crate) kdd: Option<Kdd>,
}

/// The error as it is to be judged. A chip that failed before it told its identity is asked for it, so that the accounts can name it.
pub(crate) fn judge<T: Transport<Error: TransportCode>>(
    wire: &mut Wire<'_, T>,
    root: &Root,
    told: &mut Told,
    error: Error,
) -> Error {
    let is_the_card_s = matches!(error.class(), FailureClass::Card | FailureClass::Key | FailureClass::Data);
    if !is_the_card_s || matches!(error, Error::Refused { .. }) {
        return error;
    }
    // A card that is gone, or says no more, leaves the matter as it stands.
    match look_again(wire, root, told) {
        Ok(Some(swapped)) => swapped,
        Ok(None) | Err(_) => error,
    }
}

fn look_again<T: Transport<Error: TransportCode>>(
    wire: &mut Wire<'_, T>,
    root: &Root,
    told: &mut Told,
) -> Result<Option<Error>, Error> {
    if let Some(before) = told.kdd {
        // Ends the channel, and makes the key sets of the root those that are asked.
        let _ = wire.try_exchange(&Select::df_name(&root.df).answering(SelectAnswer::Nothing))?;
        let after = contact::any_identity(wire)?;
        return Ok(after.filter(|after| *after != before).map(|after| Error::CardSwapped { before, after }));
    }
    let now = contact::read(wire, root)?;
    let is_other = match (&told.evidence, &now) {
        (Some(before), Contact::Stands(now)) => before != now,
        (Some(_), Contact::Other { .. }) => true,
        (None, _) => false,
    };
    if is_other {
        return Ok(Some(Error::CardChanged));
    }
    told.kdd = contact::any_identity(wire)?;
    Ok(None)
}
