//! `stock import`: takes a delivery in. Checked as a whole before anything is written, written in pieces, and continued where it was cut.

use super::{StockError, StockState, key_sets};
use crate::error::Error;
use crate::vault::BlindIndex;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::ChannelId;
use fuda_card::profile::Profile;
use fuda_issuance::ActivationCode;
use fuda_issuance::delivery::{CardRow, CardStage, Manifest, Received, SetCounter};
use fuda_kms::{Hsm, KeyVersion};
use fuda_store::{Conn, Store, clock, rows};
use sqlx::AssertSqlSafe;

/// Cards written in one transaction: a quarter of a second on a slow disk, so that a centre that serves meanwhile goes on.
const CARDS_PER_PIECE: usize = 500;
/// Threads that ask the HSM for codes: more than one, so that its workers never wait for us.
const CODE_THREADS: usize = 4;
/// Name of the index of activation codes.
pub(crate) const CODE_FIELD: &str = "activation-code";

/// What makes activation codes findable: the key that they come from and the index over them.
#[derive(Debug, Clone)]
pub struct Codes {
    /// The HSM.
    pub hsm: Hsm,
    /// The version of `activation` that the line printed codes by.
    pub activation: KeyVersion,
    /// The index.
    pub index: BlindIndex,
}

/// A delivery that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its number: ORDER-N.
    pub delivery: String,
    /// Its cards.
    pub cards: u64,
    /// Cards that were written now; fewer than `cards` when an import before was cut, none when it was whole.
    pub written: u64,
}

/// Takes a delivery in that was received and whose profile was found. `codes` is `None` at a site without activation codes; `progress` is told
/// the number of cards that are done.
///
/// # Errors
/// [`Error::Stock`] when it must not come in, and then nothing of it has; [`Error::Hsm`], [`Error::Store`]: the same command continues.
pub fn import(
    store: &Store,
    received: &Received,
    profile: &Profile,
    codes: Option<&Codes>,
    progress: &dyn Fn(u64),
) -> Result<Imported, Error> {
    let delivery = DeliveryId::of(&received.manifest);
    let sets = key_sets::of_profile(profile);
    for row in &received.cards {
        if row.stage != CardStage::First {
            return Err(StockError::Unfinished.into());
        }
        key_sets::of_card(&sets, row)?;
    }
    refuse_strangers(store, &delivery, &received.cards)?;
    let mut imported = Imported {
        delivery: delivery.to_string(),
        cards: u64::try_from(received.cards.len()).unwrap_or(u64::MAX),
        written: 0,
    };
    if begin(store, &delivery, received)? == Begun::Complete {
        return Ok(imported);
    }
    let mut done = 0;
    for piece in received.cards.chunks(CARDS_PER_PIECE) {
        let indexes = code_indexes(codes, piece)?;
        let piece: Vec<Incoming> =
            piece.iter().zip(indexes).map(|(row, code)| Incoming::new(row, code, &sets)).collect::<Result<_, _>>()?;
        let count = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        imported.written += write(store, &delivery, piece, profile)?;
        done += count;
        progress(done);
    }
    complete(store, &delivery)?;
    Ok(imported)
}

/// A delivery's place in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DeliveryId {
    order: String,
    number: i64,
}

impl DeliveryId {
    fn of(manifest: &Manifest) -> Self {
        Self { order: manifest.facts.order.id.clone(), number: i64::from(manifest.delivery.number) }
    }
}

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.order, self.number)
    }
}

/// A card on its way in.
#[derive(Debug, Clone)]
struct Incoming {
    kdd: Kdd,
    serial: String,
    printed: String,
    carton: String,
    code: Option<String>,
    keys: Vec<(DfName, Kvn, KeyVersion)>,
    /// Of those sets, where the line met the card more often than issuing takes.
    counters: Vec<SetCounter>,
}

impl Incoming {
    fn new(row: &CardRow, code: Option<String>, sets: &[ChannelId]) -> Result<Self, Error> {
        let CardRow { chip_id, serial, printed, carton, mut counters, .. } = row.clone();
        let keys = key_sets::of_card(sets, row)?;
        counters.retain(|set| keys.iter().any(|(df, kvn, _)| (df, kvn) == (&set.df, &set.kvn)));
        Ok(Self { kdd: chip_id, serial, printed, carton, code, keys, counters })
    }
}

/// A number that a card has alone: what it is called, its column, and its value in a row.
type Column = (&'static str, &'static str, fn(&CardRow) -> String);

