//! Answers to reset: a valid one can be made again from its parts, byte for byte.

use fuda_card::atr::{Atr, AtrBuilder, Kind};

/// `build ∘ parse` is the identity on valid ATRs; `inspect` reads anything.
pub fn check(input: &[u8]) {
    let inspected = Atr::inspect(input);
    // What follows from the parts never panics either.
    let _ = (inspected.speed(), inspected.operating_mode(), inspected.historical());
    match Atr::parse(input) {
        Ok(atr) => {
            assert!(inspected.is_valid());
            assert_eq!(atr, inspected);
            assert_eq!(rebuild(&atr), input);
        }
        Err(error) => assert_eq!(inspected.errors.first(), Some(&error)),
    }
}

fn rebuild(atr: &Atr) -> Vec<u8> {
    let has_td = atr.interface.iter().any(|(byte, _)| byte.kind == Kind::D);
    let protocols = if has_td { atr.protocols.as_slice() } else { &[] };
    let builder = AtrBuilder::new()
        .convention(atr.convention.expect("a valid ATR has one"))
        .protocols(protocols)
        .historical(atr.historical.as_deref().expect("a valid ATR has them"));
    let given = atr.interface.iter().filter(|(byte, _)| byte.kind != Kind::D);
    given.fold(builder, |builder, (byte, value)| builder.interface(byte.kind, byte.group, *value)).build().unwrap()
}
