use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smol_str::SmolStr;

use super::counters::{
    Counters, DEFAULT_LIMIT, Decision, PendingDecision, RateLimitRequest, SyncCounters,
};
use super::gcra::seconds;
use super::headers::RateLimitHeaders;
use super::memory::MemoryCounters;
use super::permit::Permit;
use crate::client::{Client, Quota};
use crate::clock::{self, Clock};
use crate::deadline::{DEFAULT_DEADLINE, WithDeadline};
use crate::error::{AuthError, ConfigError, StoreError, Throttled};
use http::HeaderMap;

/// The maximum length of the name of a limit, in characters.
const MAX_LIMIT_CHARS: usize = 64;

/// Decides whether the quota of a client allows one more request.
///
/// A quota is one [`Rate`](crate::client::Rate) or several. A rate of N per unit with a burst of M allows M requests at
/// once, and earns one more in every N-th part of the unit, up to M (the generic cell rate algorithm, ITU-T I.371). In
/// a time T, at most M + N x T / unit requests are allowed; a client that starts with its whole burst is therefore
/// allowed more in its first unit than in any later one:
///
/// | quota | at once | 1st minute | 2nd | 3rd |
/// | --- | --- | --- | --- | --- |
/// | `100/minute` | 100 | 200 | 100 | 100 |
/// | `{rate: 100/minute, burst: 20}` | 20 | 120 | 100 | 100 |
/// | `{rate: 1/second, burst: 1}` | 1 | 61 | 60 | 60 |
/// | `[10/second, 10000/day]` | 10 | 610 | 600 | 600, until the 10,000 of the day and those earned meanwhile are spent |
///
/// If a quota has several rates, all must allow a request, and it is counted by all or by none. All keys of a client
/// share its quota. A client without one has the default quota, which is none unless
/// [`Throttle::with_default_quota`] sets it. Units are lengths of time: a day is 24 hours.
///
/// ```
/// use keygate::{AuthError, Client, ClientProfile, Throttle};
///
/// let throttle = Throttle::new();
/// let client = Client::for_test(ClientProfile::new("App 1").with_quota("1/day".parse()?));
/// assert!(throttle.check(&client).is_ok());
/// let refused = throttle.check(&client).unwrap_err();
/// assert_eq!(refused.status(), 429);
/// let AuthError::Throttled(throttled) = refused else { unreachable!() };
/// assert_eq!(throttled.retry_after(), 86_400);
/// # Ok::<(), keygate::client::ParseQuotaError>(())
/// ```
///
/// # Limits have names
///
/// The name of a limit decides what is counted together. Throttles with the same counters and the same name count
/// together, whatever their default quota, and so do clones. `Throttle::new()` is the limit `default`;
/// [`Throttle::named`] and [`Throttle::limit`] make others, for routes that have a limit of their own:
///
/// ```
/// use keygate::{Client, Throttle};
///
/// let all = Throttle::new().with_default_quota("100/minute".parse()?);
/// let search = all.limit("search")?.with_default_quota("1/minute".parse()?);
/// let client = Client::for_test("App 1");
/// assert!(search.check(&client).is_ok() && search.check(&client).is_err());
/// assert!(all.check(&client).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # When a quota changes
///
/// A changed quota applies to the next request. A client continues to owe the requests that it has not earned back: a
/// table in [the guide](crate::guide::limits) says how many of each rate. So changing a quota back and forth allows no
/// extra requests. The last 8 removed rates with a debt are remembered.
///
/// # Clocks
///
/// Rates have the precision of a nanosecond: of more than 10^9 requests a second, 10^9 are allowed. A clock that is set
/// back admits no extra requests, and delays no client for longer than its burst takes to earn, plus one second. A
/// clock that is set forward earns the requests of the skipped time.
pub struct Throttle<C = MemoryCounters> {
    counters: Arc<C>,
    limit: SmolStr,
    default: Option<Quota>,
    clock: Option<Clock>,
    deadline: Duration,
}

impl Throttle {
    /// A throttle for the limit `default`, with counters in memory and no quota for clients that have none.
    pub fn new() -> Self {
        Self::with_counters(MemoryCounters::new())
    }

