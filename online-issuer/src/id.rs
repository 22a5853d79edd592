//! Names of members and orders, and the token of an order.

use crate::error::Error;
use fuda_card::check_digit::luhn;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of a member's name: no list of members can be guessed from it.
const MEMBER_BYTES: usize = 8;
/// Digits of an order number before its check digit: it is copied into bank transfers, where 10¹¹ are far more than a year's orders.
const ORDER_DIGITS: usize = 11;
/// Bytes of an order's token.
const TOKEN_BYTES: usize = 16;

/// Text that is no name of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {0}")]
pub struct NoId(&'static str);

/// A member, by 16 random hex digits that mean nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MemberId(String);

/// An order: 12 digits, the last of them a check digit, because payers copy it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OrderId(String);

/// What the member's terminal shows to open a session: 128 random bits. Whoever has it can activate the card that the order claimed.
pub struct OrderToken(Zeroizing<[u8; TOKEN_BYTES]>);

impl MemberId {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<Self, Error> {
        random_hex::<MEMBER_BYTES>().map(Self)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrderId {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<Self, Error> {
        let digits = format!("{:0ORDER_DIGITS$}", u64::from_be_bytes(random()?) % 10_u64.pow(11));
        let check = luhn(&digits).unwrap_or('0');
        Ok(Self(format!("{digits}{check}")))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OrderToken {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn random() -> Result<Self, Error> {
        random().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// 32 hex digits, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode_upper(*self.0))
    }

    /// What the store knows of it: SHA-256 in lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(*self.0))
    }
}

impl FromStr for MemberId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        if hex && text.len() == 2 * MEMBER_BYTES { Ok(Self(text.to_owned())) } else { Err(NoId("member")) }
    }
}

impl FromStr for OrderId {
    type Err = NoId;

    /// Spaces and hyphens, with which people group digits, do not count.
    fn from_str(text: &str) -> Result<Self, NoId> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let checked =
            digits.char_indices().next_back().is_some_and(|(at, last)| digits.get(..at).and_then(luhn) == Some(last));
        if checked && digits.len() == ORDER_DIGITS + 1 { Ok(Self(digits)) } else { Err(NoId("order number")) }
    }
}

impl FromStr for OrderToken {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| NoId("order token"))?;
        Ok(Self(bytes))
    }
}

impl PartialEq for OrderToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

impl fmt::Debug for OrderToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random { text: error.to_string() })?;
    Ok(bytes)
}

/// So many random bytes as upper-case hex.
pub(crate) fn random_hex<const N: usize>() -> Result<String, Error> {
    random::<N>().map(hex::encode_upper)
}

/// Eight bytes for rows that the centre names: milliseconds (mod 2⁴⁰, 34 years) and 24 random bits. What is made at one time stands side by side in
/// an index, so that one page of it is written instead of one for each. Should two be equal, the index refuses
/// the later one: the engine does its message again, a new order fails and may be asked for again.
pub(crate) fn timed(now: Timestamp) -> Result<[u8; 8], Error> {
    let [_, _, _, time @ ..] = now.as_millisecond().to_be_bytes();
    let mut id = [0; 8];
    let (head, tail) = id.split_at_mut(time.len());
    head.copy_from_slice(&time);
    tail.copy_from_slice(&random::<3>()?);
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_typing_errors_found() {
        let order = OrderId::random().unwrap();
        let grouped = format!("{} {}-{}", &order.as_str()[..4], &order.as_str()[4..8], &order.as_str()[8..]);
        assert_eq!(grouped.parse(), Ok(order.clone()));
        let last = order.as_str().chars().last().unwrap().to_digit(10).unwrap();
        let wrong = format!("{}{}", &order.as_str()[..ORDER_DIGITS], (last + 1) % 10);
        assert!(wrong.parse::<OrderId>().is_err() && "".parse::<OrderId>().is_err());
        let member = MemberId::random().unwrap();
        assert_eq!(member.as_str().parse(), Ok(member.clone()));
        assert!(
            member.as_str().to_lowercase().parse::<MemberId>().is_err()
                || member.as_str().bytes().all(|b| b.is_ascii_digit())
        );
    }

    #[test]
    fn what_is_made_later_stands_behind_and_what_is_made_at_once_apart() {
        let at = |ms| timed(Timestamp::from_millisecond(ms).unwrap()).unwrap();
        let times = [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_256, 1_700_000_065_536];
        assert!(times.map(at).is_sorted());
        assert_ne!(at(times[0]), at(times[0]));
    }

    #[test]
    fn a_token_is_not_printed_by_accident() {
        let token = OrderToken::random().unwrap();
        assert_eq!(format!("{token:?}"), "[redacted]");
        assert_eq!(token.expose().parse::<OrderToken>().unwrap(), token);
        assert_eq!(token.sha256().len(), 64);
    }
}
