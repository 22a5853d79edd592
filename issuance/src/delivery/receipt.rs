//! The receipt key: ECDSA on P-256 with SHA-256 (FIPS 186-5), so that anybody can verify with OpenSSL.

use p256::PublicKey;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};

use super::Error;
use crate::sha256::Sha256Sum;

/// The public half of a receipt key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptKey(PublicKey);

impl ReceiptKey {
    /// From a public key.
    #[must_use]
    pub const fn new(key: PublicKey) -> Self {
        Self(key)
    }

    /// From a point in SEC 1 form (`04 ‖ x ‖ y`), as the content of CKA_EC_POINT's octet string.
    ///
    /// # Errors
    /// [`Error::NoReceiptKey`].
    pub fn from_sec1(point: &[u8]) -> Result<Self, Error> {
        PublicKey::from_sec1_bytes(point).map(Self).map_err(|_| Error::NoReceiptKey)
    }

    /// From PEM (SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// [`Error::NoReceiptKey`].
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        PublicKey::from_public_key_pem(pem).map(Self).map_err(|_| Error::NoReceiptKey)
    }

    /// As PEM (SubjectPublicKeyInfo), LF.
    ///
    /// # Errors
    /// [`Error::NoReceiptKey`] if it cannot be encoded, which no point of the curve causes.
    pub fn to_pem(&self) -> Result<String, Error> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|_| Error::NoReceiptKey)
    }

    /// SHA-256 of the DER form: what people compare.
    ///
    /// # Errors
    /// As [`ReceiptKey::to_pem`].
    pub fn spki_sha256(&self) -> Result<Sha256Sum, Error> {
        let der = self.0.to_public_key_der().map_err(|_| Error::NoReceiptKey)?;
        Ok(Sha256Sum::of(der.as_bytes()))
    }

    /// Whether `signature` (DER) over `message` verifies.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = VerifyingKey::from(&self.0);
        Signature::from_der(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
    }
}

/// A signature as PKCS#11 gives it (`r ‖ s`, 32 bytes each) in DER, as OpenSSL reads it.
///
/// # Errors
/// [`Error::WrongSignature`] if r or s is 0 or not below the order.
pub fn signature_to_der(signature: &[u8; 64]) -> Result<Vec<u8>, Error> {
    let signature = Signature::from_slice(signature).map_err(|_| Error::WrongSignature)?;
    Ok(signature.to_der().as_bytes().to_vec())
}
