use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use crate::client::Quota;
use crate::error::StoreError;

/// Name of the limit of [`Throttle::new`].
pub(super) const DEFAULT_LIMIT: &str = "default";

/// One request to be counted against a quota.
///
/// Requests with the same limit and client are counted together, whichever process they come from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RateLimitRequest<'a> {
    /// Name of the limit: see [`Throttle::named`](crate::Throttle::named).
    pub limit: &'a str,
    /// Name of the client. All of its keys share its quota.
    pub client: &'a str,
    /// The client's quota, which is never unlimited.
    pub quota: &'a Quota,
    /// Cost of the request, in requests: 1, unless [`RateLimitRequest::with_cost`] says otherwise. A cost above the
    /// burst is never allowed.
    pub cost: u32,
    /// Time of the request, by the clock of the [`Throttle`](crate::Throttle).
    pub now: SystemTime,
}

impl<'a> RateLimitRequest<'a> {
    /// Creates a request of cost 1, as a [`Throttle`](crate::Throttle) does. For tests of your own counters.
    pub fn new(limit: &'a str, client: &'a str, quota: &'a Quota, now: SystemTime) -> Self {
        Self { limit, client, quota, cost: 1, now }
    }

    /// Replaces the cost.
    #[must_use]
    pub fn with_cost(self, cost: u32) -> Self {
        Self { cost, ..self }
    }

    /// Replaces the quota. For counters that wrap others and change the quota of a client.
    #[must_use]
    pub fn with_quota(self, quota: &'a Quota) -> Self {
        Self { quota, ..self }
    }
}

/// The decision of [`Counters`] about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the request is allowed. An allowed request was counted by all rates of the quota, a refused one by
    /// none.
    pub allowed: bool,
    /// Index of the tightest of the quota's rates: the one with the longest wait if the request is refused, otherwise
    /// the one that allows the fewest further requests.
    pub rate: usize,
    /// The number of further requests that this rate allows at once.
    pub remaining: u64,
    /// Time until one more request is allowed; zero if one is allowed now.
    pub wait: Duration,
}

impl Decision {
    /// Creates the decision to allow a request, with the tightest rate, the number of further requests that it allows
    /// at once, and the time until it allows one more (zero if any remain).
    pub fn allowed(rate: usize, remaining: u64, wait: Duration) -> Self {
        Self { allowed: true, rate, remaining, wait }
    }

    /// Creates the decision to refuse a request because of this rate, for this long.
    pub fn refused(rate: usize, wait: Duration) -> Self {
        Self { allowed: false, rate, remaining: 0, wait }
    }
}

/// Counts requests against quotas, in memory or elsewhere.
///
/// Implement this trait for counters that wait, such as those in a database, and [`LocalCounters`] for counters that
/// never do: they are `Counters` as well. The trait is dyn-compatible.
///
/// All rates of a quota must allow a request, and count it together or not at all. Concurrent requests of one client
/// must not be allowed more than the quota. When a client's quota has changed since its last request, the requests that
/// it owes are carried over as in the table of [`Throttle`](crate::Throttle).
///
/// Later versions may add methods with a default implementation, such as one that settles the cost of a request after
/// its response, and fields to the request and the decision, such as the end of a calendar window. These additions will
/// break neither implementations nor unit tests that create requests with [`RateLimitRequest::new`] and decisions with
/// [`Decision::allowed`] and [`Decision::refused`]. Counters that wrap others do not forward a new method until they
/// implement it: look for new methods when you update.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use keygate::Throttle;
/// use keygate::limit::{Counters, Decision, PendingDecision, RateLimitRequest};
///
/// struct Remote;
///
/// impl Counters for Remote {
///     fn count(&self, request: &RateLimitRequest<'_>) -> PendingDecision {
///         let key = format!("{}:{}", request.limit, request.client);
///         PendingDecision::pending(async move {
///             // Query a server about `key` ...
///             Ok(Decision::allowed(0, 99, Duration::ZERO))
///         })
///     }
/// }
///
/// let quota = "100/minute".parse()?;
/// let request = RateLimitRequest::new("default", "User 1", &quota, SystemTime::now());
/// assert!(Remote.count(&request).try_ready().is_err());
/// let throttle = Throttle::with_counters(Remote);
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count requests against quotas",
    note = "implement `LocalCounters` if it never waits, `Counters` if it waits"
)]
pub trait Counters: Send + Sync + 'static {
    /// Counts one request if the quota allows it.
    fn count(&self, request: &RateLimitRequest<'_>) -> PendingDecision;
}

