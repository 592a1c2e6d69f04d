use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// A network of IP addresses, such as `10.0.0.0/8`, `2001:db8::/32`, or a single address.
///
/// An IPv4 address in IPv6 (`::ffff:10.1.2.3`) counts as the IPv4 address.
///
/// ```
/// use keygate::client::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert!(network.contains("10.1.2.3".parse()?));
/// assert!(network.contains("::ffff:10.1.2.3".parse()?));
/// assert!(network.covers("10.1.0.0/16".parse()?));
/// assert_eq!("10.1.2.3".parse::<Network>()?.to_string(), "10.1.2.3/32");
/// assert!("10.1.2.3/8".parse::<Network>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

impl Network {
    /// Returns whether an address is in the network.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.contains_canonical(address.into())
    }

    #[inline]
    pub(crate) fn contains_canonical(self, address: CanonicalAddress) -> bool {
        match (self.0, address) {
            (IpNet::V4(network), CanonicalAddress::V4(address)) => {
                let difference = network.addr().to_bits() ^ address;
                difference.leading_zeros() >= network.prefix_len().into()
            }
            (IpNet::V6(network), CanonicalAddress::V6(address)) => {
                let difference = network.addr().to_bits() ^ address;
                difference.leading_zeros() >= network.prefix_len().into()
            }
            (IpNet::V4(_), CanonicalAddress::V6(_)) | (IpNet::V6(_), CanonicalAddress::V4(_)) => {
                false
            }
        }
    }

    /// Returns whether all addresses of another network are in this one.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.0.contains(&other.0)
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    /// Parses a network, or a single address as the network of one.
    ///
    /// # Errors
    ///
    /// The text is no network, or is not written with its first address.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `IpNet` itself would accept leading zeros, which other parsers read as octal.
        let address = text.split('/').next().and_then(|address| address.parse::<IpAddr>().ok());
        let network = match address {
            Some(_) if text.contains('/') => text.parse().ok(),
            address => address.map(IpNet::from),
        };
        let network = network.ok_or(ParseNetworkError::Form)?;
        // Addresses are compared in canonical form, so this network would contain none.
        if network.addr() != network.addr().to_canonical() {
            return Err(ParseNetworkError::Mapped);
        }
        if network.trunc() != network {
            return Err(ParseNetworkError::NotTheFirst);
        }
        Ok(Self(network))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({self})")
    }
}

/// The bits of an address that is not an IPv4 address in IPv6.
// A request compares several addresses. An `IpAddr` has 17 bytes, is passed through memory, and is read there in other
// pieces than it was written, which takes the processor 5 to 10 ns each time. Integers take none.
#[derive(Clone, Copy)]
pub(crate) enum CanonicalAddress {
    V4(u32),
    V6(u128),
}

impl From<IpAddr> for CanonicalAddress {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6(address.to_bits()),
        }
    }
}

impl From<CanonicalAddress> for IpAddr {
    #[inline]
    fn from(address: CanonicalAddress) -> Self {
        match address {
            CanonicalAddress::V4(bits) => Ipv4Addr::from_bits(bits).into(),
            CanonicalAddress::V6(bits) => Ipv6Addr::from_bits(bits).into(),
        }
    }
}

/// A list of networks. Most lists have at most one, which needs no allocation, so that a request waits for memory one
/// time less.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Networks {
    #[default]
    None,
    One([Network; 1]),
    Many(Box<[Network]>),
}

const _: () = assert!(size_of::<Networks>() == 24);

impl From<Vec<Network>> for Networks {
    fn from(networks: Vec<Network>) -> Self {
        match *networks {
            [] => Self::None,
            [network] => Self::One([network]),
            _ => Self::Many(networks.into()),
        }
    }
}

impl Networks {
    pub(crate) fn as_slice(&self) -> &[Network] {
        match self {
            Self::None => &[],
            Self::One(network) => network,
            Self::Many(networks) => networks,
        }
    }
}

