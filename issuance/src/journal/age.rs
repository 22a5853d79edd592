//! How old a store is: a number that grows while lines work, so that whoever remembers a higher one knows that an old copy was restored.

use crate::error::Error;
use fuda_store::{Conn, Store};

/// A store's name and age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Age {
    /// Random, once for each store.
    pub store: String,
    /// Grows with every sign of life of a line.
    pub generation: u64,
}

/// Bytes of a store's random name.
const NAME_BYTES: usize = 8;

impl Age {
    /// The age of a store; a new one gets its name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn of(store: &Store) -> Result<Self, Error> {
        let mut name = [0; NAME_BYTES];
        getrandom::fill(&mut name)
            .map_err(|_| Error::HsmAnswer { what: "the operating system has no random numbers" })?;
        let name = hex::encode_upper(name);
        store.run_tx_blocking("store.age", async move |tx| {
            sqlx::query("/* store.age */ INSERT INTO store_age (one, store, generation) VALUES (1, $1, 0) ON CONFLICT DO NOTHING")
                .bind(name)
                .execute(&mut *tx)
                .await?;
            read(tx).await
        })
    }
}

async fn read(tx: &mut Conn) -> Result<Age, Error> {
    let (store, generation): (String, i64) =
        sqlx::query_as("/* store.age */ SELECT store, generation FROM store_age WHERE one = 1")
            .fetch_one(&mut *tx)
            .await?;
    Ok(Age { store, generation: generation.unsigned_abs() })
}

/// Lets the store grow older.
pub(super) async fn grow(tx: &mut Conn) -> Result<Age, Error> {
    sqlx::query("/* store.grow */ UPDATE store_age SET generation = generation + 1 WHERE one = 1")
        .execute(&mut *tx)
        .await?;
    read(tx).await
}
