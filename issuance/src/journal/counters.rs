//! Counters of key sets that cards proved beyond what issuing takes: whoever meets such a card next knows where they stand.

use super::Journal;
use crate::delivery::SetCounter;
use crate::error::Error;
use fuda_card::id::{Kdd, Kvn};
use fuda_store::clock;
use std::collections::BTreeMap;

impl Journal {
    /// Records counters that a card proved; none of them goes down.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn note_counters(&self, kdd: Kdd, counters: &[SetCounter]) -> Result<(), Error> {
        if counters.is_empty() {
            return Ok(());
        }
        let (counters, now) = (counters.to_vec(), clock::stored(self.store.clock().now()));
        let part = kdd.to_string();
        let card = part.clone();
        self.store.part(&part).run_tx_blocking("card.counters", async move |tx| {
            for SetCounter { df, kvn, counter } in &counters {
                // A set that tells a counter makes its challenges from it.
                sqlx::query(
                    "/* card.counters */ INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES ($1, $2, $3, $4, 'pseudo-random', $5) \
                     ON CONFLICT (card, df, kvn) DO UPDATE SET verified = excluded.verified, at = excluded.at \
                     WHERE excluded.verified > key_set_counter.verified",
                )
                .bind(card.as_str())
                .bind(df.to_string())
                .bind(i64::from(kvn.to_u8()))
                .bind(i64::from(*counter))
                .bind(now.as_str())
                .execute(&mut *tx)
                .await?;
            }
            Ok::<_, Error>(())
        })
    }

    /// Counters of the cards of a part of the job that were recorded, by chip; of sets that the card has still.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::StoreContent`].
    pub fn counters_of_part(&self, number: u32) -> Result<BTreeMap<Kdd, Vec<SetCounter>>, Error> {
        let job = self.job.order.id.clone();
        let rows: Vec<(String, String, i64, i64)> = self.store.read_blocking("delivery.counters", async move |tx| {
            let query = sqlx::query_as(
                "/* delivery.counters */ SELECT k.card, k.df, k.kvn, k.verified FROM card c JOIN key_set_counter k ON k.card = c.kdd \
                 JOIN card_key s ON s.card = k.card AND s.df = k.df AND s.kvn = k.kvn AND s.state = 'proved' \
                 WHERE c.job = $1 AND c.delivery = $2 ORDER BY k.card, k.df, k.kvn",
            );
            Ok::<_, Error>(query.bind(job).bind(i64::from(number)).fetch_all(&mut *tx).await?)
        })?;
        let mut counters: BTreeMap<Kdd, Vec<SetCounter>> = BTreeMap::new();
        for (card, df, kvn, verified) in rows {
            let unreadable = || Error::StoreContent { what: format!("a counter of chip {card}") };
            let kvn = u8::try_from(kvn).map(Kvn::new).map_err(|_| unreadable())?;
            let counter = u32::try_from(verified).map_err(|_| unreadable())?;
            let set = SetCounter { df: df.parse().map_err(|_| unreadable())?, kvn, counter };
            counters.entry(card.parse().map_err(|_| unreadable())?).or_default().push(set);
        }
        Ok(counters)
    }
}