/// Refuses a delivery with a card that is in stock from another one, whichever of its three numbers it has in common.
fn refuse_strangers(store: &Store, delivery: &DeliveryId, cards: &[CardRow]) -> Result<(), Error> {
    let columns: [Column; 3] = [
        ("chip", "kdd", |row| row.chip_id.to_string()),
        ("serial", "serial", |row| row.serial.clone()),
        ("printed number", "printed", |row| row.printed.clone()),
    ];
    for piece in cards.chunks(CARDS_PER_PIECE) {
        for (what, column, value) in columns {
            let values: Vec<String> = piece.iter().map(value).collect();
            let own = delivery.clone();
            let found: Option<(String, String, i64)> =
                store.read_blocking("stock.find_strangers", async move |tx| {
                    let query = format!(
                        "/* stock.find_strangers */ SELECT {column}, delivery_order, delivery_number FROM stock_card \
                     WHERE (delivery_order <> $1 OR delivery_number <> $2) AND {column} IN ({}) LIMIT 1",
                        (3..values.len() + 3).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
                    );
                    let mut query = sqlx::query_as(AssertSqlSafe(query)).bind(own.order).bind(own.number);
                    for value in values {
                        query = query.bind(value);
                    }
                    Ok::<_, Error>(query.fetch_optional(&mut *tx).await?)
                })?;
            if let Some((value, order, number)) = found {
                let delivery = DeliveryId { order, number }.to_string();
                return Err(StockError::Duplicate { what, value, delivery }.into());
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    /// Cards are missing.
    Open,
    /// Everything is there from an import before.
    Complete,
}

/// Writes the delivery itself, or finds it.
fn begin(store: &Store, delivery: &DeliveryId, received: &Received) -> Result<Begun, Error> {
    let (delivery, facts, now) =
        (delivery.clone(), received.manifest.facts.clone(), clock::stored(store.clock().now()));
    let (manifest, signed_by) = (received.manifest_sha256.to_string(), received.signed_by.to_string());
    let cards = i64::try_from(received.cards.len()).unwrap_or(i64::MAX);
    store.run_tx_blocking("stock.begin_delivery", async move |tx| {
        sqlx::query(
            "/* stock.begin_delivery */ INSERT INTO stock_delivery \
             (order_id, number, manifest_sha256, signed_by, site, profile, profile_sha256, lot, cards, state, begun_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'begun', $10) ON CONFLICT DO NOTHING",
        )
        .bind(delivery.order.as_str())
        .bind(delivery.number)
        .bind(manifest.as_str())
        .bind(signed_by)
        .bind(facts.site)
        .bind(facts.profile.name)
        .bind(facts.profile.sha256.to_string())
        .bind(facts.lot)
        .bind(cards)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        let (found, state): (String, String) = sqlx::query_as(
            "/* stock.begin_delivery */ SELECT manifest_sha256, state FROM stock_delivery WHERE order_id = $1 AND number = $2",
        )
        .bind(delivery.order.as_str())
        .bind(delivery.number)
        .fetch_one(&mut *tx)
        .await?;
        if found != manifest {
            return Err(StockError::OtherDelivery { delivery: delivery.to_string() }.into());
        }
        Ok(if state == "complete" { Begun::Complete } else { Begun::Open })
    })
}

/// Writes a piece: cards, their applications, and their key sets, which the census counts from now on.
fn write(store: &Store, delivery: &DeliveryId, piece: Vec<Incoming>, profile: &Profile) -> Result<u64, Error> {
    let (delivery, now) = (delivery.clone(), clock::stored(store.clock().now()));
    let applications: Vec<(String, String)> = profile
        .applications()
        .iter()
        .map(|application| (application.df_name.to_string(), application.name.to_string()))
        .collect();
    store.run_tx_blocking("stock.write_cards", async move |tx| {
        let text = format!(
            "/* stock.write_cards */ INSERT INTO stock_card \
             (delivery_order, delivery_number, state, changed_at, kdd, serial, printed, code_index, carton) VALUES {} ON CONFLICT (kdd) DO NOTHING",
            rows::placeholders(piece.len(), 4, 5)
        );
        let mut insert = sqlx::query(AssertSqlSafe(text))
            .bind(delivery.order)
            .bind(delivery.number)
            .bind(StockState::Stock.as_str())
            .bind(now.as_str());
        for card in &piece {
            insert = insert
                .bind(card.kdd.to_string())
                .bind(card.serial.as_str())
                .bind(card.printed.as_str())
                .bind(card.code.as_deref())
                .bind(card.carton.as_str());
        }
        let written = insert.execute(&mut *tx).await?.rows_affected();
        write_applications(tx, &piece, &applications, &now).await?;
        write_key_sets(tx, &piece).await?;
        write_counters(tx, &piece, &now).await?;
        Ok(written)
    })
}

async fn write_applications(
    tx: &mut Conn,
    piece: &[Incoming],
    applications: &[(String, String)],
    now: &str,
) -> Result<(), Error> {
    for (df, application) in applications {
        let text = format!(
            "/* stock.write_applications */ INSERT INTO card_application (df, application, state, changed_at, card) VALUES {} ON CONFLICT DO NOTHING",
            rows::placeholders(piece.len(), 4, 1)
        );
        let mut insert = sqlx::query(AssertSqlSafe(text)).bind(df).bind(application).bind("blank").bind(now);
        for card in piece {
            insert = insert.bind(card.kdd.to_string());
        }
        insert.execute(&mut *tx).await?;
    }
    Ok(())
}

async fn write_key_sets(tx: &mut Conn, piece: &[Incoming]) -> Result<(), Error> {
    let sets: Vec<_> = piece.iter().flat_map(|card| card.keys.iter().map(move |set| (card.kdd, set))).collect();
    if sets.is_empty() {
        return Ok(());
    }
    let text = format!(
        "/* stock.write_key_sets */ INSERT INTO card_key (state, card, df, kvn, key, version) VALUES {} ON CONFLICT DO NOTHING",
        rows::placeholders(sets.len(), 1, 5)
    );
    let mut insert = sqlx::query(AssertSqlSafe(text)).bind("proved");
    for (kdd, (df, kvn, key)) in sets {
        insert = insert
            .bind(kdd.to_string())
            .bind(df.to_string())
            .bind(i64::from(kvn.to_u8()))
            .bind(key.name.to_string())
            .bind(i64::from(key.number.get()));
    }
    insert.execute(&mut *tx).await?;
    Ok(())
}

/// Where the counters of key sets stand, so that the first contact need not ask; what a card has proved here since counts more.
async fn write_counters(tx: &mut Conn, piece: &[Incoming], now: &str) -> Result<(), Error> {
    let sets: Vec<_> = piece.iter().flat_map(|card| card.counters.iter().map(move |set| (card.kdd, set))).collect();
    if sets.is_empty() {
        return Ok(());
    }
    let text = format!(
        "/* stock.write_counters */ INSERT INTO key_set_counter (challenge, at, card, df, kvn, verified) VALUES {} ON CONFLICT DO NOTHING",
        rows::placeholders(sets.len(), 2, 4)
    );
    let mut insert = sqlx::query(AssertSqlSafe(text)).bind("pseudo-random").bind(now);
    for (kdd, SetCounter { df, kvn, counter }) in sets {
        insert =
            insert.bind(kdd.to_string()).bind(df.to_string()).bind(i64::from(kvn.to_u8())).bind(i64::from(*counter));
    }
    insert.execute(&mut *tx).await?;
    Ok(())
}

fn complete(store: &Store, delivery: &DeliveryId) -> Result<(), Error> {
    let delivery = delivery.clone();
    store.run_tx_blocking("stock.complete_delivery", async move |tx| {
        sqlx::query("/* stock.complete_delivery */ UPDATE stock_delivery SET state = 'complete' WHERE order_id = $1 AND number = $2")
            .bind(delivery.order)
            .bind(delivery.number)
            .execute(&mut *tx)
            .await?;
        Ok(())
    })
}

/// For each card what its activation code is found by. The code itself exists no longer than it takes.
fn code_indexes(codes: Option<&Codes>, piece: &[CardRow]) -> Result<Vec<Option<String>>, Error> {
    let Some(codes) = codes else { return Ok(vec![None; piece.len()]) };
    let of = |row: &CardRow| {
        let mac = codes.hsm.mac(&codes.activation, &ActivationCode::mac_input(&row.serial))?;
        codes.index.blind(CODE_FIELD, &ActivationCode::from_mac(&mac).expose()).map(Some)
    };
    let share = piece.len().div_ceil(CODE_THREADS).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = piece
            .chunks(share)
            .map(|rows| scope.spawn(move || rows.iter().map(of).collect::<Result<Vec<_>, Error>>()))
            .collect();
        let mut indexes = Vec::with_capacity(piece.len());
        for thread in threads {
            indexes.extend(thread.join().map_err(|_| Error::Thread)??);
        }
        Ok(indexes)
    })
}
