//! What an order puts onto its card, bound to a job: sealed when the job is made, so that every contact of the job writes the same bytes, whatever
//! the member changes meanwhile. Half a card of one name and half of another cannot be.

use super::ClaimedOrder;
use crate::contents::{Issued, Sheet, slots};
use crate::error::Error;
use crate::members::{Person, person};
use crate::vault::Vault;
use fuda_card::profile::Application;
use fuda_store::{Conn, Store};
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

/// What an order puts onto the card as the member is known now, and the same sealed for the job of this name, upper-case hex. Waits for the HSM:
/// not to be called on a thread that serves others.
///
/// # Errors
/// [`Error::Content`] when the member's data do not fit, [`Error::Member`] when the member was erased, [`Error::StoreContent`] when the
/// order has no member number, which the confirmation of its fee assigned.
pub fn bind(
    store: &Store,
    vault: &Vault,
    order: &ClaimedOrder,
    application: &Application,
    job: &str,
) -> Result<(Contents, String), Error> {
    let (person, contents) = ordered(store, vault, order, application)?;
    let sealed = contents.iter().map(|(wef, slot)| Sealed { wef: wef.clone(), slot: hex::encode(slot) });
    let plain = serde_json::to_vec(&sealed.collect::<Vec<_>>()).map(Zeroizing::new);
    let plain = plain.map_err(|_| Error::Fault { what: "contents are no JSON" })?;
    let sealed = person.seal(vault, job, CONTENTS, &plain)?;
    Ok((contents, hex::encode_upper(sealed)))
}

/// What was bound to a job. A job that was made before contents were sealed has what its order would put onto the card now.
///
/// # Errors
/// As [`bind`].
pub fn bound(
    store: &Store,
    vault: &Vault,
    order: &ClaimedOrder,
    application: &Application,
    (job, sealed): (&str, &str),
) -> Result<Contents, Error> {
    if sealed.is_empty() {
        return Ok(ordered(store, vault, order, application)?.1);
    }
    let unreadable = || Error::content(format!("the contents of job {job}"));
    let sealed = hex::decode(sealed).map_err(|_| unreadable())?;
    let id = order.member.clone();
    let person = store.read_blocking("order.person", async move |tx: &mut Conn| person(tx, &id).await)?;
    let plain = person.unseal(vault, job, CONTENTS, &sealed)?;
    let sealed: Vec<Sealed> = serde_json::from_slice(plain.expose()).map_err(|_| unreadable())?;
    let slot = |text: &str| hex::decode(text).map_err(|_| unreadable());
    sealed.iter().map(|part| Ok((part.wef.clone(), slot(&part.slot)?))).collect()
}

/// The member of an order, and what the order puts onto the card.
fn ordered(
    store: &Store,
    vault: &Vault,
    order: &ClaimedOrder,
    application: &Application,
) -> Result<(Person, Contents), Error> {
    let (id, member) = (order.id.clone(), order.member.clone());
    let (person, number, expiry) = store.read_blocking("order.contents", async move |tx| {
        let (number, expiry): (Option<String>, Option<String>) =
            sqlx::query_as("/* order.contents */ SELECT number, expiry FROM service_order WHERE id = $1")
                .bind(id.as_str())
                .fetch_one(&mut *tx)
                .await?;
        let unreadable = || Error::StoreContent { what: format!("order {id} has no member number") };
        let expiry = expiry.and_then(|expiry| expiry.parse().ok()).ok_or_else(unreadable)?;
        Ok::<_, Error>((person(tx, &member).await?, number.ok_or_else(unreadable)?, expiry))
    })?;
    let fields = person.open(vault)?;
    let contents = slots(application, &Sheet { issued: Issued { number: &number, expiry }, member: &fields })?;
    Ok((person, contents))
}
