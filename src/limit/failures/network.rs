use std::net::IpAddr;
use std::str::FromStr;

/// A network of addresses, in canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    V4 { first: u32, mask: u32 },
    V6 { first: u128, mask: u128 },
}

impl Network {
    /// Whether the address, in canonical form, is one of the network.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { first, mask }, IpAddr::V4(address)) => address.to_bits() & mask == first,
            (Self::V6 { first, mask }, IpAddr::V6(address)) => address.to_bits() & mask == first,
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| ParseNetworkError::Address)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |text| parse_length(text, most))?;
        let network = match (address, address.to_canonical()) {
            // Of an IPv6 network that holds IPv4 addresses and others, none would be found.
            (IpAddr::V6(_), IpAddr::V4(_)) if length < 96 => return Err(ParseNetworkError::Mapped),
            (IpAddr::V6(_), IpAddr::V4(address)) => v4(address.to_bits(), length - 96),
            (IpAddr::V4(address), _) => v4(address.to_bits(), length),
            (IpAddr::V6(address), _) => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                Self::V6 { first: address.to_bits(), mask }
            }
        };
        let is_first = match network {
            Self::V4 { first, mask } => first & mask == first,
            Self::V6 { first, mask } => first & mask == first,
        };
        if is_first { Ok(network) } else { Err(ParseNetworkError::NotTheFirst) }
    }
}

fn v4(first: u32, length: u32) -> Network {
    Network::V4 { first, mask: u32::MAX.checked_shl(32 - length).unwrap_or(0) }
}

fn parse_length(text: &str, most: u32) -> Result<u32, ParseNetworkError> {
    // `u32::from_str` takes a leading plus sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|length| digits && *length <= most);
    length.ok_or(ParseNetworkError::Length)
}

/// Why a text is not a network for [`TrustedProxies::new`](crate::limit::TrustedProxies::new).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseNetworkError {
    /// What stands before the `/` is not an address.
    #[error(
        "a network is written like `10.0.0.0/8` or `fd00::/8`, a single address like `10.1.2.3`"
    )]
    Address,
    /// What stands behind the `/` is not a number of bits.
    #[error("behind the `/` of a network stand its bits: 0 to 32 for IPv4, 0 to 128 for IPv6")]
    Length,
    /// The address has bits behind those of the network.
    #[error("a network is written with its first address: `10.0.0.0/8`, not `10.1.2.3/8`")]
    NotTheFirst,
    /// The network is wider than that of all IPv4 addresses in IPv6.
    #[error("a network of IPv4 addresses in IPv6 has 96 bits or more: write it like `10.0.0.0/8`")]
    Mapped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_exactly_their_addresses() {
        let cases = [
            ("10.0.0.0/8", vec!["10.0.0.0", "10.255.255.255"], vec!["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.7", vec!["192.0.2.7"], vec!["192.0.2.6", "192.0.2.8", "::c000:207"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::", "::1"]),
            ("192.0.2.4/31", vec!["192.0.2.4", "192.0.2.5"], vec!["192.0.2.3", "192.0.2.6"]),
            ("::ffff:10.0.0.0/104", vec!["10.0.0.0", "10.255.255.255"], vec!["11.0.0.0"]),
            ("::ffff:10.1.2.3", vec!["10.1.2.3"], vec!["10.1.2.4"]),
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
    fn what_is_no_network_is_refused() {
        use ParseNetworkError::{Address, Length, Mapped, NotTheFirst};
        let cases = [
            ("", Address),
            ("/8", Address),
            ("10/8", Address),
            ("10.0.0/8", Address),
            ("010.0.0.0/8", Address),
            ("localhost", Address),
            ("10.0.0.0:80", Address),
            ("[::1]", Address),
            ("fe80::1%eth0", Address),
            (" 10.0.0.0/8", Address),
            ("10.0.0.0/", Length),
            ("10.0.0.0/33", Length),
            ("10.0.0.0/+8", Length),
            ("10.0.0.0/-1", Length),
            ("10.0.0.0/8 ", Length),
            ("10.0.0.0/8/8", Length),
            ("10.0.0.0/255.0.0.0", Length),
            ("::/129", Length),
            ("10.0.0.1/8", NotTheFirst),
            ("fd00::1/8", NotTheFirst),
            ("::ffff:10.0.0.1/104", NotTheFirst),
            ("::ffff:0.0.0.0/95", Mapped),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Network>(), Err(error), "{text:?}");
        }
    }
}
