//! Holds each client to its quota.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::client::Client;
use crate::error::{AuthError, StoreError};
use crate::instant::{self, Clock, nanos};
use crate::quota::Quota;

mod account;
mod allowance;
mod carry;
mod counters;
mod deadline;
mod fields;
#[cfg(feature = "tower")]
mod future;
mod gcra;
mod held;
#[cfg(feature = "tower")]
mod layer;
mod memory;
mod several;
mod standing;
mod throttled;

pub use allowance::Allowance;
pub use counters::{Count, Counters, Immediate, LocalCounters, Spend, Tally};
use deadline::{DEFAULT_DEADLINE, Timed};
#[cfg(feature = "tower")]
pub use future::ThrottleFuture;
pub(crate) use gcra::Limit;
use held::{DefaultQuota, Held};
#[cfg(feature = "tower")]
pub use layer::{ThrottleLayer, ThrottleService};
pub use memory::MemoryCounters;
use standing::Standing;
pub use throttled::Throttled;

/// Decides whether a client may have one more request, by its quota.
///
/// A quota is one [`Rate`](crate::Rate) or several. A rate of N a unit with a burst of M lets M requests
/// through at once, and earns one more in every N-th part of the unit, up to M (the generic cell rate
/// algorithm, ITU-T I.371). In a time T, no more than M + N x T / unit are allowed; so a client that
/// begins with all of its burst is allowed more in its first unit than in any later one:
///
/// | quota | at once | 1st minute | 2nd | 3rd |
/// | --- | --- | --- | --- | --- |
/// | `100/minute` | 100 | 200 | 100 | 100 |
/// | `{rate: 100/minute, burst: 20}` | 20 | 120 | 100 | 100 |
/// | `{rate: 1/second, burst: 1}` | 1 | 61 | 60 | 60 |
/// | `[10/second, 10000/day]` | 10 | 610 | 600 | 600, until 10000 and what the day has earned are spent |
///
/// Where a quota has several rates, all must allow a request, and it is counted by all or by none. All
/// keys of a client share its quota. A client without one has the default quota, which is none unless
/// [`Throttle::with_default_quota`] says so. Units are lengths of time: a day is 24 hours.
///
/// A quota that changes applies to the next request, and what was spent goes over to it:
///
/// | a rate of the new quota | has spent |
/// | --- | --- |
/// | that was there before | what it had |
/// | that was there earlier, or another of its unit was | what that had, or the same share, less what was earned and with what was requested since |
/// | in the place of another of its unit | the same share of its burst |
/// | that comes beside others which stay | nothing: the others hold what was spent |
/// | in the place of all others, which are of other units | as many requests |
///
/// A throttle is a handle: clones share what they count. A clone that gets another default quota counts that
/// apart, so that routes can have limits of their own; a client's own quota all of them share. Give a route that
/// is to share nothing, or that has an equal default quota, a throttle of its own.
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
/// # Ok::<(), keygate::ParseQuotaError>(())
/// ```
///
/// # Limits
///
/// A rate is kept to the nanosecond: of more than 10^9 requests a second, 10^9 are allowed. The clock may
/// be set back: nobody is let in by that, nor kept out for longer than the burst takes. One that is set
/// forward earns what it skips, also where it was set back before. Behind an authenticator with a `Usage`, the
/// layer takes the instant at which that has counted the request, if it is no older than a tick of the
/// kernel's clock and a millisecond.
pub struct Throttle<C = MemoryCounters> {
    counters: Arc<C>,
    default: Option<DefaultQuota>,
    clock: Option<Clock>,
    deadline: Duration,
}

impl Throttle {
    /// A throttle with counters in memory, and no quota for clients that have none.
    pub fn new() -> Self {
        Self::with_counters(MemoryCounters::new())
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Throttle<C> {
    /// A throttle with counters that live elsewhere.
    ///
    /// Throttles that are made from the same counters, by an `Arc`, count together: give them one default quota.
    /// Clones of a throttle keep several apart.
    pub fn with_counters(counters: C) -> Self {
        Self {
            counters: Arc::new(counters),
            default: None,
            clock: None,
            deadline: DEFAULT_DEADLINE,
        }
    }

    /// Replaces the quota of clients that have none of their own.
    ///
    /// Where there are clones of this throttle already, what is spent of it is counted apart from what they
    /// count, together with that of handles which have an equal one; then nothing goes over between it and a
    /// client's own quota.
    #[must_use]
    pub fn with_default_quota(self, quota: Quota) -> Self {
        let is_shared = Arc::strong_count(&self.counters) > 1;
        let is_apart = is_shared || self.default.as_ref().is_some_and(DefaultQuota::is_apart);
        let new = if is_apart { DefaultQuota::apart } else { DefaultQuota::new };
        Self { default: Some(new(quota)), ..self }
    }

    /// The counters.
    pub fn counters(&self) -> &C {
        &self.counters
    }

    /// Replaces the clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Some(Arc::new(clock)), ..self }
    }

    /// Replaces the deadline of counters that wait, which is a second. After it, the answer is
    /// [`AuthError::Unavailable`]: nobody is let in uncounted.
    ///
    /// It is kept by a thread that the process starts with the first such wait, on the system's monotonic clock.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The quota that holds for a client; `None` where there is no limit.
    #[inline]
    fn held<'a>(&'a self, client: &'a Client) -> Option<Held<'a>> {
        Held::of(client.profile().quota(), self.default.as_ref())
    }

    fn spend<'a>(&'a self, client: &'a Client, held: Held<'a>) -> Spend<'a> {
        let now = self.clock.as_ref().map_or_else(SystemTime::now, |clock| clock());
        let (Held { quota, place }, is_apart) = (held, held.is_apart());
        Spend { client: client.name(), quota, is_apart, now, place, clock: self.clock.as_ref() }
    }
}

