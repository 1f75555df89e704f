//! How many connections each peer has, so that one of them can't take all places.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one subscriber usually has of the IPv6 space, in bits: it counts as one peer.
const IPV6_PEER_BITS: u32 = 64;

/// How many connections each peer has open. Clones are the same count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that counts for its peer until this is dropped.
#[derive(Debug)]
pub(crate) struct Present {
    peers: Peers,
    peer: IpAddr,
}

impl Peers {
    /// Counts a connection, unless its peer has so many already.
    pub(crate) fn enter(&self, address: IpAddr, connections_max: usize) -> Option<Present> {
        let peer = peer(address);
        let mut counts = self.counts();
        let count = counts.entry(peer).or_default();
        if *count >= connections_max {
            return None;
        }
        *count += 1;
        Some(Present { peers: self.clone(), peer })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.peers.counts().entry(self.peer) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

/// What of an address tells one peer from another.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (u128::BITS - IPV6_PEER_BITS))))
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// A peer gets as many places as it may have and no more, and a place is free again when its connection ends.
    #[test]
    fn places_are_counted_per_peer() {
        let peers = Peers::default();
        let first = peers.enter(address("192.0.2.1"), 2).unwrap();
        let _second = peers.enter(address("::ffff:192.0.2.1"), 2).unwrap();
        assert!(peers.enter(address("192.0.2.1"), 2).is_none());
        assert!(peers.enter(address("192.0.2.2"), 2).is_some());
        drop(first);
        assert!(peers.enter(address("192.0.2.1"), 2).is_some());
    }

    /// A subscriber's whole IPv6 network is one peer, and the next one is another.
    #[test]
    fn a_network_is_one_peer() {
        let peers = Peers::default();
        let _first = peers.enter(address("2001:db8:0:1::1"), 1).unwrap();
        assert!(peers.enter(address("2001:db8:0:1:ffff::2"), 1).is_none());
        assert!(peers.enter(address("2001:db8:0:2::1"), 1).is_some());
    }

    /// Peers that are gone leave nothing behind.
    #[test]
    fn nothing_is_left_behind() {
        let peers = Peers::default();
        for number in 0..1000_u32 {
            drop(peers.enter(IpAddr::V4(number.into()), 1));
        }
        assert!(peers.counts().is_empty());
    }
}
