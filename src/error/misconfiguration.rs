/// A mistake in the service that keeps it from deciding on a request.
///
/// `Display` says what to change, and is the `detail` of the response: it only names types of this crate.
///
/// ```
/// use keygate::AuthError;
/// use keygate::error::Misconfiguration;
///
/// let error = AuthError::Misconfigured(Misconfiguration::NoKeyLayer);
/// assert_eq!(error.status(), 500);
/// assert!(error.to_string().contains("`ApiKeyLayer`"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Misconfiguration {
    /// A handler that takes a [`Client`](crate::Client), a `RequireScope` or a `ThrottleLayer` received a request that
    /// no key layer had seen.
    #[error(
        "No `ApiKeyLayer` saw this request: put one around the routes that need a `Client`, outside of `RequireScope` \
         and `ThrottleLayer`"
    )]
    NoKeyLayer,
    /// The throttle of wrong keys found no address of the caller.
    #[error(
        "No client address for `FailureThrottle`: give `Authenticator::with_client_address` the peer's address of each \
         request, by `ClientAddress::by_peer` in a tower layer, or call `allow_unknown_addresses`"
    )]
    NoAddress,
    /// The key is restricted to networks, and the address of the caller is unknown.
    #[error(
        "No client address for a key that is restricted to networks: give `Authenticator::with_client_address` the \
         peer's address of each request, by `ClientAddress::by_peer` in a tower layer"
    )]
    NoAddressForNetworks,
    /// A source is in the query, and the caller of `verify_headers` passed no URI.
    #[error("No URI for `Source::query`: pass the request's target to `verify_headers`")]
    NoUri,
    /// TLS is required, and neither the server nor a proxy reports whether the request was encrypted.
    #[error(
        "No transport for `Authenticator::require_tls`: add a `Transport` to the extensions of each request, or name \
         your proxies with `ClientAddress::behind`, and give the peer's address of each request, by \
         `ClientAddress::by_peer` in a tower layer"
    )]
    NoTransport,
}

impl Misconfiguration {
    /// Returns whether it is detected behind the authenticator, which then has not reported it.
    pub(crate) fn is_downstream(self) -> bool {
        match self {
            Self::NoKeyLayer => true,
            Self::NoAddress | Self::NoAddressForNetworks | Self::NoUri | Self::NoTransport => false,
        }
    }
}
