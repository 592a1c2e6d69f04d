/// How a request reached the server: encrypted, or in clear.
///
/// [`Authenticator::require_tls`](crate::Authenticator::require_tls) refuses requests in clear. The server puts this value
/// into the extensions of each request, unless a proxy reports it: see
/// [`TrustedProxies::transport`](super::TrustedProxies::transport). A server that accepts only TLS adds the same value
/// to all requests:
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use keygate::client::Transport;
/// use keygate::{ApiKeyLayer, Authenticator, MemoryStore};
///
/// let auth = Authenticator::new(MemoryStore::new()).require_tls();
/// let app: Router = Router::new()
///     .route("/", get(|| async { "hello" }))
///     .layer(ApiKeyLayer::from(auth))
///     // Added after the key layer, so that it is outermost.
///     .layer(Extension(Transport::Tls));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// The connection is encrypted.
    Tls,
    /// The connection is not encrypted.
    Clear,
}
