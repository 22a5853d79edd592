//! What an order puts onto its card, bound to a job: sealed when the job is made, so that every contact of the job writes the same bytes, whatever
//! the member changes meanwhile. Half a card of one name and half of another cannot be.

use super::ClaimedOrder;
use crate::contents::{Issued, Sheet, slots};
use crate::error::Error;
use crate::members::{MemberFields, Person};
use fuda_card::profile::Application;
use fuda_kms::{Plain, Question};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// Names of WEFs, and the bytes of a slot of each.
pub type Contents = Vec<(String, Vec<u8>)>;

/// The field set under which contents are sealed.
const CONTENTS: &str = "contents";

/// A WEF as it is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    wef: String,
    /// Hex.
    slot: String,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.slot.zeroize();
    }
}

/// What an order is to put onto its card, as the member is known now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft<'a> {
    person: &'a Person,
    application: &'a Application,
    issued: Issued<'a>,
}

impl<'a> Draft<'a> {
    /// Of an order whose fee is confirmed, which is what assigned the member's number.
    pub(crate) fn of(order: &'a ClaimedOrder, application: &'a Application, person: &'a Person) -> Result<Self, Error> {
        let (Some(number), Some(expiry)) = (&order.number, order.expiry) else {
            return Err(Error::StoreContent { what: format!("order {} has no member number", order.id) });
        };
        Ok(Self { person, application, issued: Issued { number, expiry } })
    }

    /// To open what the member said.
    pub(crate) fn question(&self) -> Result<Question<Plain>, Error> {
        self.person.open()
    }

    /// The contents, from the answer.
    pub(crate) fn contents(&self, said: &Plain) -> Result<Contents, Error> {
        let fields = MemberFields::from_json(said.expose())?;
        Ok(slots(self.application, &Sheet { issued: self.issued, member: &fields })?)
    }
}

/// What a job was bound to, sealed under the key of its member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub(crate) job: &'a str,
    pub(crate) person: &'a Person,
}

impl Bound<'_> {
    /// To seal it.
    pub(crate) fn seal(&self, contents: &Contents) -> Result<Question<Vec<u8>>, Error> {
        let sealed = contents.iter().map(|(wef, slot)| Sealed { wef: wef.clone(), slot: hex::encode(slot) });
        let plain = serde_json::to_vec(&sealed.collect::<Vec<_>>()).map(Zeroizing::new);
        let plain = plain.map_err(|_| Error::Fault { what: "contents are no JSON" })?;
        self.person.seal(self.job, CONTENTS, &plain)
    }

    /// To open it, from upper-case hex.
    pub(crate) fn open(&self, sealed: &str) -> Result<Question<Plain>, Error> {
        self.person.unseal(self.job, CONTENTS, hex::decode(sealed).map_err(|_| self.unreadable())?)
    }

    /// The contents, from the answer.
    pub(crate) fn contents(&self, opened: &Plain) -> Result<Contents, Error> {
        let sealed: Vec<Sealed> = serde_json::from_slice(opened.expose()).map_err(|_| self.unreadable())?;
        let slot = |text: &str| hex::decode(text).map_err(|_| self.unreadable());
        sealed.iter().map(|part| Ok((part.wef.clone(), slot(&part.slot)?))).collect()
    }

    fn unreadable(&self) -> Error {
        Error::content(format!("the contents of job {}", self.job))
    }
}
