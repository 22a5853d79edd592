//! Scripts that are at terminals: what a hold or a block comes too late for.
//!
//! A terminal drops a script when its time is over, and a card stops it once it was met with a later count. One that lies in wait does neither,
//! so every script that writes and whose card has not told otherwise is out.

use crate::error::Error;
use crate::stock::hold::COVERS;
use fuda_card::id::Kdd;
use fuda_store::Conn;
use serde::Serialize;
use sqlx::AssertSqlSafe;

/// Scripts that one report lists.
const LISTED_MAX: i64 = 1000;
/// What joins a script, its card, and the card's delivery.
const SCRIPTS: &str = "SELECT c.serial, s.job, s.expires_at FROM online_script s JOIN stock_card c ON c.kdd = s.card \
     JOIN stock_delivery d ON d.order_id = c.delivery_order AND d.number = c.delivery_number";
/// Those that may change their card yet.
const OUT: &str = "s.kind = 'write' AND s.state IN ('offered', 'unknown') ORDER BY s.expires_at, s.id LIMIT $2";
/// Digits of a serial by which a person finds a card.
const SHOWN_CHARS: usize = 4;

/// A script at a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct ScriptOut {
    /// Serial of its card.
    #[serde(skip)]
    serial: String,
    /// Its job.
    pub job: String,
    /// When an honest terminal drops it.
    pub expires_at: String,
}

impl ScriptOut {
    /// Last digits of the card's serial.
    #[must_use]
    pub fn serial_end(&self) -> &str {
        let from = self.serial.char_indices().rev().nth(SHOWN_CHARS - 1).map_or(0, |(at, _)| at);
        self.serial.get(from..).unwrap_or_default()
    }
}

/// Scripts that are out for the cards of a hold.
pub(crate) async fn under_hold(tx: &mut Conn, hold: &str) -> Result<Vec<ScriptOut>, Error> {
    let text = format!("/* online.out */ {SCRIPTS} JOIN stock_hold h ON h.id = $1 AND {COVERS} WHERE {OUT}");
    Ok(sqlx::query_as(AssertSqlSafe(text)).bind(hold).bind(LISTED_MAX).fetch_all(&mut *tx).await?)
}

/// Scripts that are out for a card.
pub(crate) async fn of_card(tx: &mut Conn, card: Kdd) -> Result<Vec<ScriptOut>, Error> {
    let text = format!("/* online.out */ {SCRIPTS} WHERE c.kdd = $1 AND {OUT}");
    Ok(sqlx::query_as(AssertSqlSafe(text)).bind(card.to_string()).bind(LISTED_MAX).fetch_all(&mut *tx).await?)
}
