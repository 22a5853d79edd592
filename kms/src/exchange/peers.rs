//! Whose identity key a peer has: said once by a person, kept in the registry.

use crate::error::Error;
use crate::name::Part;
use crate::registry::Registry;
use p256::PublicKey;
use p256::elliptic_curve::sec1::ToSec1Point;

impl Registry {
    /// The identity key of a peer, when somebody has said which it is.
    pub(super) fn peer(&self, peer: &Part) -> Result<Option<PublicKey>, Error> {
        let name = peer.to_string();
        let point: Option<String> = self.store.read_blocking("kms.peer.point", async move |tx| {
            let found = sqlx::query_scalar("/* kms.peer.point */ SELECT point FROM key_peer WHERE name = $1")
                .bind(name)
                .fetch_optional(&mut *tx)
                .await?;
            Ok::<_, Error>(found)
        })?;
        let read = |point: String| hex::decode(point).ok().and_then(|point| PublicKey::from_sec1_bytes(&point).ok());
        let strange = || Error::Registry { text: format!("key_peer has no point of P-256 for {peer}") };
        point.map(|point| read(point).ok_or_else(strange)).transpose()
    }

    /// Keeps what a person said. It is said once.
    pub(super) fn pin_peer(&self, peer: &Part, point: &PublicKey) -> Result<(), Error> {
        let (name, now) = (peer.to_string(), self.now());
        let point = hex::encode(point.to_sec1_point(false).as_bytes());
        self.store.run_tx_blocking("kms.peer.pin", async move |tx| {
            sqlx::query("/* kms.peer.pin */ INSERT INTO key_peer (name, point, pinned_at) VALUES ($1, $2, $3)")
                .bind(name)
                .bind(point)
                .bind(now)
                .execute(&mut *tx)
                .await?;
            Ok(())
        })
    }
}