/// Counts requests against quotas without waiting.
///
/// Every implementation is also [`Counters`], and so are `Arc<C>` and `Arc<dyn LocalCounters>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count without waiting",
    note = "if it is a `Counters` that waits, use `check_later` or the layer instead of `check`"
)]
pub trait LocalCounters: Send + Sync + 'static {
    /// Counts one request if the quota allows it.
    ///
    /// # Errors
    ///
    /// The counters are unavailable.
    fn count_now(&self, request: &RateLimitRequest<'_>) -> Result<Decision, StoreError>;
}

impl<C: LocalCounters + ?Sized> Counters for C {
    #[inline]
    fn count(&self, request: &RateLimitRequest<'_>) -> PendingDecision {
        PendingDecision(Ok(self.count_now(request)))
    }
}

impl<C: Counters + ?Sized> Counters for Arc<C> {
    #[inline]
    fn count(&self, request: &RateLimitRequest<'_>) -> PendingDecision {
        (**self).count(request)
    }
}

/// Counters that decide without waiting: [`LocalCounters`], or an `Arc` of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count without waiting",
    note = "if it is a `Counters` that waits, use `check_later` or the layer instead of `check`",
    note = "if it never waits, implement `LocalCounters` for it; of the smart pointers, only `Arc` is supported"
)]
#[doc(hidden)]
pub trait SyncCounters: sealed::Sealed + 'static {
    fn count_sync(&self, request: &RateLimitRequest<'_>) -> Result<Decision, StoreError>;
}

impl<C: LocalCounters + ?Sized> SyncCounters for C {
    #[inline]
    fn count_sync(&self, request: &RateLimitRequest<'_>) -> Result<Decision, StoreError> {
        self.count_now(request)
    }
}

impl<C: SyncCounters + ?Sized> SyncCounters for Arc<C> {
    #[inline]
    fn count_sync(&self, request: &RateLimitRequest<'_>) -> Result<Decision, StoreError> {
        (**self).count_sync(request)
    }
}

mod sealed {
    use std::sync::Arc;

    use super::LocalCounters;

    pub trait Sealed {}
    impl<C: LocalCounters + ?Sized> Sealed for C {}
    impl<C: Sealed + ?Sized> Sealed for Arc<C> {}
}

/// The decision of [`Counters`], ready or pending. It borrows nothing from them.
#[must_use = "a decision does nothing unless it is awaited"]
pub struct PendingDecision(Result<Result<Decision, StoreError>, BoxedDecision>);

type BoxedDecision = Pin<Box<dyn Future<Output = Result<Decision, StoreError>> + Send>>;

impl PendingDecision {
    /// Creates a decision that is ready.
    pub fn ready(decision: Decision) -> Self {
        Self(Ok(Ok(decision)))
    }

    /// Creates the result of counters that are unavailable.
    pub fn failed(error: StoreError) -> Self {
        Self(Ok(Err(error)))
    }

    /// Creates a decision that must be awaited.
    pub fn pending<F>(future: F) -> Self
    where
        F: Future<Output = Result<Decision, StoreError>> + Send + 'static,
    {
        Self(Err(Box::pin(future)))
    }

    /// Returns whether the request is known to be allowed.
    #[cfg_attr(not(feature = "tower"), allow(dead_code))]
    #[inline]
    pub(crate) fn is_allowed(&self) -> bool {
        matches!(&self.0, Ok(Ok(decision)) if decision.allowed)
    }

    /// Returns the decision if it is known without waiting.
    ///
    /// # Errors
    ///
    /// The pending decision itself.
    #[inline]
    pub fn try_ready(self) -> Result<Result<Decision, StoreError>, Self> {
        self.0.map_err(|pending| Self(Err(pending)))
    }
}

impl Future for PendingDecision {
    type Output = Result<Decision, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(decision) => Poll::Ready(decision.clone()),
            Err(pending) => pending.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.0.is_ok() { "ready" } else { "pending" };
        write!(f, "PendingDecision({state})")
    }
}