impl<C: 'static> Throttle<C> {
    /// How it stands with a client after one more request, where its counters are those in memory: all
    /// that is told of it is then worked out when it is asked for. When it came may have been read before.
    #[inline]
    fn count_in_memory(
        &self,
        client: &Client,
        held: Held<'_>,
        came: Option<u64>,
    ) -> Option<Standing> {
        let counters: &dyn Any = &*self.counters;
        let counters = counters.downcast_ref::<MemoryCounters>()?;
        let now = || self.clock.as_ref().map_or_else(instant::now, |clock| nanos(clock()));
        Some(counters.count(client.name(), held, came.unwrap_or_else(now), now))
    }
}

#[cfg(feature = "tower")]
impl<C> Throttle<C> {
    /// When a request came, of a client that is in its extensions, if that was read. It says nothing of a
    /// client that somebody keeps.
    #[cfg_attr(not(feature = "usage"), expect(clippy::unused_self, unused_variables))]
    #[inline]
    fn came(&self, client: &Client) -> Option<u64> {
        #[cfg(feature = "usage")]
        if self.clock.is_none() {
            return client.seen.borrow();
        }
        None
    }
}

impl<C: Immediate> Throttle<C> {
    /// Counts one request of a client, if its quota allows it.
    ///
    /// # Errors
    ///
    /// [`AuthError::Throttled`]: not now. [`AuthError::Unavailable`]: the counters cannot tell.
    #[inline]
    pub fn check(&self, client: &Client) -> Result<Allowance, AuthError> {
        let Some(held) = self.held(client) else { return Ok(Allowance::unlimited()) };
        let answer = match self.count_in_memory(client, held, None) {
            Some(standing) => Ok(standing.tally()),
            None => self.counters.spend_local(&self.spend(client, held)),
        };
        decide(client, held.quota, answer)
    }
}

impl<C: Counters> Throttle<C> {
    /// As [`Throttle::check`], for counters that wait. They are asked now, and not when the future is first
    /// polled. It borrows nothing.
    ///
    /// # Errors
    ///
    /// [`AuthError::Throttled`]: not now. [`AuthError::Unavailable`]: the counters cannot tell, or did not
    /// before the deadline.
    pub fn check_later(
        &self,
        client: &Client,
    ) -> impl Future<Output = Result<Allowance, AuthError>> + Send + use<C> {
        let asked = self.held(client).map(|held| {
            let count = self.counters.spend(&self.spend(client, held)).try_ready();
            let count = count.map_err(|count| Timed::new(count, self.deadline));
            (count, client.clone(), held.quota.clone())
        });
        async move {
            match asked {
                None => Ok(Allowance::unlimited()),
                Some((Ok(answer), client, quota)) => decide(&client, &quota, answer),
                Some((Err(count), client, quota)) => decide(&client, &quota, count.await),
            }
        }
    }
}

fn decide(
    client: &Client,
    quota: &Quota,
    answer: Result<Tally, StoreError>,
) -> Result<Allowance, AuthError> {
    match answer {
        Ok(tally) if tally.allowed => Ok(Allowance::new(quota, tally)),
        Ok(tally) => Err(Throttled::error(client, quota, tally)),
        Err(error) => Err(AuthError::Unavailable(error.for_client(client))),
    }
}

impl<C> Clone for Throttle<C> {
    fn clone(&self) -> Self {
        Self {
            counters: Arc::clone(&self.counters),
            default: self.default.clone(),
            clock: self.clock.clone(),
            deadline: self.deadline,
        }
    }
}

impl<C> fmt::Debug for Throttle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = self.default.as_ref().map(DefaultQuota::quota);
        f.debug_struct("Throttle").field("default_quota", &default).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "usage"))]
mod tests;
