//! A channel of the script: opened in its DF, then one plain exchange at a time.

use super::ask::Mailbox;
use super::foreseen::{Expected, Foreseen};
use crate::apdu::Length;
use crate::command::{Exchange, Select, SelectAnswer};
use crate::error::Error;
use crate::personalisation::ChannelId;
use crate::scp03::{Authenticated, CardProof, InitializeUpdate, SecurityLevel};

/// An open channel and where it belongs.
pub(super) struct Channel {
    id: ChannelId,
    secured: Authenticated,
}

impl Channel {
    /// Selects the channel's DF, lets the card prove itself, proves the host.
    pub(super) async fn open(mailbox: &Mailbox, id: &ChannelId, level: SecurityLevel) -> Result<Self, Error> {
        mailbox.exchange(&Select::df_name(&id.df).answering(SelectAnswer::Unread), Expected::ANYTHING).await?;
        let host_challenge = mailbox.host_challenge(id).await?;
        let update = InitializeUpdate { kvn: id.kvn, host_challenge };
        let response = mailbox.transmit(update.command(), || Foreseen::Opening).await?;
        let initiated = update.answered(&response)?;
        let keys = mailbox.session_keys(id, host_challenge, initiated.answer()).await?;
        let (proved, external_authenticate) = initiated.prove(keys, level)?;
        mailbox.proved(id, proved.proof()).await?;
        let response = mailbox.transmit(external_authenticate, || Expected::NOTHING.plain()).await?;
        Ok(Self { id: id.clone(), secured: proved.authenticated(&response)? })
    }

    pub(super) const fn id(&self) -> &ChannelId {
        &self.id
    }

    /// Most plain bytes in one command, and in one response.
    pub(super) const fn plain_data_max(&self, length: Length) -> usize {
        self.secured.plain_data_max(length)
    }

    /// The witness that commands which change the card ask for.
    pub(super) const fn proof(&self) -> &CardProof {
        self.secured.proof()
    }

    /// One command under secure messaging. An answer that the exchange does not accept leaves the channel open: the card refused a
    /// command, it did not break the channel.
    pub(super) async fn exchange<E: Exchange>(
        self,
        mailbox: &Mailbox,
        exchange: &E,
        expected: Expected<'_>,
    ) -> Result<(Self, Result<E::Answer, Error>), Error> {
        let (sent, wrapped) = self.secured.wrap(&exchange.command())?;
        let response = mailbox.transmit(wrapped, || expected.protected(&sent)).await?;
        let (secured, plain) = sent.response(&response)?;
        Ok((Self { id: self.id, secured }, exchange.answer(&plain)))
    }

    /// One command that must succeed.
    pub(super) async fn require<E: Exchange>(
        self,
        mailbox: &Mailbox,
        exchange: &E,
        expected: Expected<'_>,
    ) -> Result<(Self, E::Answer), Error> {
        let (channel, answer) = self.exchange(mailbox, exchange, expected).await?;
        Ok((channel, answer?))
    }
}
