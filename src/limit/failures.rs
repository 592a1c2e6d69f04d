//! Slows down those who present wrong keys.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use http::{Extensions, HeaderMap};

use crate::client::Rate;

mod buckets;
mod forwarded;
mod guard;
mod network;
mod proxies;
mod sharded_cache;
mod verified;

use buckets::{Buckets, Limits};
pub use network::ParseNetworkError;
pub use proxies::TrustedProxies;
use verified::Verified;

/// Slows down wrong keys that come from one address:
/// [`Authenticator::throttle_failures`](crate::Authenticator::throttle_failures).
///
/// Up to 20 wrong keys at once are refused as wrong (401), and from then on one in six seconds;
/// [`FailureThrottle::with_rate`] says otherwise. The others are refused as
/// [`AuthError::Throttled`](crate::AuthError::Throttled): 429, with a `Retry-After`, and nothing that names
/// a limit. It holds for wrong keys only. A right key from the same address gets in:
///
/// - A store that answers at once is asked in any case, and the answer to a wrong key is then 429.
/// - A store that waits is not asked while the address is over its limit, except about keys that it has
///   verified within a day (the last 16,384 of them). It is the store that answers about those, so
///   one that is revoked stays out. All others, which may be right, have to wait: a service that has just
///   been started knows none.
/// - A store may answer some lookups at once, as a cache in front of a database does. It is asked in any case, and
///   what it answers at once holds. A lookup that it lets wait is dropped before it is begun, while the address is
///   over its limit. Right keys are remembered in both cases, once any lookup has waited.
///
/// Every [`AuthError::WrongCredentials`](crate::AuthError::WrongCredentials) counts, whatever its reason, and
/// is 429 over the limit. Were keys that are revoked, expired or disabled not counted, a caller could tell
/// them from unknown ones by when the 429 begins. Requests without credentials do not count, nor do stores
/// that cannot answer.
///
/// # Addresses
///
/// What the address of a request is, you say: see [`FailureThrottle::by_peer`] and
/// [`FailureThrottle::behind`]. IPv4 addresses count by themselves, in whichever form they are written
/// (`::ffff:192.0.2.1` is `192.0.2.1`). Of IPv6, each network of 64 bits counts as one address, because one
/// caller has all of it, and each of 48 bits as eight.
///
/// A wrong key from an unknown address is refused as
/// [`AuthError::Misconfigured`](crate::AuthError::Misconfigured), and so is any key whose lookup has to wait.
/// [`FailureThrottle::allow_unknown_addresses`] exempts such requests instead.
/// [`verify_key`](crate::Authenticator::verify_key) sees no request and knows no address;
/// [`verify`](crate::Authenticator::verify) sees headers, and empty extensions.
///
/// ```
/// use std::net::SocketAddr;
/// use axum::extract::ConnectInfo;
/// use keygate::{ApiKeyLayer, Authenticator, MemoryStore};
/// use keygate::limit::FailureThrottle;
///
/// let failures = FailureThrottle::by_peer(|peer: &ConnectInfo<SocketAddr>| peer.0.ip())
///     .with_rate("10/minute".parse()?);
/// let auth = Authenticator::new(MemoryStore::new()).throttle_failures(failures);
/// let layer = ApiKeyLayer::from(auth);
/// // Serve it with `app.into_make_service_with_connect_info::<SocketAddr>()`.
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
///
/// # Limits
///
/// It takes 1.2 MB, and 0.3 MB more with a store that waits, however many addresses there are. 65,536 are
/// counted. A flood of more makes it forget the addresses that have spent least, and never one that is
/// over its limit; where there is no room left, addresses share the limit of a network.
///
/// It keeps load from the store, and shows in the logs who is guessing. It does not replace keys that cannot be
/// guessed: a right guess is admitted (by a store that waits, once the wait is over), and a caller with many
/// addresses has many limits. Keys that are looked up side by side all get to the store before the first is known to be wrong; they are all
/// counted, up to four times the burst. Counts are those of this process.
///
/// A lookup that is given up, because its caller has gone before a store that waits has answered, does not
/// count: neither side has learnt anything of the key, and right clients that lose patience with a slow
/// store would lock themselves out. What bounds the load of such lookups is the deadline
/// ([`Authenticator::with_deadline`](crate::Authenticator::with_deadline)), the store's own pool of connections, and
/// a limit of concurrent requests outside of the key layer, such as tower's `ConcurrencyLimitLayer`.
///
/// The clock may be set back: an address that owes then is kept out for up to four times as long as its burst
/// takes to be earned.
///
/// # Fields
///
/// A 429 for an address has `Retry-After`, `Cache-Control: no-store` and the body's `Content-Type`, as that of a
/// [`ThrottleLayer`](crate::ThrottleLayer) has, and no `RateLimit` fields: they would tell who guesses how much is
/// left.
///
/// A throttle is a handle: clones share what they count, and may be given to several authenticators; one
/// with another rate counts on its own.
#[derive(Clone)]
pub struct FailureThrottle {
    address: Arc<AddressOf>,
    proxies: Option<Arc<TrustedProxies>>,
    rate: Rate,
    limits: Limits,
    counts: Arc<Counts>,
    allow_unknown: bool,
}

