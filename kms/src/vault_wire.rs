//! The messages about data keys as JSON. What was opened has no `Serialize`; it is written by hand into a buffer that is wiped.

use crate::hex_text::{AnyHex, Hex, PlainHex, SharedHex};
use crate::vault::{VaultDeed, VaultReply, WrappedDataKey};
use crate::wire::push_hex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Room for what stands around the data of a request: names, numbers and a wrapped key.
const AROUND_BYTES: usize = 512;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum DeedWire {
    NewDataKey,
    Seal { data_key: Hex<40>, aad: AnyHex, plain: SharedHex },
    Open { data_key: Hex<40>, aad: AnyHex, sealed: AnyHex },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum VaultWire {
    DataKey(Hex<40>),
    Sealed(AnyHex),
    Opened(PlainHex),
}

impl VaultDeed {
    /// Bytes of a request for it at the most.
    pub(crate) fn wire_bytes_max(&self) -> usize {
        let data = match self {
            Self::NewDataKey => 0,
            Self::Seal { aad, plain, .. } => aad.len() + plain.expose().len(),
            Self::Open { aad, sealed, .. } => aad.len() + sealed.len(),
        };
        AROUND_BYTES + 2 * data
    }
}

impl From<&VaultDeed> for DeedWire {
    fn from(deed: &VaultDeed) -> Self {
        let hex = |key: &WrappedDataKey| Hex(*key.as_bytes());
        match deed {
            VaultDeed::NewDataKey => Self::NewDataKey,
            VaultDeed::Seal { data_key, aad, plain } => {
                Self::Seal { data_key: hex(data_key), aad: AnyHex(aad.clone()), plain: SharedHex(Arc::clone(plain)) }
            }
            VaultDeed::Open { data_key, aad, sealed } => {
                Self::Open { data_key: hex(data_key), aad: AnyHex(aad.clone()), sealed: AnyHex(sealed.clone()) }
            }
        }
    }
}

impl From<DeedWire> for VaultDeed {
    fn from(read: DeedWire) -> Self {
        match read {
            DeedWire::NewDataKey => Self::NewDataKey,
            DeedWire::Seal { data_key, aad, plain } => {
                Self::Seal { data_key: data_key.into(), aad: aad.0, plain: plain.0 }
            }
            DeedWire::Open { data_key, aad, sealed } => {
                Self::Open { data_key: data_key.into(), aad: aad.0, sealed: sealed.0 }
            }
        }
    }
}

impl VaultReply {
    /// In a buffer that wipes itself and never moves.
    pub(crate) fn to_wire(&self) -> Zeroizing<Vec<u8>> {
        let (name, bytes): (_, &[u8]) = match self {
            Self::DataKey(key) => ("data_key", key.as_bytes()),
            Self::Sealed(sealed) => ("sealed", sealed),
            Self::Opened(plain) => ("opened", plain.expose()),
        };
        let mut out = Zeroizing::new(Vec::with_capacity(AROUND_BYTES + 2 * bytes.len()));
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        push_hex(&mut out, bytes);
        out.push(b'}');
        out
    }
}

impl From<VaultWire> for VaultReply {
    fn from(read: VaultWire) -> Self {
        match read {
            VaultWire::DataKey(key) => Self::DataKey(key.into()),
            VaultWire::Sealed(sealed) => Self::Sealed(sealed.0),
            VaultWire::Opened(plain) => Self::Opened(plain.0),
        }
    }
}

impl From<Hex<40>> for WrappedDataKey {
    fn from(read: Hex<40>) -> Self {
        Self::new(read.0)
    }
}
