//! A terminal with a card and a way to the centre.

use super::Relay;
use super::player::{Cut, Player};
use super::relay::Answer;
use fuda_card_sim::Card;
use serde_json::Value;
use std::ops::{Deref, DerefMut};

/// One contact of a card with the centre.
pub(super) struct Terminal<'r> {
    relay: &'r mut Relay,
    player: Player,
}

impl<'r> Terminal<'r> {
    pub(super) fn new(relay: &'r mut Relay) -> Self {
        Self { relay, player: Player::new(None) }
    }

    pub(super) fn cut(mut self, cut: Cut) -> Self {
        self.player.cut = Some(cut);
        self
    }

    /// Opens a session for an order.
    pub(super) fn open(&mut self, purpose: &str, order: &str) -> Answer {
        let message = self.opening(purpose, order);
        self.relay.say(&message)
    }

    /// A whole contact: its last answer.
    pub(super) fn run(&mut self, purpose: &str, order: &str, card: &mut Card) -> Value {
        let mut answer = self.open(purpose, order);
        while answer.body["type"] == "script" {
            let result = self.play(&answer.body, card);
            answer = self.relay.say(&result);
        }
        answer.body
    }

    pub(super) fn say(&mut self, message: &Value) -> Answer {
        self.relay.say(message)
    }
}

impl Deref for Terminal<'_> {
    type Target = Player;

    fn deref(&self) -> &Player {
        &self.player
    }
}

impl DerefMut for Terminal<'_> {
    fn deref_mut(&mut self) -> &mut Player {
        &mut self.player
    }
}
