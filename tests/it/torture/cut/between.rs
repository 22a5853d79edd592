//! What comes between a card and its member: another card for the same order, another terminal with the same card, the staff.

use super::fault::Way;
use super::hand::Seen;
use super::run::{End, Run};
use crate::activation::player::{Cut, Player};
use serde_json::Value;

impl Run<'_> {
    /// Results of two terminals, at the same time.
    fn race(&self, results: [&Value; 2]) -> [Value; 2] {
        let shop = self.shop;
        std::thread::scope(|scope| {
            let first = scope.spawn(move || shop.say(results[0]).body);
            let second = shop.say(results[1]).body;
            [first.join().unwrap(), second]
        })
    }

    pub(super) fn two_cards(&mut self, cut: Cut) -> End {
        let shop = self.shop;
        let _guest = shop.guest();
        let (mut wrong, mut right) = (Player::new(None), Player::new(Some(cut)));
        let scripts = [self.open(&wrong), self.open(&right)];
        if scripts.iter().any(|script| script["type"] != "script") {
            return scripts.into_iter().map(|answer| self.said(answer)).last().unwrap();
        }
        let mut stranger = shop.stranger();
        stranger.put_in();
        self.hand.put_in();
        let foreign = wrong.play_on(&scripts[0], |command, power| stranger.pass(command, power));
        let own = right.play_on(&scripts[1], |command, power| self.hand.pass(command, power));
        let [told, answer] = self.race([&foreign, &own]);
        if told["type"] == "script" || told["outcome"] == "written" {
            self.told.wrong.push(format!("another card was taken for this one: {told}"));
        }
        self.told.burned += stranger.burned();
        self.told.is_mixed |= stranger.seen(&shop.application, &self.bought.contents) != Seen::Blank;
        shop.put_back(stranger);
        self.go_on(&mut right, answer)
    }

    /// The second terminal gets the card at a command of the first one; both say at once what they saw.
    pub(super) fn two_terminals(&mut self, between: usize, cut: Cut, way: Way) -> End {
        let shop = self.shop;
        let _guest = shop.guest();
        // Either of them is cut.
        let cuts = if between.is_multiple_of(2) { [Some(cut), None] } else { [None, Some(cut)] };
        let [mut first, mut second] = cuts.map(Player::new);
        let scripts = [self.open(&first), self.open(&second)];
        if scripts.iter().any(|script| script["type"] != "script") {
            return scripts.into_iter().map(|answer| self.said(answer)).last().unwrap();
        }
        let burned = self.hand.burned();
        self.hand.put_in();
        let (mut number, mut other) = (0, None);
        let hand = &mut self.hand;
        let result = first.play_on(&scripts[0], |command, power| {
            number += 1;
            if number > between && other.is_none() {
                if way == Way::Carried {
                    hand.put_in();
                }
                other = Some(second.play_on(&scripts[1], |command, power| hand.pass(command, power)));
            }
            // The first one's reader is empty once the card was carried away.
            if other.is_some() && way == Way::Carried { Vec::new() } else { hand.pass(command, power) }
        });
        let other = other.unwrap_or_else(|| {
            hand.put_in();
            second.play_on(&scripts[1], |command, power| hand.pass(command, power))
        });
        let [answer, told] = self.race([&result, &other]);
        let end = self.go_on(&mut second, told);
        // The first one has the card back, or has it still.
        if way == Way::Carried {
            self.hand.put_in();
        }
        let _ = self.go_on(&mut first, answer);
        if way == Way::Relayed {
            self.hand.forgive(burned);
        }
        end
    }

    pub(super) fn held(&mut self, cut: Cut) -> End {
        let shop = self.shop;
        let _guest = shop.guest();
        let mut player = Player::new(Some(cut));
        let script = self.open(&player);
        if script["type"] != "script" {
            return self.said(script);
        }
        let cards = format!("card:{}", self.bought.serial);
        let hold = ["stock", "hold", &cards, "--reason", "recall", "--operator", "sato"];
        let placed = shop.site().issuer(&hold).done();
        self.hand.put_in();
        let result = player.play_on(&script, |command, power| self.hand.pass(command, power));
        let answer = shop.say(&result).body;
        let end = self.go_on(&mut player, answer);
        let refused = self.open(&Player::new(None));
        if refused["code"] != "CARD_ON_HOLD" && refused["type"] != "done" {
            self.told.wrong.push(format!("a card on hold: {refused}"));
        }
        let id = placed["hold"].as_str().unwrap();
        let _ = shop.site().issuer(&["stock", "unhold", id, "--operator", "sato", "--checker", "tanaka"]).done();
        end
    }

    /// Two of the staff give up what is open of a blocked card, and a script that comes later is none of the centre's faults.
    pub(super) fn give_up(&self) {
        if !self.told.is_blocked || self.told.is_done {
            return;
        }
        let site = self.shop.site();
        let order = &self.bought.sale.order;
        let open =
            format!("SELECT id FROM online_job WHERE service_order = '{order}' AND state IN ('offered', 'unknown')");
        for job in site.database().column(&open) {
            let words = [
                "job",
                "reconcile",
                &job,
                "--write-off",
                "--operator",
                "sato",
                "--checker",
                "tanaka",
                "--reason",
                "stolen",
            ];
            let _ = site.issuer(&words).done();
        }
    }

    pub(super) fn blocked(&mut self, cut: Cut) -> End {
        let shop = self.shop;
        let _guest = shop.guest();
        let mut player = Player::new(Some(cut));
        let script = self.open(&player);
        if script["type"] != "script" {
            return self.said(script);
        }
        let block = ["card", "block", &self.bought.serial, "--reason", "stolen", "--operator", "sato"];
        let _ = shop.site().issuer(&block).done();
        self.told.is_blocked = true;
        self.hand.put_in();
        let result = player.play_on(&script, |command, power| self.hand.pass(command, power));
        let answer = shop.say(&result).body;
        self.go_on(&mut player, answer)
    }
}
