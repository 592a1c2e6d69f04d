//! The caller's address: on loopback the peer, and behind TLS the address that trusted proxies report.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap};
use keygate::client::{ClientAddress, TrustedProxies};

use crate::args::AdminArgs;
use crate::failure::Failure;

type Peer = ConnectInfo<SocketAddr>;

#[derive(Clone)]
pub(super) enum Caller {
    Peer,
    Behind(TrustedProxies),
    /// The peer is a proxy that was not given with `--proxy`, so the address is not known.
    Unknown,
}

impl Caller {
    pub(super) fn new(args: &AdminArgs) -> Result<Self, Failure> {
        if args.public_url.is_none() {
            return Ok(Self::Peer);
        }
        if args.proxy.is_empty() {
            return Ok(Self::Unknown);
        }
        TrustedProxies::new(&args.proxy).map(Self::Behind).map_err(Failure::usage)
    }

    pub(super) fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer = extensions.get::<Peer>()?.0.ip();
        match self {
            Self::Peer => Some(one_on_loopback(peer)),
            Self::Behind(proxies) => Some(proxies.client(peer, headers)),
            Self::Unknown => None,
        }
    }

    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Returns the same setting for an authenticator.
    pub(super) fn client_address(&self) -> ClientAddress {
        let caller = self.clone();
        ClientAddress::by(move |headers, extensions| caller.address(headers, extensions))
    }
}

/// Returns one address for all of 127.0.0.0/8: a local process can send from any of them, and would be counted anew with
/// each.
fn one_on_loopback(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_one_caller() {
        let address = |peer: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 9)));
            Caller::Peer.address(&HeaderMap::new(), &extensions).unwrap().to_string()
        };
        for (peer, caller) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.3.2.1", "127.0.0.1"),
            ("::ffff:127.0.0.9", "127.0.0.1"),
            ("::1", "::1"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(address(peer), caller, "{peer}");
        }
    }
}
