//! One card and its member: contacts that something is done to, then honest ones until all is quiet, then the scripts that somebody kept.

use super::fault::{Fault, Manner, Moment, Side, Victim};
use super::hand::{Hand, Seen};
use super::shop::{Bought, Shop};
use crate::activation::player::{Player, Power};
use fuda_tests::market::Node;
use serde_json::Value;
use std::collections::BTreeSet;

/// Honest contacts after the last fault, of which one has to do.
const HONEST_MAX: usize = 5;
const PURPOSE: &str = "activate";

/// How a contact ended for the terminal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    /// The centre's last word.
    Said(Value),
    /// None: the line is dead.
    Silence,
    /// The terminal keeps the script.
    Kept,
}

impl End {
    /// A word or two: outcome or code.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Said(answer) => ["outcome", "code"].map(|name| answer[name].as_str().unwrap_or_default()).concat(),
            Self::Silence => "silence".to_owned(),
            Self::Kept => "kept".to_owned(),
        }
    }
}

/// What one run came to.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// Contacts until the first one that was told that the card is done.
    pub(super) contacts: usize,
    /// How the first one ended.
    pub(super) first: String,
    /// What a reader saw of the card after it.
    pub(super) between: Option<Seen>,
    /// How the last honest one ended.
    pub(super) last: String,
    /// INS of the commands of the first contact that was not kept.
    pub(super) commands: Vec<String>,
    /// Scripts of it.
    pub(super) scripts: usize,
    /// Whether an honest contact came to its end.
    pub(super) is_done: bool,
    pub(super) is_blocked: bool,
    pub(super) is_mixed: bool,
    /// What the card is in the end.
    pub(super) seen: Option<Seen>,
    /// Tries that were burned, at this card and at others that were put in for it.
    pub(super) burned: usize,
    /// Receipts that members saw.
    pub(super) receipts: BTreeSet<String>,
    /// Whatever else is not as it must be.
    pub(super) wrong: Vec<String>,
}

/// A card on its way.
pub(super) struct Run<'s> {
    pub(super) shop: &'s Shop,
    pub(super) bought: &'s Bought,
    pub(super) hand: Hand,
    kept: Vec<(Player, Value)>,
    pub(super) told: Account,
}

/// Says what was done to a card in whose midst the test ended.
struct Midst<'f>(&'f [Fault]);

impl Drop for Midst<'_> {
    #[expect(clippy::print_stdout, reason = "a failing test shows it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("in the midst of {:?}", self.0);
        }
    }
}

/// The centre, for one contact.
enum Room<'s> {
    Shared,
    Alone(std::sync::RwLockWriteGuard<'s, Node>),
}

impl<'s> Run<'s> {
    pub(super) fn new(shop: &'s Shop, bought: &'s Bought) -> Self {
        Self { shop, bought, hand: Hand::of(&bought.sale.file), kept: Vec::new(), told: Account::default() }
    }

    /// Goes through all of it.
    pub(super) fn through(mut self, faults: &[Fault]) -> Account {
        let _midst = Midst(faults);
        for (number, fault) in (1..).zip(faults) {
            let end = self.meet(*fault);
            self.look();
            self.count(number, &end);
            if number == 1 {
                (self.told.first, self.told.between) = (end.word(), Some(self.seen()));
            }
        }
        for number in (faults.len() + 1..).take(HONEST_MAX) {
            let end = self.contact(None);
            self.look();
            self.count(number, &end);
            self.told.last = end.word();
            if self.told.is_done || self.told.is_blocked {
                break;
            }
            self.told.wrong.push(format!("an honest contact: {}", end.word()));
        }
        // Two of the staff may give up before a script is run late, or after it.
        if faults.len().is_multiple_of(2) {
            self.give_up();
        }
        let _ = self.late(Manner::Told);
        self.give_up();
        self.look();
        self.told.burned += self.hand.burned();
        self.told.seen = Some(self.seen());
        self.told
    }

    /// Notes at which contact the card was done, for the first time.
    fn count(&mut self, number: usize, end: &End) {
        if !self.told.is_done {
            self.told.contacts = number;
            self.told.is_done = matches!(end, End::Said(answer) if answer["type"] == "done");
        }
    }

    /// What a reader sees.
    fn seen(&self) -> Seen {
        self.hand.seen(&self.shop.application, &self.bought.contents)
    }

    /// A reader looks at the card.
    fn look(&mut self) {
        self.told.is_mixed |= self.seen() == Seen::Mixed;
    }

