//! How many connections a node takes, in all and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// Connections of a node: some 30 KB each.
pub(crate) const CONNECTIONS_MAX: usize = 16_384;
/// Connections from one address when `issuer.connections_per_address` does not say: a shop's terminals behind one router, and no more.
const CONNECTIONS_PER_ADDRESS: usize = 128;

/// How often a node that stops looks whether the last connection has gone.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many connections one address may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerAddress {
    /// As many as a shop has terminals; from this machine, which is where the operator's own proxy is, any number.
    Default,
    /// So many, from this machine too.
    Most(usize),
}

/// Counts connections.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    open: Arc<Mutex<Open>>,
    per_address: PerAddress,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Gate,
    address: IpAddr,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The node has as many connections as it takes.
    Node,
    /// The address has as many as one address may have.
    Address,
}

impl PerAddress {
    fn limit(self, address: IpAddr) -> usize {
        match self {
            Self::Default if address.is_loopback() => usize::MAX,
            Self::Default => CONNECTIONS_PER_ADDRESS,
            Self::Most(limit) => limit,
        }
    }
}

impl Full {
    /// Stable code, for the log.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Node => "CONNECTIONS_NODE",
            Self::Address => "CONNECTIONS_ADDRESS",
        }
    }
}

impl Gate {
    pub(crate) fn new(per_address: PerAddress) -> Self {
        Self { open: Arc::default(), per_address }
    }

    /// A place for a connection from an address.
    pub(crate) fn enter(&self, address: IpAddr) -> Result<Place, Full> {
        let address = counted(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= CONNECTIONS_MAX {
            return Err(Full::Node);
        }
        if open.by_address.get(&address).copied().unwrap_or(0) >= self.per_address.limit(address) {
            return Err(Full::Address);
        }
        open.all += 1;
        *open.by_address.entry(address).or_default() += 1;
        Ok(Place { gate: self.clone(), address })
    }

    /// Returns when no connection is open.
    pub(crate) async fn empty(&self) {
        while self.open.lock().unwrap_or_else(PoisonError::into_inner).all > 0 {
            sleep(LOOK_EVERY).await;
        }
    }
}

/// What is counted as one address: of IPv6 the network that a site is given (RFC 6177: at least a /64), within which it has as many as it likes.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.gate.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        let gate = Gate::new(PerAddress::Default);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut places: Vec<_> = (0..CONNECTIONS_PER_ADDRESS).map(|_| gate.enter(one).unwrap()).collect();
        assert_eq!(gate.enter(one).unwrap_err(), Full::Address);
        assert!(gate.enter(other).is_ok());
        places.pop();
        assert!(gate.enter(one).is_ok());
    }

    #[test]
    fn loopback_may_have_many_unless_a_number_is_given_and_all_together_have_a_limit() {
        let here = IpAddr::from([127, 0, 0, 1]);
        let gate = Gate::new(PerAddress::Default);
        let places: Vec<_> = std::iter::from_fn(|| gate.enter(here).ok()).collect();
        assert_eq!(places.len(), CONNECTIONS_MAX);
        assert_eq!(gate.enter(IpAddr::from([192, 0, 2, 1])).unwrap_err(), Full::Node);
        let gate = Gate::new(PerAddress::Most(2));
        let places: Vec<_> = std::iter::from_fn(|| gate.enter(here).ok()).collect();
        assert_eq!(places.len(), 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_one_its_own() {
        let gate = Gate::new(PerAddress::Most(1));
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let _one = gate.enter(address("2001:db8:1:2:3::4")).unwrap();
        assert!(gate.enter(address("2001:db8:1:2:ffff::")).is_err());
        let _other = gate.enter(address("2001:db8:1:3::4")).unwrap();
        let _old = gate.enter(address("192.0.2.1")).unwrap();
        assert!(gate.enter(address("::ffff:192.0.2.1")).is_err());
    }
}