    /// A throttle for a limit of this name, with counters in memory.
    ///
    /// # Errors
    ///
    /// As for [`Throttle::limit`].
    pub fn named(limit: &str) -> Result<Self, ConfigError> {
        Self::new().limit(limit)
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Throttle<C> {
    /// A throttle for the limit `default`, with counters that are kept elsewhere.
    pub fn with_counters(counters: C) -> Self {
        Self {
            counters: Arc::new(counters),
            limit: SmolStr::new_static(DEFAULT_LIMIT),
            default: None,
            clock: None,
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// A throttle for another limit, with the same counters, default quota, clock and deadline.
    ///
    /// # Errors
    ///
    /// A name that is not 1 to 64 of the characters `a-z`, `0-9`, `_`, `.` and `-`.
    pub fn limit(&self, name: &str) -> Result<Self, ConfigError> {
        let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
        if name.is_empty() || name.len() > MAX_LIMIT_CHARS || !name.bytes().all(fits) {
            return Err(ConfigError::LimitName);
        }
        Ok(Self { limit: name.into(), ..self.clone() })
    }

    /// Replaces the default quota, for clients without a quota of their own.
    #[must_use]
    pub fn with_default_quota(self, quota: Quota) -> Self {
        Self { default: Some(quota), ..self }
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// Replaces the deadline of counters that wait, which is one second. After it, the request is refused with
    /// [`AuthError::Unavailable`]: no request is admitted uncounted.
    ///
    /// A thread enforces the deadline, by the system's monotonic clock. The process starts it with the first such wait.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The counters.
    pub fn counters(&self) -> &C {
        &self.counters
    }

    /// Limits the wait for a pending decision.
    pub(crate) fn limit_wait(&self, decision: PendingDecision) -> WithDeadline<PendingDecision> {
        WithDeadline::new(decision, self.deadline)
    }

    /// The request to count for a client; `None` if there is no limit.
    #[inline]
    pub(crate) fn request<'a>(&'a self, client: &'a Client) -> Option<RateLimitRequest<'a>> {
        let quota = client.profile().quota().or(self.default.as_ref())?;
        if quota.is_unlimited() {
            return None;
        }
        let now = clock::now(self.clock.as_ref());
        Some(RateLimitRequest::new(&self.limit, client.name(), quota, now))
    }
}

impl<C: SyncCounters> Throttle<C> {
    /// Counts one request of a client if its quota allows it.
    ///
    /// # Errors
    ///
    /// [`AuthError::Throttled`]: the quota is spent. [`AuthError::Unavailable`]: the counters are unavailable.
    pub fn check(&self, client: &Client) -> Result<Permit, AuthError> {
        match self.request(client) {
            Some(request) => decide(client, request.into(), self.counters.count_sync(&request)),
            None => Ok(Permit::unlimited()),
        }
    }
}

impl<C: Counters> Throttle<C> {
    /// Like [`Throttle::check`], for counters that wait. This call counts the request, not the first poll of the
    /// future. The future borrows nothing.
    ///
    /// # Errors
    ///
    /// [`AuthError::Throttled`]: the quota is spent. [`AuthError::Unavailable`]: the counters are unavailable, or did
    /// not decide before the deadline.
    pub fn check_later(
        &self,
        client: &Client,
    ) -> impl Future<Output = Result<Permit, AuthError>> + Send + use<C> {
        let pending = self.request(client).map(|request| {
            let decision = self.counters.count(&request).try_ready();
            let decision = decision.map_err(|pending| self.limit_wait(pending));
            (decision, client.clone(), EffectiveQuota::from(request))
        });
        async move {
            let Some((decision, client, quota)) = pending else { return Ok(Permit::unlimited()) };
            let decision = match decision {
                Ok(decision) => decision,
                Err(pending) => pending.await,
            };
            decide(&client, quota, decision)
        }
    }
}

/// The quota that applies to a client, and the limit it is counted under.
#[derive(Clone)]
pub(crate) struct EffectiveQuota {
    limit: SmolStr,
    quota: Quota,
}

impl From<RateLimitRequest<'_>> for EffectiveQuota {
    fn from(request: RateLimitRequest<'_>) -> Self {
        Self { limit: request.limit.into(), quota: request.quota.clone() }
    }
}

pub(crate) fn decide(
    client: &Client,
    EffectiveQuota { limit, quota }: EffectiveQuota,
    decision: Result<Decision, StoreError>,
) -> Result<Permit, AuthError> {
    let decision = decision.map_err(|error| AuthError::Unavailable(error.for_client(client)))?;
    let headers = RateLimitHeaders { limit, quota, decision };
    if decision.allowed {
        return Ok(Permit::new(headers));
    }
    let mut lines = HeaderMap::new();
    headers.add_to(&mut lines);
    let wait = seconds(headers.decision.wait);
    Err(AuthError::Throttled(Throttled::quota(client, wait, lines)))
}

impl<C> Clone for Throttle<C> {
    fn clone(&self) -> Self {
        Self {
            counters: Arc::clone(&self.counters),
            limit: self.limit.clone(),
            default: self.default.clone(),
            clock: self.clock.clone(),
            deadline: self.deadline,
        }
    }
}

impl<C> fmt::Debug for Throttle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("limit", &self.limit)
            .field("default_quota", &self.default)
            .finish_non_exhaustive()
    }
}