    fn meet(&mut self, fault: Fault) -> End {
        match fault {
            Fault::Late(manner) => self.late(manner),
            Fault::Notice => {
                self.shop.pay_again(&self.bought.sale.order);
                End::Silence
            }
            Fault::TwoCards(cut) => self.two_cards(cut),
            Fault::TwoTerminals(between, cut, way) => self.two_terminals(between, cut, way),
            Fault::Held(cut) => self.held(cut),
            Fault::Blocked(cut) => self.blocked(cut),
            _ => self.contact(Some(fault)),
        }
    }

    /// One terminal, from its first message to its last.
    fn contact(&mut self, fault: Option<Fault>) -> End {
        let (shop, cut) = (self.shop, if let Some(Fault::Card(cut)) = fault { Some(cut) } else { None });
        let mut room = match fault {
            Some(Fault::Killed(..)) => Room::Alone(shop.alone()),
            _ => Room::Shared,
        };
        let _guest = matches!(room, Room::Shared).then(|| shop.guest());
        let mut player = Player::new(cut);
        let mut message = player.opening(PURPOSE, &self.bought.sale.token);
        self.hand.put_in();
        for number in 0.. {
            let Some(answer) = self.carry(&message, number, fault, &mut room) else { return End::Silence };
            if answer["type"] != "script" {
                if self.told.commands.is_empty() {
                    self.told.commands = player.commands.iter().map(|command| command[2..4].to_owned()).collect();
                    self.told.scripts = player.scripts;
                }
                return self.said(answer);
            }
            if fault == Some(Fault::Kept) {
                self.kept.push((player, answer));
                return End::Kept;
            }
            message = player.play_on(&answer, |command, power| self.hand.pass(command, power));
        }
        unreachable!("a contact without end")
    }

    /// Carries a message and its answer, or not.
    fn carry(&mut self, message: &Value, number: usize, fault: Option<Fault>, room: &mut Room<'_>) -> Option<Value> {
        match fault {
            Some(Fault::Line(at, Side::Before)) if at == number => None,
            Some(Fault::Line(at, Side::After)) if at == number => {
                let _ = self.shop.say(message);
                None
            }
            Some(Fault::Twice(at)) if at == number => {
                let (once, twice) = (self.shop.say(message).body, self.shop.say(message).body);
                if once != twice {
                    self.told.wrong.push(format!("a message that came twice: {once} and {twice}"));
                }
                Some(twice)
            }
            Some(Fault::Killed(victim, at, moment)) if at == number => {
                let Room::Alone(node) = room else { unreachable!("whoever kills is alone") };
                Some(self.struck(node, message, (victim, moment)))
            }
            _ => Some(self.shop.say(message).body),
        }
    }

    fn struck(&self, node: &mut Node, message: &Value, blow: (Victim, Moment)) -> Value {
        self.shop.say_struck(node, message, blow).body
    }

    /// Notes what a member is told.
    pub(super) fn said(&mut self, answer: Value) -> End {
        if let Some(body) = answer["receipt"]["body"].as_str() {
            self.told.receipts.insert(body.to_owned());
        }
        if answer["code"] == "CENTRE_FAULT" {
            self.told.wrong.push(format!("the centre's own fault: {answer}"));
        }
        End::Said(answer)
    }

    /// Goes on with a session until it ends.
    pub(super) fn go_on(&mut self, player: &mut Player, mut answer: Value) -> End {
        while answer["type"] == "script" {
            let result = player.play_on(&answer, |command, power| self.hand.pass(command, power));
            answer = self.shop.say(&result).body;
        }
        self.said(answer)
    }

    pub(super) fn open(&self, player: &Player) -> Value {
        self.shop.say(&player.opening(PURPOSE, &self.bought.sale.token)).body
    }

    /// Runs what was kept, oldest last.
    fn late(&mut self, manner: Manner) -> End {
        let mut end = End::Silence;
        let shop = self.shop;
        let _guest = shop.guest();
        while let Some((mut player, script)) = self.kept.pop() {
            self.hand.put_in();
            if manner == Manner::Heedless {
                self.heedless(&script);
                continue;
            }
            let result = player.play_on(&script, |command, power| self.hand.pass(command, power));
            if manner == Manner::Told {
                let answer = shop.say(&result).body;
                end = self.go_on(&mut player, answer);
            }
        }
        end
    }

    /// Sends every command of a script, whatever the card says: the try that it burns is nobody else's.
    fn heedless(&mut self, script: &Value) {
        let burned = self.hand.burned();
        for step in script["steps"].as_array().unwrap() {
            let _ = self.hand.pass(&hex::decode(step["c"].as_str().unwrap()).unwrap(), Power::Stays);
        }
        self.hand.forgive(burned);
    }
}
