//! Known answers: the card protocol against vectors that other programs made.

#[cfg(test)]
mod apdu;
#[cfg(test)]
mod atr;
#[cfg(test)]
mod crypto;
#[cfg(test)]
mod fcp;
#[cfg(test)]
mod kdf3;
#[cfg(test)]
mod load;
#[cfg(test)]
mod negative;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod transcripts;
