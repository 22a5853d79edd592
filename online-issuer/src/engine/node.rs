//! A node among others: it tells the store that it lives, hears from there that it is to stop, and sweeps what nobody needs any more.

use crate::error::Error;
use fuda_store::clock::stored;
use fuda_store::{Conn, Store};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;
use tokio::time::sleep;

/// How often a node tells that it lives, and looks whether it is to stop.
const BEAT: Duration = Duration::from_secs(2);
/// Age of a node's last word at which it is taken for dead.
const SILENCE: SignedDuration = SignedDuration::from_secs(15);
/// Beats between two sweeps: an hour.
const SWEEP_BEATS: u32 = 1_800;
/// Age at which scripts are deleted, resolved or not.
const SCRIPT_AGE_MAX: SignedDuration = SignedDuration::from_hours(24);

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    store: Store,
    name: String,
}

/// A node as others see it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NodeRow {
    /// Its name.
    pub node: String,
    /// Where terminals find it.
    pub url: String,
    /// What it does.
    pub state: String,
    /// When it told last that it lives.
    pub seen_at: String,
}

impl Node {
    /// A node that begins to serve.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn begin(store: Store, name: String, url: String) -> Result<Self, Error> {
        let (node, now) = (name.clone(), stored(store.clock().now()));
        let insert = async move |tx: &mut Conn| {
            sqlx::query(
                "/* node.begin */ INSERT INTO online_node (node, url, state, started_at, seen_at) VALUES ($1, $2, 'serving', $3, $3)",
            )
            .bind(node.as_str())
            .bind(url.as_str())
            .bind(now.as_str())
            .execute(&mut *tx)
            .await?;
            Ok::<_, Error>(())
        };
        store.run_tx("node.begin", insert).await?;
        Ok(Self { store, name })
    }

    /// Tells that it lives until somebody says in the store that it is to stop.
    pub async fn until_drained(&self) {
        let mut beats = 0;
        loop {
            sleep(BEAT).await;
            match self.beat().await {
                Ok(true) => return,
                Ok(false) => {}
                // The store's own messages say what is wrong; the node goes on and says so in readyz.
                Err(error) => tracing::warn!(%error, "the node could not tell that it lives"),
            }
            beats += 1;
            if beats % SWEEP_BEATS == 1
                && let Err(error) = sweep(&self.store).await
            {
                tracing::warn!(%error, "old scripts are not deleted");
            }
        }
    }

    /// Whether the node is to stop.
    async fn beat(&self) -> Result<bool, Error> {
        let (name, now) = (self.name.clone(), stored(self.store.clock().now()));
        let beat = async move |tx: &mut Conn| {
            sqlx::query("/* node.beat */ UPDATE online_node SET seen_at = $1 WHERE node = $2")
                .bind(now.as_str())
                .bind(name.as_str())
                .execute(&mut *tx)
                .await?;
            let state: String = sqlx::query_scalar("/* node.beat */ SELECT state FROM online_node WHERE node = $1")
                .bind(name.as_str())
                .fetch_one(&mut *tx)
                .await?;
            Ok::<_, Error>(state == "draining")
        };
        self.store.part(&self.name).run_tx("node.beat", beat).await
    }

    /// The node has ended.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn end(&self) -> Result<(), Error> {
        let name = self.name.clone();
        let end = async move |tx: &mut Conn| {
            sqlx::query("/* node.end */ UPDATE online_node SET state = 'stopped' WHERE node = $1")
                .bind(name.as_str())
                .execute(&mut *tx)
                .await?;
            Ok::<_, Error>(())
        };
        self.store.part(&self.name).run_tx("node.end", end).await
    }
}

/// Tells nodes to stop: one of them, or all.
///
/// # Errors
/// [`Error::Store`].
pub fn drain(store: &Store, node: Option<&str>) -> Result<(), Error> {
    let node = node.unwrap_or("%").to_owned();
    store.run_tx_blocking("node.drain", async move |tx| {
        sqlx::query(
            "/* node.drain */ UPDATE online_node SET state = 'draining' WHERE state = 'serving' AND node LIKE $1",
        )
        .bind(node.as_str())
        .execute(&mut *tx)
        .await?;
        Ok(())
    })
}

/// Nodes that have not stopped and were heard of lately.
///
/// # Errors
/// [`Error::Store`].
pub fn alive(store: &Store) -> Result<Vec<NodeRow>, Error> {
    let since = stored(store.clock().now() - SILENCE);
    store.read_blocking("node.alive", async move |tx| {
        let query = "/* node.alive */ SELECT node, url, state, seen_at FROM online_node WHERE state <> 'stopped' AND seen_at >= $1 ORDER BY node";
        Ok(sqlx::query_as(query).bind(since.as_str()).fetch_all(&mut *tx).await?)
    })
}

/// Deletes scripts that are a day old; their hashes stay. What they did is asked of the card, not of them.
async fn sweep(store: &Store) -> Result<(), Error> {
    let before = age(store.clock().now());
    let sweep = async move |tx: &mut Conn| {
        sqlx::query(
            "/* node.sweep */ UPDATE online_message SET answer = '' WHERE answered_at < $1 AND answer <> '' AND EXISTS (SELECT 1 FROM online_script \
             WHERE online_script.sid = online_message.sid AND online_script.seq = online_message.seq)",
        )
        .bind(before.as_str())
        .execute(&mut *tx)
        .await?;
        Ok::<_, Error>(())
    };
    store.part("online.sweep").run_tx("node.sweep", sweep).await
}

fn age(now: Timestamp) -> String {
    stored(now - SCRIPT_AGE_MAX)
}
