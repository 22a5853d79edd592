//! Walking a plan over one card: the script asks, and gets its answers from the card, the HSM and whoever watches.

use crate::error::Error;
use crate::key_plan::KeyPlan;
use crate::provision::Provision;
use crate::transport::Wire;
use fuda_card::apdu::Command;
use fuda_card::id::Kdd;
use fuda_card::personalisation::{ChannelId, Plan, Stage};
use fuda_card::scp03::SequenceCounter;
use fuda_card::script::{Input, Output, Script, Standing};
use fuda_card::transport::{Transport, TransportCode};
use fuda_kms::Hsm;
use fuda_kms::sets::SetsFile;
use std::sync::Arc;

/// Who decides about keys and records what the card confirmed.
pub(crate) trait Watch {
    /// The key versions of a chip that has told its identity and proved nothing yet.
    fn keys(&mut self, kdd: Kdd) -> Result<KeyPlan<'_>, Error>;

    /// A command is about to leave for the card.
    fn sending(&mut self, _: &Command) {}

    /// The chip proved that it holds its keys; nothing was sent under them yet.
    fn proved(&mut self, kdd: Kdd) -> Result<(), Error>;

    /// The chip opened the channel of a key set whose counter, where it has one, stands there now.
    fn opened(&mut self, _: &ChannelId, _: Option<SequenceCounter>) {}

    /// The chip confirmed the last step of a stage.
    fn stage_done(&mut self, stage: Stage) -> Result<(), Error>;
}

/// A plan, and the step to begin with.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) plan: Arc<Plan>,
    pub(crate) from: usize,
    pub(crate) standing: Standing,
    pub(crate) purpose: Purpose,
    /// Recovery sets that were made elsewhere.
    pub(crate) sets: Option<Arc<SetsFile>>,
}

/// What a plan is walked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To write: the end of a stage is news.
    Issue,
    /// To read what an earlier walk wrote.
    Audit,
}

/// Walks a route to its end; answers the number of PKCS#11 calls.
pub(crate) fn walk<T, W>(wire: &mut Wire<'_, T>, hsm: &Hsm, route: &Route, watch: &mut W) -> Result<u32, Error>
where
    T: Transport<Error: TransportCode>,
    W: Watch,
{
    let mut provision = Provision::new(hsm, route)?;
    let mut script = Script::new(Arc::clone(&route.plan), route.from, route.standing);
    let mut input = Input::Continue;
    let mut chip: Option<Kdd> = None;
    let mut counter = None;
    loop {
        let output = script.next(input).map_err(|failed| Error::Card { step: failed.step, error: failed.error })?;
        wire.enter(&script.step());
        input = match output {
            Output::Command(command) => {
                watch.sending(&command);
                Input::Response(wire.transmit(&command)?)
            }
            Output::HostChallenge(channel) => Input::HostChallenge(provision.host_challenge(&channel)?),
            Output::SessionKeys { channel, host_challenge, answer } => {
                let before = *chip.get_or_insert(answer.kdd);
                if before != answer.kdd {
                    return Err(Error::CardSwapped { before, after: answer.kdd });
                }
                counter = answer.counter;
                let keys = watch.keys(answer.kdd)?;
                Input::SessionKeys(provision.session_keys(&keys, &channel, host_challenge, &answer)?)
            }
            Output::Proved { kdd, channel } => {
                watch.proved(kdd)?;
                watch.opened(&channel, counter);
                Input::Continue
            }
            Output::KeySet { set, .. } => Input::KeySet(provision.key_set(&set)?),
            Output::StageDone(stage) => {
                if route.purpose == Purpose::Issue {
                    watch.stage_done(stage)?;
                }
                Input::Continue
            }
            Output::Done => return Ok(provision.calls()),
        };
    }
}
