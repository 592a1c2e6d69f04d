use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{Extensions, HeaderMap};

use super::network::CanonicalAddress;
use super::{Transport, TrustedProxies};

/// Where the address of a client comes from:
/// [`Authenticator::with_client_address`](crate::Authenticator::with_client_address).
///
/// Keys that are restricted to [networks](crate::client::Network) and the throttle of wrong keys use it. The service
/// defines the address of a request: that of the peer, or the one that its own proxies report.
///
/// ```
/// use std::net::SocketAddr;
/// use axum::extract::ConnectInfo;
/// use keygate::{ApiKeyLayer, Authenticator, MemoryStore};
/// use keygate::client::{ClientAddress, TrustedProxies};
///
/// let address = ClientAddress::by_peer(|peer: &ConnectInfo<SocketAddr>| peer.0.ip())
///     .behind(TrustedProxies::new(["10.0.0.0/8", "fd00::/8"])?);
/// let auth = Authenticator::new(MemoryStore::new()).with_client_address(address);
/// let layer = ApiKeyLayer::from(auth);
/// // Serve it with `app.into_make_service_with_connect_info::<SocketAddr>()`.
/// # Ok::<(), keygate::client::ParseNetworkError>(())
/// ```
#[derive(Clone)]
pub struct ClientAddress {
    /// `None` reads the peer that the caller passes.
    peer: Option<Arc<PeerOf>>,
    proxies: Option<Arc<TrustedProxies>>,
}

type PeerOf = dyn Fn(&HeaderMap, &Extensions) -> Option<CanonicalAddress> + Send + Sync;

impl ClientAddress {
    /// The address of the peer that is passed with each request: to
    /// [`Authenticator::verify_headers`](crate::Authenticator::verify_headers), or by the actix middleware. A request
    /// without one has no address. The tower layer passes none: use [`ClientAddress::by_peer`] with it.
    #[must_use]
    pub fn peer() -> Self {
        Self { peer: None, proxies: None }
    }

    /// Reads the address with this function from the head of a request.
    ///
    /// It is called for keys that are restricted to networks; if wrong keys are throttled, also for wrong keys, and for
    /// all keys if the store waits. Do not read a header that callers can set: they could pretend to be anywhere, and lock
    /// out any address.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use http::{Extensions, HeaderMap};
    /// use keygate::client::ClientAddress;
    ///
    /// /// The server adds this to every request.
    /// #[derive(Clone)]
    /// struct Connection { peer: IpAddr }
    ///
    /// let address = ClientAddress::by(|_headers: &HeaderMap, extensions: &Extensions| {
    ///     Some(extensions.get::<Connection>()?.peer)
    /// });
    /// ```
    pub fn by(
        address: impl Fn(&HeaderMap, &Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        let address = move |headers: &HeaderMap, extensions: &Extensions| {
            address(headers, extensions).map(CanonicalAddress::from)
        };
        Self { peer: Some(Arc::new(address)), proxies: None }
    }

    /// Reads the peer's address, which the server puts into the request's extensions: axum as
    /// `ConnectInfo<SocketAddr>`, as in the example of [`ClientAddress`].
    pub fn by_peer<T: Send + Sync + 'static>(
        address: impl Fn(&T) -> IpAddr + Send + Sync + 'static,
    ) -> Self {
        Self::by(move |_, extensions| extensions.get().map(&address))
    }

    /// Treats the address as that of a peer. If the peer is one of these proxies, the client address is the one that
    /// the proxies report.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies: Some(Arc::new(proxies)), ..self }
    }

    /// Returns the address. Everything that depends on the address of a client calls this.
    #[inline]
    pub(crate) fn of(
        &self,
        headers: &HeaderMap,
        extensions: Option<&Extensions>,
        passed: Option<IpAddr>,
    ) -> Option<CanonicalAddress> {
        let peer = self.peer_of(headers, extensions, passed)?;
        Some(match &self.proxies {
            Some(proxies) => proxies.client_of(peer, headers),
            None => peer,
        })
    }

    #[inline]
    fn peer_of(
        &self,
        headers: &HeaderMap,
        extensions: Option<&Extensions>,
        passed: Option<IpAddr>,
    ) -> Option<CanonicalAddress> {
        match (&self.peer, extensions) {
            (None, _) => passed.map(CanonicalAddress::from),
            (Some(peer), Some(extensions)) => peer(headers, extensions),
            (Some(peer), None) => peer(headers, &Extensions::new()),
        }
    }

    /// Returns the transport. Trusted proxies report it for their requests, and the server for all others. `None` if
    /// neither the server nor a proxy can have reported it.
    pub(crate) fn transport(
        address: Option<&Self>,
        headers: &HeaderMap,
        extensions: Option<&Extensions>,
        passed: Option<IpAddr>,
    ) -> Option<Transport> {
        let by_server = extensions.and_then(|extensions| extensions.get().copied());
        let behind = address.and_then(|address| Some((address, address.proxies.as_ref()?)));
        let Some((address, proxies)) = behind else { return by_server };
        let peer = address.peer_of(headers, extensions, passed)?;
        let reported = proxies.transport_of(peer, headers).or(by_server);
        Some(reported.unwrap_or(Transport::Clear))
    }
}

impl fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAddress").field("behind", &self.proxies).finish_non_exhaustive()
    }
}
