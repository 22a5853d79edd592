//! One encoder's work: take a card, issue it, give it out, again.

use super::board::Place;
use super::floor::{Claim, End, Floor, Turn};
use super::{Guests, LineEvent, Outcome};
use crossbeam_channel::Sender;
use fuda_issuance::{
    Begun, CardFailure, CardIssuer, Ended, Error, FailureClass, Lease, Refusal, RejectReport, Station,
};
use fuda_terminal::{Encoder, EncoderCard};
use std::time::{Duration, Instant};

/// How long one wait for a card lasts before the encoder looks whether the line ends.
const INSERT_WAIT: Duration = Duration::from_millis(200);

/// What all encoders of a line work with.
pub(super) struct Bench<'a> {
    pub(super) issuer: &'a CardIssuer,
    pub(super) lease: &'a Lease,
    pub(super) guests: &'a Guests,
    pub(super) operator: &'a str,
    pub(super) floor: &'a Floor,
}

impl Bench<'_> {
    /// Works until the line ends; in quarantine it waits to be released.
    pub(super) fn work(&self, encoder: &Encoder, place: &Place, events: &Sender<LineEvent>) {
        let floor = self.floor;
        let name = encoder.name().to_owned();
        let line = self.lease.line().to_owned();
        let station = Station { encoder: name.clone(), operator: self.operator.to_owned(), line };
        while floor.turn(&name) == Turn::Take {
            place.serve();
            let (event, quarantined) = match encoder.insert(INSERT_WAIT) {
                Ok(None) => continue,
                Ok(Some(card)) => {
                    if floor.claim(|| tell(events, LineEvent::Waiting)) == Claim::Ended {
                        // Not ejected: the card is still in the encoder, untouched.
                        return;
                    }
                    let started = Instant::now();
                    place.begin();
                    let outcome = self.handle(card, &station, place);
                    place.end(&outcome);
                    let quarantined = self.settle(&outcome, &station);
                    (LineEvent::Card { encoder: name.clone(), took: started.elapsed(), outcome }, quarantined)
                }
                Err(error) => {
                    place.mute(error.code());
                    (LineEvent::Mute { encoder: name.clone(), error }, floor.failed(&name))
                }
            };
            tell(events, event);
            if quarantined {
                // Who cannot be told now is told when the line ends: the encoder is out of service in any case.
                let _ = self.lease.quarantine(&name);
                place.quarantine();
                tell(events, LineEvent::Quarantined { encoder: name.clone() });
            }
        }
    }

    /// Issues one card and takes it out; a card that may still be half-written stays in.
    fn handle(&self, mut card: EncoderCard<'_>, station: &Station, place: &Place) -> Outcome {
        let failure = match self.issuer.issue(&mut card, station, place.sight()) {
            Ok(issued) => {
                card.eject();
                return Outcome::Good(issued);
            }
            Err(failure) => failure,
        };
        if let Error::Refused { refusal: Refusal::HeldByJob { job } } = &*failure.error
            && let Some(finished) = self.guests.finish(job, &mut card, station, place.sight())
        {
            card.eject();
            return finished;
        }
        match failure.error.class() {
            FailureClass::Reader => {
                let noted = match (failure.standing, failure.kdd) {
                    (Begun::Yes, Some(kdd)) => self.issuer.journal().lose_contact(kdd, &failure.error.to_string()),
                    _ => Ok(()),
                };
                noted.map_or_else(Outcome::Fault, |()| Outcome::Lost(*failure.error))
            }
            FailureClass::Hsm | FailureClass::Store => Outcome::Fault(*failure.error),
            class => self.reject(class, failure, card, station),
        }
    }

    /// Puts a chip into the reject bin, and ends it where it stays there with live keys.
    fn reject(
        &self,
        class: FailureClass,
        failure: CardFailure,
        mut card: EncoderCard<'_>,
        station: &Station,
    ) -> Outcome {
        let CardFailure { kdd, sent, error, .. } = failure;
        let is_counted = error.is_counted_already();
        if !is_counted {
            let (code, step, sw) = (error.code(), error.step().to_owned(), error.status_word());
            let report = RejectReport { kdd, class, code, step, sw, sent };
            if let Err(error) = self.issuer.journal().reject(report, station) {
                return Outcome::Fault(error);
            }
        }
        // A chip that cannot be ended now stays as it was recorded: with live keys, its serial withdrawn.
        let ended = kdd.map_or(Ok(Ended::Left), |kdd| self.issuer.end(&mut card, kdd, station));
        card.eject();
        match ended {
            Err(fault) if matches!(fault.class(), FailureClass::Store) => Outcome::Fault(fault),
            _ if is_counted => Outcome::Refused(*error),
            ended => Outcome::Rejected(*error, ended.unwrap_or(Ended::Left)),
        }
    }

    /// Books the outcome on the floor; true when this encoder is quarantined.
    fn settle(&self, outcome: &Outcome, station: &Station) -> bool {
        let floor = self.floor;
        match outcome {
            Outcome::Good(_) => {
                floor.good(&station.encoder);
                false
            }
            Outcome::Guest { .. } => {
                floor.put_back();
                false
            }
            Outcome::Refused(Error::Refused { refusal: Refusal::NotAsked { .. } }) => {
                floor.put_back();
                false
            }
            Outcome::Rejected(..) | Outcome::Refused(_) | Outcome::Lost(_) => {
                floor.put_back();
                floor.failed(&station.encoder)
            }
            Outcome::Fault(_) => {
                floor.put_back();
                floor.stop(End::Fault);
                false
            }
        }
    }
}

/// Reports to the line; when nobody listens any more the line has ended and the journal has it all.
fn tell(events: &Sender<LineEvent>, event: LineEvent) {
    let _ = events.send(event);
}
