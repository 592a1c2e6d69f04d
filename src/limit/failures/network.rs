use std::net::IpAddr;

use ipnet::IpNet;

/// Parses a network, or a single address as the network of one.
pub(super) fn parse(text: &str) -> Result<IpNet, ParseNetworkError> {
    // `IpNet` alone would accept leading zeros, which others read as octal.
    let address = text.split('/').next().and_then(|address| address.parse::<IpAddr>().ok());
    let network = match address {
        Some(_) if text.contains('/') => text.parse().ok(),
        address => address.map(IpNet::from),
    };
    let network = network.ok_or(ParseNetworkError::Form)?;
    // Addresses are compared in canonical form, so that such a network would contain none.
    if network.addr() != network.addr().to_canonical() {
        return Err(ParseNetworkError::Mapped);
    }
    if network.trunc() == network { Ok(network) } else { Err(ParseNetworkError::NotTheFirst) }
}

/// Reason why a text is not a network for [`TrustedProxies::new`](crate::limit::TrustedProxies::new).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseNetworkError {
    /// The text is not an address with a number of bits, nor an address alone.
    #[error(
        "a network is written like `10.0.0.0/8` or `fd00::/8`, with 0 to 32 bits for IPv4 and 0 to 128 for \
         IPv6, and a single address like `10.1.2.3`"
    )]
    Form,
    /// The address has bits after those of the network.
    #[error("a network is written with its first address: `10.0.0.0/8`, not `10.1.2.3/8`")]
    NotTheFirst,
    /// The network is one of IPv4 addresses in IPv6.
    #[error("a network of IPv4 addresses is written like `10.0.0.0/8`, not in IPv6")]
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
            ("fd00::/8", vec!["fd00::", "fdff:ffff::ffff"], vec!["fc00::", "fe00::", "10.0.0.1"]),
            ("2001:db8::/33", vec!["2001:db8:7fff::"], vec!["2001:db8:8000::"]),
            ("::1", vec!["::1"], vec!["::", "::2", "0.0.0.1"]),
            ("::/0", vec!["::", "ffff::ffff"], vec!["1.2.3.4"]),
        ];
        for (text, inside, outside) in cases {
            let network = parse(text).unwrap();
            let holds = |address: &&str| network.contains(&address.parse::<IpAddr>().unwrap());
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
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
    }
}
