//! The classification of addresses. No I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::server::FetchPolicy;

/// Returns the kind of `address` as text if `policy` refuses it.
pub(super) fn refused(address: IpAddr, policy: FetchPolicy) -> Option<&'static str> {
    let reach = reach(address);
    let allowed = match policy {
        FetchPolicy::Public => reach == Reach::Public,
        FetchPolicy::PublicAndLoopback => matches!(reach, Reach::Public | Reach::Loopback),
        FetchPolicy::Anywhere => true,
    };
    (!allowed).then_some(match reach {
        Reach::Public => "a public address",
        Reach::Loopback => "a loopback address",
        Reach::Private => "a private address",
        Reach::LinkLocal => "a link-local address",
        Reach::Special => "a special-purpose address",
    })
}

/// The reach of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Public,
    Loopback,
    Private,
    LinkLocal,
    /// Unspecified, multicast, documentation and reserved addresses, which have no pictures.
    Special,
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// Classifies an address by the IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates).
fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        // Linux connects 0.0.0.0 to the machine itself.
        [0, ..] => Reach::Special,
        [10, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if second & 0xF0 == 16 => Reach::Private,
        // Carrier-grade NAT, where cloud providers have services too.
        [100, second, ..] if second & 0xC0 == 64 => Reach::Private,
        // Cloud providers serve the credentials of their machines at 169.254.169.254.
        [169, 254, ..] => Reach::LinkLocal,
        [192, 0, 0, _] | [192, 0, 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Special,
        [198, 18 | 19, ..] => Reach::Special,
        [224..=255, ..] => Reach::Special,
        _ => Reach::Public,
    }
}

/// Classifies an address by the IANA IPv6 Special-Purpose Address Registry. An address with an embedded IPv4 address is
/// classified by that.
fn reach_v6(address: Ipv6Addr) -> Reach {
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        // IPv4-mapped, IPv4-translated and IPv4-compatible addresses.
        [0, 0, 0, 0, 0, 0xFFFF, high, low] | [0, 0, 0, 0, 0xFFFF, 0, high, low] => v4(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        // NAT64 (RFC 6052) and 6to4 (RFC 3056).
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(high, low),
        [first, ..] if first & 0xFE00 == 0xFC00 => Reach::Private,
        // fe80::/10, and the old site-local fec0::/10.
        [first, ..] if first & 0xFF80 == 0xFE80 => Reach::LinkLocal,
        // Teredo, ORCHID and others in 2001::/23; documentation in 2001:db8::/32 and 3fff::/20.
        [0x2001, second, ..] if second < 0x200 || second == 0xDB8 => Reach::Special,
        [0x3FFF, second, ..] if second < 0x1000 => Reach::Special,
        [first, ..] if first & 0xE000 == 0x2000 => Reach::Public,
        _ => Reach::Special,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, policy: FetchPolicy) -> Option<&'static str> {
        refused(text.parse().unwrap(), policy)
    }

    #[test]
    fn public_addresses_are_fetched_from() {
        for address in ["93.184.216.34", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1", "::ffff:1.1.1.1"]
        {
            assert_eq!(refusal(address, FetchPolicy::Public), None, "{address}");
        }
    }

    #[test]
    fn addresses_of_the_machine_and_its_networks_are_refused() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "100::1",
        ] {
            assert!(refusal(address, FetchPolicy::Public).is_some(), "{address}");
        }
    }

    #[test]
    fn policies_allow_loopback_or_all_addresses() {
        for loopback in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(refusal(loopback, FetchPolicy::PublicAndLoopback), None);
        }
        for inside in ["10.0.0.1", "169.254.169.254", "fe80::1", "0.0.0.0"] {
            assert!(refusal(inside, FetchPolicy::PublicAndLoopback).is_some());
            assert_eq!(refusal(inside, FetchPolicy::Anywhere), None);
        }
    }
}
