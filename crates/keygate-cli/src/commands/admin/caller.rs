//! The caller's address: on loopback the peer, and behind TLS the address that trusted proxies report.

use std::net::{IpAddr, SocketAddr};

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
            Self::Peer => Some(peer),
            Self::Behind(proxies) => Some(proxies.client(peer, headers)),
            Self::Unknown => None,
        }
    }

    /// Returns the same setting for an authenticator.
    pub(super) fn client_address(&self) -> ClientAddress {
        let caller = self.clone();
        ClientAddress::by(move |headers, extensions| caller.address(headers, extensions))
    }
}
