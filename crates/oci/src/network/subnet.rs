//! IPv4 networks: the value, and the choice of one that nobody on this machine uses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Length of the prefix of a network that is picked: room for 4,093 dynos.
const PICKED_PREFIX: u8 = 20;

/// Where networks are picked from: sixteen /20s below each of these /16s, which lie off the beaten
/// ranges of home routers, Docker (172.17-172.28) and clouds.
const CANDIDATES: [(u8, u8); 4] = [(10, 213), (10, 87), (172, 30), (100, 111)];

/// An IPv4 network such as `10.213.0.0/20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    first: Ipv4Addr,
    prefix: u8,
}

/// A text that is not an IPv4 network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an IPv4 network such as 10.213.0.0/20 (prefix 8 to 29, no bits set after it)")]
pub struct NotACidr(String);

impl Cidr {
    /// First address of the network; not given to anyone.
    #[must_use]
    pub fn first(self) -> Ipv4Addr {
        self.first
    }

    /// Number of leading bits that are fixed.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Address number `n` of the network, if it has so many; the last one (broadcast) is not given.
    #[must_use]
    pub fn host(self, n: u32) -> Option<Ipv4Addr> {
        let hosts = u32::MAX >> self.prefix;
        (n < hosts).then(|| Ipv4Addr::from_bits(self.first.to_bits() + n))
    }

    /// Whether the two share an address.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let mask = self.mask() & other.mask();
        self.first.to_bits() & mask == other.first.to_bits() & mask
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = NotACidr;

    fn from_str(text: &str) -> Result<Self, NotACidr> {
        let bad = || NotACidr(text.to_owned());
        let (first, prefix) = text.trim().split_once('/').ok_or_else(bad)?;
        let cidr =
            Self { first: first.parse().map_err(|_| bad())?, prefix: prefix.parse().map_err(|_| bad())? };
        let fits = (8..=29).contains(&cidr.prefix) && cidr.first.to_bits() & !cidr.mask() == 0;
        if fits { Ok(cidr) } else { Err(bad()) }
    }
}

/// The first candidate that overlaps none of `taken`.
pub(super) fn pick(taken: &[Cidr]) -> Option<Cidr> {
    let all = CANDIDATES.iter().flat_map(|&(a, b)| (0..16).map(move |c| Ipv4Addr::new(a, b, c * 16, 0)));
    all.map(|first| Cidr { first, prefix: PICKED_PREFIX })
        .find(|cidr| !taken.iter().any(|other| cidr.overlaps(*other)))
}

/// The networks this machine has routes to, from the text of `/proc/net/route`; default routes do
/// not count, nor do those of interface `but`.
pub(super) fn routed(table: &str, but: &str) -> Vec<Cidr> {
    routes(table)
        .filter(|(interface, cidr)| *interface != but && cidr.prefix > 0)
        .map(|(_, cidr)| cidr)
        .collect()
}

/// The interface of the default route.
pub(super) fn default_interface(table: &str) -> Option<&str> {
    routes(table).find(|(_, cidr)| cidr.prefix == 0).map(|(interface, _)| interface)
}

fn routes(table: &str) -> impl Iterator<Item = (&str, Cidr)> {
    table.lines().skip(1).filter_map(|line| {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let [interface, destination, _, _, _, _, _, mask, ..] = words[..] else { return None };
        // The kernel prints addresses as the number their bytes are in memory.
        let number = |text| u32::from_str_radix(text, 16).ok().map(|n| u32::from_be_bytes(n.to_ne_bytes()));
        let (first, mask) = (number(destination)?, number(mask)?);
        let prefix = u8::try_from(mask.leading_ones()).ok()?;
        Some((interface, Cidr { first: Ipv4Addr::from_bits(first), prefix }))
    })
}

#[cfg(test)]
mod tests;
