//! One encoder's work: take a card, issue it, give it out, again.

use super::floor::{Claim, End, Floor};
use super::{LineEvent, Outcome};
use crate::encoder::{Encoder, EncoderCard};
use crossbeam_channel::Sender;
use fuda_issuance::{Begun, CardIssuer, FailureClass, RejectReport, Station};
use std::time::{Duration, Instant};

/// How long one wait for a card lasts before the encoder looks whether the line ends.
const INSERT_WAIT: Duration = Duration::from_millis(200);

/// Works until the line ends or this encoder is quarantined.
pub(super) fn work(encoder: &Encoder, operator: &str, issuer: &CardIssuer, floor: &Floor, events: &Sender<LineEvent>) {
    let station = Station { encoder: encoder.name().to_owned(), operator: operator.to_owned() };
    while floor.wants_card() {
        let (event, quarantined) = match encoder.insert(INSERT_WAIT) {
            Ok(None) => continue,
            Ok(Some(card)) => {
                if floor.claim() == Claim::Ended {
                    // Not ejected: the card is still in the encoder, untouched.
                    return;
                }
                let started = Instant::now();
                let outcome = handle(card, &station, issuer);
                let quarantined = settle(&outcome, &station, floor);
                (LineEvent::Card { encoder: station.encoder.clone(), took: started.elapsed(), outcome }, quarantined)
            }
            Err(error) => (LineEvent::Mute { encoder: station.encoder.clone(), error }, floor.failed(&station.encoder)),
        };
        tell(events, event);
        if quarantined {
            tell(events, LineEvent::Quarantined { encoder: station.encoder.clone() });
            return;
        }
    }
}

/// Issues one card and takes it out; a card that may still be half-written stays in.
fn handle(mut card: EncoderCard<'_>, station: &Station, issuer: &CardIssuer) -> Outcome {
    let failure = match issuer.issue(&mut card, station) {
        Ok(issued) => {
            card.eject();
            return Outcome::Good(issued);
        }
        Err(failure) => failure,
    };
    match failure.error.class() {
        FailureClass::Reader => {
            let noted = match (failure.standing, failure.kdd) {
                (Begun::Yes, Some(kdd)) => issuer.journal().lose_contact(kdd, &failure.error.to_string()),
                _ => Ok(()),
            };
            noted.map_or_else(Outcome::Fault, |()| Outcome::Lost(*failure.error))
        }
        FailureClass::Hsm | FailureClass::Store => Outcome::Fault(*failure.error),
        class => {
            let report = RejectReport {
                kdd: failure.kdd,
                class,
                code: failure.error.code(),
                step: failure.error.step().to_owned(),
                sw: failure.error.status_word(),
            };
            if failure.error.is_counted_already() {
                card.eject();
                return Outcome::Refused(*failure.error);
            }
            match issuer.journal().reject(report, station) {
                Ok(()) => {
                    card.eject();
                    Outcome::Rejected(*failure.error)
                }
                Err(error) => Outcome::Fault(error),
            }
        }
    }
}

/// Books the outcome on the floor; true when this encoder is quarantined.
fn settle(outcome: &Outcome, station: &Station, floor: &Floor) -> bool {
    match outcome {
        Outcome::Good(_) => {
            floor.good(&station.encoder);
            false
        }
        Outcome::Rejected(_) | Outcome::Refused(_) | Outcome::Lost(_) => {
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

/// Reports to the line; when nobody listens any more the line has ended and the journal has it all.
fn tell(events: &Sender<LineEvent>, event: LineEvent) {
    let _ = events.send(event);
}
