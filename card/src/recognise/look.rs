//! The questions that any card may be asked.

use super::Said;
use crate::apdu::Response;
use crate::command::{
    CardData, EfTarget, Exchange, GetCardImageNumber, GetCplc, GetKeyInformation, ReadRecord, RecordNumber, Select,
    SelectAnswer,
};
use crate::id::{DfName, Kdd, Kvn};
use crate::personalisation::{Files, StageRecord};
use crate::profile::{MF_WEF_PS, WEF_PS_RECORDS};
use crate::transport::{TransmitError, Transport, transmit};

/// Beginning of the house's application names: F0 (proprietary), then `FUDA`; a number follows.
const HOUSE: [u8; 5] = [0xF0, 0x46, 0x55, 0x44, 0x41];
/// Names asked for: as many as a card has applications at most.
const HOUSE_NUMBERS: u8 = 16;

/// The DF names `F0465544 41 nn` that applications of this house have when nobody chose others.
pub fn house_names() -> impl Iterator<Item = DfName> {
    (1..=HOUSE_NUMBERS).filter_map(|number| DfName::new(&[&HOUSE[..], &[number]].concat()).ok())
}

/// Asks a card for all that it says to anybody, and for the DFs of these names. What a card refuses or says wrongly is left out.
///
/// # Errors
/// [`TransmitError`] when the card is gone or its answers are no APDUs.
pub fn look<T: Transport>(
    card: &mut T,
    atr: &[u8],
    names: impl IntoIterator<Item = DfName>,
) -> Result<Said, TransmitError<T::Error>> {
    let mut ask = Ask { card };
    let mut said = Said { atr: atr.to_vec(), ..Said::default() };
    said.domain = ask.select(&Select::df_name(&DfName::mf()).answering(SelectAnswer::Fci))?;
    said.keys = ask.about(&GetKeyInformation)?.unwrap_or_default();
    said.card_data = ask.about(&CardData)?;
    said.cplc = ask.about(&GetCplc)?;
    let evidence = said.evidence();
    let has_files = evidence.files != Files::None;
    if has_files || evidence.is_blank(Kvn::INITIAL) {
        // The house's chips give their identity as card image number.
        let number = ask.about(&GetCardImageNumber)?;
        said.kdd = number.and_then(|number| number.try_into().ok()).map(Kdd::new);
    }
    if has_files {
        said.records = ask.stage_records()?;
        for name in names {
            said.applications.extend(ask.select(&Select::df_name(&name))?);
        }
    }
    Ok(said)
}

struct Ask<'c, T> {
    card: &'c mut T,
}

impl<T: Transport> Ask<'_, T> {
    /// What the card answers, unless it refuses or the answer makes no sense.
    fn about<E: Exchange>(&mut self, exchange: &E) -> Result<Option<E::Answer>, TransmitError<T::Error>> {
        let response: Response = transmit(self.card, &exchange.command())?;
        Ok(exchange.answer(&response).ok())
    }

    fn select(&mut self, select: &Select) -> Result<Option<crate::fcp::Fcp>, TransmitError<T::Error>> {
        Ok(self.about(select)?.flatten())
    }

    fn stage_records(&mut self) -> Result<Vec<StageRecord>, TransmitError<T::Error>> {
        let mut records = Vec::new();
        if self.about(&Select::ef(MF_WEF_PS).answering(SelectAnswer::Nothing))?.is_none() {
            return Ok(records);
        }
        for number in (1..=WEF_PS_RECORDS).filter_map(|number| RecordNumber::new(number).ok()) {
            let record = self.about(&ReadRecord::new(EfTarget::Current, number))?;
            records.extend(record.and_then(|record| StageRecord::parse(&record).ok()));
        }
        Ok(records)
    }
}
