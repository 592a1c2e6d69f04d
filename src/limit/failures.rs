//! The throttle of wrong keys, by client address.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::client::Rate;

mod bucket_set;
mod buckets;
mod guard;
mod sharded_cache;
mod verified;

use bucket_set::Limits;
use buckets::Buckets;
use verified::Verified;

/// Throttles wrong keys that come from one address:
/// [`Authenticator::throttle_failures`](crate::Authenticator::throttle_failures).
///
/// An address can send 20 wrong keys at once, and then one every six seconds, which are refused as wrong (401).
/// [`FailureThrottle::with_rate`] sets another rate. Further wrong keys are refused as
/// [`AuthError::Throttled`](crate::AuthError::Throttled): 429 with a `Retry-After`, without the RateLimit headers.
/// Right keys from the same address are admitted, depending on the store:
///
/// - A store that never waits looks up every key. Right keys are admitted, and wrong keys get 429.
/// - A store that waits is not called while the address is over its limit, except for keys that it has verified within
///   a day (the last 16,384 of them). These keys are looked up again, so a revoked key is refused. All other keys get
///   429, even right ones, as no key has been verified yet when the service starts.
/// - A store may wait only for some lookups, such as a cache in front of a database. It is always called, and results
///   that are ready are used. While the address is over its limit, a lookup that would wait is dropped before it is
///   polled. Once any lookup has waited, all right keys are remembered.
///
/// Every [`AuthError::WrongCredentials`](crate::AuthError::WrongCredentials) counts, whatever its reason. Otherwise the
/// first 429 would show a caller whether a key is unknown, or revoked, expired or disabled. Requests without
/// credentials and failures of the store do not count.
///
/// # Addresses
///
/// The service defines the address of a request: see [`ClientAddress`](crate::client::ClientAddress). Each IPv4 address has its own limit (`::ffff:192.0.2.1` is `192.0.2.1`). In IPv6, each /64 network has the limit of one
/// address, because one caller usually has all of it, and each /48 network the limit of eight.
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
/// use keygate::client::ClientAddress;
/// use keygate::limit::FailureThrottle;
///
/// let address = ClientAddress::by_peer(|peer: &ConnectInfo<SocketAddr>| peer.0.ip());
/// let auth = Authenticator::new(MemoryStore::new())
///     .with_client_address(address)
///     .throttle_failures(FailureThrottle::new().with_rate("10/minute".parse()?));
/// let layer = ApiKeyLayer::from(auth);
/// // Serve it with `app.into_make_service_with_connect_info::<SocketAddr>()`.
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
///
/// # Limits
///
/// The throttle takes 1.2 MB, and 0.3 MB more with a store that waits. It counts 65,536 addresses. Beyond that, it
/// forgets the addresses with the fewest recent failures, but never one over its limit. If there is no room, new
/// addresses share the limit of a network.
///
/// The throttle reduces the load of the store, and shows guessing in the logs. Keys must still be hard to guess: a
/// right guess is admitted (with a store that waits, after the `Retry-After`), and a caller with many addresses has
/// many limits. Concurrent requests all reach the store before the first key is known to be wrong; all are counted, up
/// to four times the burst. Counts are per process.
///
/// A lookup whose caller disconnects does not count: neither side has learnt anything about the key. If it counted,
/// clients with right keys and short timeouts would lock themselves out of a slow store. The load of such lookups is
/// bounded by the deadline ([`Authenticator::with_deadline`](crate::Authenticator::with_deadline)), the store's pool of
/// connections, and a limit of concurrent requests outside the key layer, such as tower's `ConcurrencyLimitLayer`.
///
/// If the clock is set back, an address over its limit is throttled for at most four times the time in which its burst
/// is earned.
///
/// # Headers
///
/// A 429 for an address has `Retry-After`, `Cache-Control: no-store` and the body's `Content-Type`, like that of a
/// [`ThrottleLayer`](crate::ThrottleLayer). It has no `RateLimit` headers, which would show a guesser how many guesses
/// are left.
///
/// A throttle is a handle: clones share their counts, and several authenticators can share one. A clone with another
/// rate counts separately.
#[derive(Clone)]
pub struct FailureThrottle {
    rate: Rate,
    counts: Arc<Counts>,
    allow_unknown: bool,
}

struct Counts {
    buckets: Buckets,
    /// Used only with stores that wait.
    verified: OnceLock<Verified>,
}

impl Counts {
    fn new(rate: &Rate) -> Arc<Self> {
        let buckets = Buckets::new(Limits::of(rate));
        Arc::new(Self { buckets, verified: OnceLock::new() })
    }
}

impl FailureThrottle {
    /// Creates a throttle of 10 wrong keys a minute from one address, with a burst of 20.
    pub fn new() -> Self {
        let rate = default_rate();
        Self { rate, counts: Counts::new(&rate), allow_unknown: false }
    }

    /// Replaces the rate of wrong keys from one address, which is 10 a minute with a burst of 20. The counts start from
    /// zero and are not shared with clones.
    ///
    /// The burst of `"10/minute".parse()?` is 10: see [`Rate::with_burst`].
    #[must_use]
    pub fn with_rate(self, rate: Rate) -> Self {
        Self { rate, counts: Counts::new(&rate), ..self }
    }

    /// Does not throttle requests whose address is unknown, such as those of a Unix socket.
    ///
    /// They have no shared limit either: callers who can hide their address would lock out the others.
    #[must_use]
    pub fn allow_unknown_addresses(self) -> Self {
        Self { allow_unknown: true, ..self }
    }
}

impl Default for FailureThrottle {
    fn default() -> Self {
        Self::new()
    }
}

fn default_rate() -> Rate {
    let rate = "10/minute".parse().and_then(|rate: Rate| rate.with_burst(20));
    rate.expect("the rate of wrong keys is one")
}

impl fmt::Debug for FailureThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureThrottle").field("rate", &self.rate).finish_non_exhaustive()
    }
}
