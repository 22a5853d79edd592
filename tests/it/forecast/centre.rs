//! The service centre of these tests: it knows chip and counters, has the keys in software, and never sees the card.

use crate::cuts::host::{HOST_CHALLENGE, KDD, components, key_set, session_keys};
use fuda_card::apdu::Response;
use fuda_card::cardscript::{CentreMessage, Script, ScriptId, ScriptResult, SessionId, decode, encode};
use fuda_card::forecast::{Carrier, Forecast, Opening, Session, Supplies, Verdict, verify};
use fuda_card::id::Kdd;
use fuda_card::personalisation::{ChannelId, Plan};
use fuda_card::scp03::{InitializeUpdateResponse, Mode, Prediction, SequenceCounter, predicted_card_challenge};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One contact with a card, from the centre's side.
#[derive(Debug, Clone)]
pub(super) struct Centre {
    pub(super) plan: Arc<Plan>,
    /// The chip that is expected.
    pub(super) kdd: Kdd,
    /// The highest counter that each key set is believed to have reached.
    pub(super) counters: BTreeMap<u8, u32>,
    /// What the card has answered to INITIALIZE UPDATE before.
    pub(super) answered: Option<InitializeUpdateResponse>,
}

impl Centre {
    pub(super) fn new(plan: Plan, counters: &BTreeMap<u8, u32>) -> Self {
        Self { plan: Arc::new(plan), kdd: KDD, counters: counters.clone(), answered: None }
    }

    /// What the HSM would compute: the same each time, as keys are never kept.
    fn supplies(&self) -> Supplies {
        let mut counters = self.counters.clone();
        let mut answered = self.answered.clone();
        let sessions = self.plan.openings().map(|channel| {
            let opening = match answered.take() {
                Some(answer) => Opening::Answered(answer),
                None => Opening::Foreseen(self.prediction(channel, &mut counters)),
            };
            let card_challenge = match &opening {
                Opening::Answered(answer) => answer.card_challenge,
                Opening::Foreseen(prediction) => prediction.card_challenge,
            };
            let keys = session_keys(channel, HOST_CHALLENGE, &card_challenge);
            Session { host_challenge: HOST_CHALLENGE, opening, keys }
        });
        let key_sets = self.plan.loads().map(|(load, under)| components(&load.set, under));
        Supplies::new(sessions.collect::<Vec<_>>(), key_sets)
    }

    fn prediction(&self, channel: &ChannelId, counters: &mut BTreeMap<u8, u32>) -> Prediction {
        let number = counters.entry(channel.kvn.to_u8()).or_default();
        *number += 1;
        let counter = SequenceCounter::new(*number).unwrap();
        let card_challenge = predicted_card_challenge(key_set(channel).enc(), counter, &channel.df, Mode::S8);
        Prediction { kdd: self.kdd, kvn: channel.kvn, counter, card_challenge }
    }

    pub(super) fn forecast(&self) -> Forecast {
        Forecast::new(Arc::clone(&self.plan), self.supplies()).unwrap()
    }

    /// The script, as it comes over the network.
    pub(super) fn script(&self, carrier: Carrier) -> Script {
        let forecast = self.forecast();
        as_received(&forecast, &self.plan, carrier)
    }

    /// The script that only learns who the card is and where its count stands.
    pub(super) fn introduction(&self) -> Script {
        let forecast = Forecast::introduction(&self.plan, HOST_CHALLENGE, Some(self.kdd)).unwrap();
        as_received(&forecast, &self.plan, Carrier::Whole)
    }

    pub(super) fn verify(&self, result: &ScriptResult) -> Verdict {
        verify(Arc::clone(&self.plan), self.supplies(), answers(result)).unwrap()
    }
}

pub(super) fn answers(result: &ScriptResult) -> Vec<Response> {
    result.r.iter().map(|answer| Response::decode(answer.as_bytes()).unwrap()).collect()
}

fn as_received(forecast: &Forecast, plan: &Plan, carrier: Carrier) -> Script {
    let script = Script {
        sid: SessionId::new([1; 16]),
        seq: 0,
        id: ScriptId::new([2; 8]),
        expires: "2026-11-25T12:00:00Z".to_owned(),
        budget_ms: forecast.budget_ms(),
        steps: forecast.card_script(plan, carrier).unwrap(),
    };
    let sent = encode(&CentreMessage::Script(script)).unwrap();
    match decode(sent.as_bytes()).unwrap() {
        CentreMessage::Script(script) => script,
        other => panic!("{other:?}"),
    }
}