/// Reason why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseNetworkError {
    /// The text is neither an address with a number of bits nor a single address.
    #[error(
        "a network is written like `10.0.0.0/8` or `fd00::/8`, with 0 to 32 bits for IPv4 and 0 to 128 for \
         IPv6, and a single address like `10.1.2.3`"
    )]
    Form,
    /// The address has bits set beyond the length of the network.
    #[error("a network is written with its first address: `10.0.0.0/8`, not `10.1.2.3/8`")]
    NotTheFirst,
    /// The network contains IPv4 addresses in their IPv6 form.
    #[error("a network of IPv4 addresses is written like `10.0.0.0/8`, not in IPv6")]
    Mapped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_as_ipnet_does() {
        let networks = (0..=32)
            .map(|prefix| format!("203.0.113.165/{prefix}"))
            .chain((0..=128).map(|prefix| format!("2001:db8:a5a5::c3c3/{prefix}")));
        for network in networks.map(|text| text.parse::<IpNet>().unwrap().trunc()) {
            let flipped = |bit: u32| match network.addr() {
                IpAddr::V4(address) => {
                    Ipv4Addr::from_bits(address.to_bits() ^ (1 << (bit % 32))).into()
                }
                IpAddr::V6(address) => {
                    IpAddr::from(Ipv6Addr::from_bits(address.to_bits() ^ (1 << bit)))
                }
            };
            for address in
                (0..128).map(flipped).chain([network.addr(), "10.1.2.3".parse().unwrap()])
            {
                let expected = network.contains(&address);
                assert_eq!(Network(network).contains(address), expected, "{address} in {network}");
            }
        }
    }

    #[test]
    fn networks_contain_exactly_their_addresses() {
        let cases = [
            ("10.0.0.0/8", vec!["10.0.0.0", "10.255.255.255"], vec!["9.255.255.255", "11.0.0.0"]),
            (
                "192.0.2.7",
                vec!["192.0.2.7", "::ffff:192.0.2.7"],
                vec!["192.0.2.6", "192.0.2.8", "::c000:207"],
            ),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::", "::1"]),
            ("192.0.2.4/31", vec!["192.0.2.4", "192.0.2.5"], vec!["192.0.2.3", "192.0.2.6"]),
            ("fd00::/8", vec!["fd00::", "fdff:ffff::ffff"], vec!["fc00::", "fe00::", "10.0.0.1"]),
            ("2001:db8::/33", vec!["2001:db8:7fff::"], vec!["2001:db8:8000::"]),
            ("::1", vec!["::1"], vec!["::", "::2", "0.0.0.1"]),
            ("::/0", vec!["::", "ffff::ffff"], vec!["1.2.3.4"]),
        ];
        for (text, inside, outside) in cases {
            let network: Network = text.parse().unwrap();
            let holds = |address: &&str| network.contains(address.parse().unwrap());
            assert!(inside.iter().all(holds), "{text}");
            assert!(!outside.iter().any(holds), "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_networks_are_refused() {
        use ParseNetworkError::{Form, Mapped, NotTheFirst};
        let cases = [
            ("", Form),
            ("/8", Form),
            ("10/8", Form),
            ("10.0.0/8", Form),
            ("010.0.0.0/8", Form),
            ("localhost", Form),
            ("10.0.0.0:80", Form),
            ("[::1]", Form),
            ("fe80::1%eth0", Form),
            (" 10.0.0.0/8", Form),
            ("10.0.0.0/", Form),
            ("10.0.0.0/33", Form),
            ("10.0.0.0/+8", Form),
            ("10.0.0.0/-1", Form),
            ("10.0.0.0/8 ", Form),
            ("10.0.0.0/8/8", Form),
            ("10.0.0.0/255.0.0.0", Form),
            ("::/129", Form),
            ("10.0.0.1/8", NotTheFirst),
            ("fd00::1/8", NotTheFirst),
            ("::ffff:10.0.0.0/104", Mapped),
            ("::ffff:10.1.2.3", Mapped),
            ("::ffff:0.0.0.0/95", Mapped),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Network>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn networks_are_written_as_they_are_parsed() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::1/128", "192.0.2.7/32"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn network_covers_those_within_it() {
        let covers =
            |one: &str, other: &str| one.parse::<Network>().unwrap().covers(other.parse().unwrap());
        for (wide, narrow) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.0/8", "10.255.0.0/16"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("::/0", "2001:db8::/32"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (one, other) in [
            ("10.0.0.0/8", "11.0.0.0/16"),
            ("10.0.0.0/16", "10.0.0.0/8"),
            ("::/0", "10.0.0.0/8"),
            ("0.0.0.0/0", "::1"),
        ] {
            assert!(!covers(one, other), "{one} {other}");
        }
    }
}
