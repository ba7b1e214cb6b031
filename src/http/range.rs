//! What kind of network an address is in. Who may be sent where is decided by those who ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// A kind of network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// Anybody's.
    Public,
    /// A company's or a home's.
    Private,
    /// The neighbours on one wire; clouds keep the secrets of a machine there.
    LinkLocal,
    /// This machine.
    Loopback,
}

impl Range {
    /// The kind that a literal address or `localhost` names; every other name counts as public until it is resolved.
    pub fn of(url: &Url) -> Self {
        match url.host() {
            Some(Host::Ipv4(ip)) => Self::of_v4(ip),
            Some(Host::Ipv6(ip)) => Self::of_v6(ip),
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = name == "localhost" || name.ends_with(".localhost");
                if is_local { Self::Loopback } else { Self::Public }
            }
            None => Self::Public,
        }
    }

    /// The kind of this address.
    pub fn of_ip(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::of_v4(ip),
            IpAddr::V6(ip) => Self::of_v6(ip),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Self {
        let [a, b, c, _] = ip.octets();
        if ip.is_loopback() {
            Self::Loopback
        } else if ip.is_link_local() {
            Self::LinkLocal
        } else if ip.is_private()
            || a == 0
            || a >= 224
            || (a == 100 && (64..128).contains(&b))
            || (a == 198 && (18..20).contains(&b))
            || (a == 192 && b == 0 && c == 0)
        {
            // Carrier-grade NAT (100.64/10), "this network" (which Linux takes for loopback), multicast, benchmarks
            // (198.18/15) and protocol assignments (192.0.0/24) are no public hosts.
            Self::Private
        } else {
            Self::Public
        }
    }

    fn of_v6(ip: Ipv6Addr) -> Self {
        let [first, second, third, ..] = ip.segments();
        let [.., a, b, c, d] = ip.octets();
        // These forms carry an IPv4 address that the network unpacks again: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056).
        let inner = match (first, second) {
            (0x64, 0xff9b) => Some(Ipv4Addr::new(a, b, c, d)),
            (0x2002, _) => Some(Ipv4Addr::from((u32::from(second) << 16) | u32::from(third))),
            _ => ip.to_ipv4_mapped(),
        };
        match inner {
            Some(ip) => Self::of_v4(ip),
            None if ip.is_loopback() => Self::Loopback,
            None if first & 0xffc0 == 0xfe80 => Self::LinkLocal,
            None if first & 0xfe00 == 0xfc00 || first & 0xff00 == 0xff00 || ip.is_unspecified() => Self::Private,
            None => Self::Public,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_network_that_it_leads_to() {
        for (ip, expected) in [
            ("8.8.8.8", Range::Public),
            ("127.8.8.8", Range::Loopback),
            ("0.0.0.0", Range::Private),
            ("10.0.0.1", Range::Private),
            ("172.31.255.255", Range::Private),
            ("172.32.0.0", Range::Public),
            ("192.168.0.1", Range::Private),
            ("192.0.0.8", Range::Private),
            ("100.127.0.1", Range::Private),
            ("100.128.0.1", Range::Public),
            ("198.19.0.1", Range::Private),
            ("169.254.169.254", Range::LinkLocal),
            ("224.0.0.1", Range::Private),
            ("255.255.255.255", Range::Private),
            ("::1", Range::Loopback),
            ("::", Range::Private),
            ("::ffff:127.0.0.1", Range::Loopback),
            ("64:ff9b::a9fe:a9fe", Range::LinkLocal),
            ("2002:7f00:1::", Range::Loopback),
            ("2002:0a00:1::", Range::Private),
            ("fe80::1", Range::LinkLocal),
            ("fd12::1", Range::Private),
            ("ff02::1", Range::Private),
            ("2606:4700::1111", Range::Public),
        ] {
            assert_eq!(ip.parse().map(Range::of_ip), Ok(expected), "{ip}");
        }
    }
}
