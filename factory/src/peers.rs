//! Other companies whose deliveries are taken: the receipt key of each lies in `peers/NAME.pem` beside `fuda.toml`, put there by somebody
//! who compared its fingerprint by telephone.

use crate::cli::Label;
use crate::delivery::ReceiptKey;
use crate::site::Site;
use fuda_cli::{Exit, Failure};
use std::fs;
use std::io::ErrorKind;

/// Largest key file, in bytes: a P-256 key in PEM has 178.
const PEM_BYTES_MAX: u64 = 16 * 1024;

/// The receipt key of a peer.
///
/// # Errors
/// `PEER_UNKNOWN` (exit 4) when there is none of this name; `INPUT_UNREADABLE` and `INPUT_INVALID` (exit 5) for a file that is no key.
pub(crate) fn receipt_key(site: &Site, Label(peer): &Label) -> Result<ReceiptKey, Failure> {
    let path = site.config.folder.join("peers").join(format!("{peer}.pem"));
    let place = path.display().to_string();
    let wrong = |code, what: String| Failure::new(code, Exit::Input, what).at(place.clone());
    let size = match fs::metadata(&path) {
        Ok(file) => file.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::new("PEER_UNKNOWN", Exit::Refused, format!("there is no receipt key of peer {peer}"))
                .at(place)
                .remedy("put the peer's receipt.pem there after comparing its SHA-256 by telephone"));
        }
        Err(error) => return Err(wrong("INPUT_UNREADABLE", error.to_string())),
    };
    if size > PEM_BYTES_MAX {
        return Err(wrong("INPUT_INVALID", format!("the file has {size} bytes, which no key has")));
    }
    let pem = fs::read_to_string(&path).map_err(|error| wrong("INPUT_UNREADABLE", error.to_string()))?;
    ReceiptKey::from_pem(&pem).map_err(|error| wrong("INPUT_INVALID", error.to_string()))
}