type AddressOf = dyn Fn(&HeaderMap, &Extensions) -> Option<IpAddr> + Send + Sync;

struct Counts {
    buckets: Buckets,
    /// Of stores that wait.
    verified: OnceLock<Verified>,
}

impl Counts {
    fn new() -> Arc<Self> {
        Arc::new(Self { buckets: Buckets::new(), verified: OnceLock::new() })
    }
}

impl FailureThrottle {
    /// Counts by the address that this function tells from the head of a request.
    ///
    /// It is called for wrong keys, and for all keys where the store waits. Do not read a header that
    /// callers can write: whoever does chooses whom to lock out.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use http::{Extensions, HeaderMap};
    /// use keygate::limit::FailureThrottle;
    ///
    /// /// What the server of this service leaves in every request.
    /// #[derive(Clone)]
    /// struct Connection { peer: IpAddr }
    ///
    /// let failures = FailureThrottle::by(|_headers: &HeaderMap, extensions: &Extensions| {
    ///     Some(extensions.get::<Connection>()?.peer)
    /// });
    /// ```
    pub fn by(
        address: impl Fn(&HeaderMap, &Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        let rate = default_rate();
        Self {
            address: Arc::new(address),
            proxies: None,
            rate,
            limits: Limits::of(&rate),
            counts: Counts::new(),
            allow_unknown: false,
        }
    }

    /// Counts by the peer's address, which the server left in the request's extensions in some type of its
    /// own: axum in `ConnectInfo<SocketAddr>`, as in the example of [`FailureThrottle`].
    pub fn by_peer<T: Send + Sync + 'static>(
        address: impl Fn(&T) -> IpAddr + Send + Sync + 'static,
    ) -> Self {
        Self::by(move |_, extensions| extensions.get().map(&address))
    }

    /// Takes the address for that of a peer, which may be one of these proxies: then it is the client's
    /// that counts, as they tell it.
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use axum::extract::ConnectInfo;
    /// use keygate::limit::{FailureThrottle, TrustedProxies};
    ///
    /// let failures = FailureThrottle::by_peer(|peer: &ConnectInfo<SocketAddr>| peer.0.ip())
    ///     .behind(TrustedProxies::new(["10.0.0.0/8", "fd00::/8"])?);
    /// # Ok::<(), keygate::limit::ParseNetworkError>(())
    /// ```
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies: Some(Arc::new(proxies)), ..self }
    }

    /// Replaces the rate of wrong keys from one address, which is 10 a minute with a burst of 20, and
    /// begins to count anew, apart from all clones.
    ///
    /// The burst of `"10/minute".parse()?` is 10: see [`Rate::with_burst`].
    #[must_use]
    pub fn with_rate(self, rate: Rate) -> Self {
        // What is kept of an address is cut to what can be owed at one rate.
        Self { rate, limits: Limits::of(&rate), counts: Counts::new(), ..self }
    }

    /// Does not throttle requests whose address is unknown, such as those of a Unix socket.
    ///
    /// There is no limit for all of them together: callers who can hide their address would lock out the others.
    #[must_use]
    pub fn allow_unknown_addresses(self) -> Self {
        Self { allow_unknown: true, ..self }
    }

    fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let peer = (self.address)(headers, extensions)?;
        Some(match &self.proxies {
            Some(proxies) => proxies.client(peer, headers),
            None => peer,
        })
    }
}

fn default_rate() -> Rate {
    let rate = "10/minute".parse().and_then(|rate: Rate| rate.with_burst(20));
    rate.expect("the rate of wrong keys is one")
}

impl fmt::Debug for FailureThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureThrottle")
            .field("rate", &self.rate)
            .field("behind", &self.proxies)
            .finish_non_exhaustive()
    }
}
