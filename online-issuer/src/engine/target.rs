//! The application of a card that a session is about: its files, its key set, and what is known of the set's counter.

use super::profiles::Known;
use super::refusal::Refusal;
use crate::error::Error;
use fuda_card::id::{DfName, Kdd, Kvn};
use fuda_card::personalisation::ChannelId;
use fuda_card::profile::Application;
use fuda_kms::{KeyName, KeyVersion};
use fuda_store::Conn;

/// How a card makes challenges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChallengeSource {
    /// From key and counter: a session can be computed before the card is met.
    PseudoRandom,
    /// By chance: the card must be asked first.
    Random,
}

/// What a session does with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Its work, under its own set.
    Application,
    /// It shuts it, under the issuer's set.
    Shut,
}

/// An application of a card.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) card: Kdd,
    pub(crate) application: Application,
    pub(crate) set: ChannelId,
    pub(crate) version: KeyVersion,
    /// Highest counter that the card proved, or what it must have reached when it was made.
    pub(crate) counter: u32,
    pub(crate) challenge: ChallengeSource,
}

impl ChallengeSource {
    const fn as_str(self) -> &'static str {
        match self {
            Self::PseudoRandom => "pseudo-random",
            Self::Random => "random",
        }
    }
}

impl Target {
    /// The application of a card by the name of its DF, and the key set that the aim takes.
    pub(crate) async fn load(
        tx: &mut Conn,
        known: &Known,
        (card, df): (Kdd, &DfName),
        aim: Aim,
    ) -> Result<Self, Error> {
        let application = known.profile.applications().iter().find(|application| application.df_name == *df);
        let application = application.ok_or_else(|| Error::content("an order's application is not in its profile"))?;
        let (df, key) = match aim {
            Aim::Application => (df.clone(), application.key.to_string()),
            Aim::Shut => (DfName::mf(), KeyName::Issuer.to_string()),
        };
        let (kvn, version) = key_set(tx, card, &df, &key).await?.ok_or(Refusal::CardKeyless)?;
        let df = &df;
        let set = ChannelId { df: df.clone(), kvn, key };
        let proved = proved(tx, card, df, kvn).await?;
        let (counter, challenge) = proved.unwrap_or((known.sessions_of_issuance(&set), ChallengeSource::PseudoRandom));
        Ok(Self { card, application: application.clone(), set, version, counter, challenge })
    }
}

/// The set of a key that a card carries in a DF, as its record says; the newest when there are two.
async fn key_set(tx: &mut Conn, card: Kdd, df: &DfName, key: &str) -> Result<Option<(Kvn, KeyVersion)>, Error> {
    let row: Option<(i64, String, i64)> = sqlx::query_as(
        "/* online.key_set */ SELECT kvn, key, version FROM card_key WHERE card = $1 AND df = $2 AND key = $3 \
         AND state <> 'deleted' ORDER BY kvn DESC, version DESC",
    )
    .bind(card.to_string())
    .bind(df.to_string())
    .bind(key)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((kvn, key, version)) = row else { return Ok(None) };
    let kvn = u8::try_from(kvn).map_err(|_| Error::content("the number of a card's key set"))?;
    let version = format!("{key}@{version}").parse().map_err(|_| Error::content("the key of a card's key set"))?;
    Ok(Some((Kvn::new(kvn), version)))
}

async fn proved(tx: &mut Conn, card: Kdd, df: &DfName, kvn: Kvn) -> Result<Option<(u32, ChallengeSource)>, Error> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "/* online.counter */ SELECT verified, challenge FROM key_set_counter WHERE card = $1 AND df = $2 AND kvn = $3",
    )
    .bind(card.to_string())
    .bind(df.to_string())
    .bind(i64::from(kvn.to_u8()))
    .fetch_optional(&mut *tx)
    .await?;
    let Some((verified, challenge)) = row else { return Ok(None) };
    let verified = u32::try_from(verified).map_err(|_| Error::content("a counter"))?;
    let source = if challenge == "random" { ChallengeSource::Random } else { ChallengeSource::PseudoRandom };
    Ok(Some((verified, source)))
}

/// Records a counter that the card proved; it never goes down.
pub(crate) async fn prove_counter(
    tx: &mut Conn,
    (card, df, kvn): (Kdd, &DfName, Kvn),
    counter: u32,
    source: ChallengeSource,
    now: &str,
) -> Result<(), Error> {
    sqlx::query(
        "/* online.proved */ INSERT INTO key_set_counter (card, df, kvn, verified, challenge, at) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (card, df, kvn) DO UPDATE SET verified = excluded.verified, challenge = excluded.challenge, at = excluded.at \
         WHERE excluded.verified >= key_set_counter.verified",
    )
    .bind(card.to_string())
    .bind(df.to_string())
    .bind(i64::from(kvn.to_u8()))
    .bind(i64::from(counter))
    .bind(source.as_str())
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Whether a card gets no more scripts.
pub(crate) async fn is_blocked(tx: &mut Conn, card: Kdd) -> Result<bool, Error> {
    let blocks: i64 = sqlx::query_scalar("/* online.is_blocked */ SELECT COUNT(*) FROM online_block WHERE card = $1")
        .bind(card.to_string())
        .fetch_one(&mut *tx)
        .await?;
    Ok(blocks > 0)
}

/// Blocks a card; a blocked one keeps its first reason.
pub(crate) async fn block(tx: &mut Conn, card: Kdd, reason: &str, who: &str, now: &str) -> Result<(), Error> {
    sqlx::query(
        "/* online.block */ INSERT INTO online_block (card, reason, who, at) VALUES ($1, $2, $3, $4) ON CONFLICT (card) DO NOTHING",
    )
    .bind(card.to_string())
    .bind(reason)
    .bind(who)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    Ok(())
}
