//! What counts as one client wherever something is counted by address.

use std::net::IpAddr;

/// An IPv4 address, or the /64 that one IPv6 subscriber has at least.
pub(crate) fn network(client: IpAddr) -> u128 {
    match client.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}
