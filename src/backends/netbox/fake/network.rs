//! Networks and addresses as numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network, or an address in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    pub(super) is_v4: bool,
    /// The address itself.
    pub(super) address: u128,
    /// Bits of the mask.
    pub(super) bits: u32,
}

impl Net {
    /// Reads `10.0.0.0/8`; without a mask it is one address.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (is_v4, address) = match address.trim().parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => (true, u128::from(u32::from(address))),
            IpAddr::V6(address) => (false, u128::from(address)),
        };
        let most = if is_v4 { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { is_v4, address, bits })
    }

    pub(super) const fn family(self) -> u8 {
        if self.is_v4 { 4 } else { 6 }
    }

    const fn most(self) -> u32 {
        if self.is_v4 { 32 } else { 128 }
    }

    /// How many addresses are in it, less one.
    pub(super) fn span(self) -> u128 {
        let free = self.most().saturating_sub(self.bits);
        1_u128.checked_shl(free).map_or(u128::MAX, |count| count.saturating_sub(1))
    }

    pub(super) fn first(self) -> u128 {
        self.address & !self.span()
    }

    pub(super) fn last(self) -> u128 {
        self.first() | self.span()
    }

    /// The network of it.
    pub(super) fn network(self) -> Self {
        Self { address: self.first(), ..self }
    }

    /// Whether all of the other is in it.
    pub(super) fn contains(self, other: Self) -> bool {
        self.is_v4 == other.is_v4 && self.bits <= other.bits && (self.first()..=self.last()).contains(&other.address)
    }

    /// Another address in the same network.
    pub(super) fn at(self, address: u128) -> Self {
        Self { address, ..self }
    }

    /// The address alone.
    pub(super) fn host(self) -> String {
        match self.is_v4 {
            true => Ipv4Addr::from(u32::try_from(self.address).unwrap_or_default()).to_string(),
            false => Ipv6Addr::from(self.address).to_string(),
        }
    }

    /// As NetBox writes it.
    pub(super) fn text(self) -> String {
        format!("{}/{}", self.host(), self.bits)
    }

    /// The parts of it that no `taken` network touches, as few and as large as they can be.
    pub(super) fn without(self, taken: &[Self]) -> Vec<Self> {
        let whole = self.network();
        if taken.iter().any(|other| other.contains(whole)) {
            return Vec::new();
        }
        if !taken.iter().any(|other| whole.contains(*other)) {
            return vec![whole];
        }
        let bits = whole.bits.saturating_add(1);
        if bits > whole.most() {
            return Vec::new();
        }
        let low = Self { bits, ..whole };
        let high = Self { bits, ..low.at(low.last().saturating_add(1)) };
        [low, high].into_iter().flat_map(|half| half.without(taken)).collect()
    }
}
