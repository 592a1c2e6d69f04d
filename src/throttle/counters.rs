use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use crate::error::StoreError;
use crate::instant::{Clock, nanos};
use crate::quota::Quota;

/// One request of a client that is to be counted.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Spend<'a> {
    /// The name of the client: all of its keys share its quota.
    pub client: &'a str,
    /// What the client may ask for; never an unlimited one.
    pub quota: &'a Quota,
    /// Whether that is a default quota which a handle of the [`Throttle`](crate::Throttle) counts apart from what
    /// the client spends otherwise: count it by the quota, too, and not by the client alone.
    pub is_apart: bool,
    /// When the request came, by the clock of the [`Throttle`](crate::Throttle).
    pub now: SystemTime,
    pub(super) place: u64,
    pub(super) clock: Option<&'a Clock>,
}

impl Spend<'_> {
    /// What the clock says now.
    pub(super) fn again(&self) -> u64 {
        nanos(self.clock.map_or_else(SystemTime::now, |clock| clock()))
    }
}

impl fmt::Debug for Spend<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spend")
            .field("client", &self.client)
            .field("quota", &self.quota)
            .field("is_apart", &self.is_apart)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// What a quota says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Whether the request is allowed: all of the quota's rates allowed it, and it was counted by all.
    /// Otherwise it was counted by none.
    pub allowed: bool,
    /// Which of the quota's rates is the tightest: the one that refuses for longest, or that allows
    /// the fewest further requests.
    pub rate: usize,
    /// How many further requests that rate allows at once.
    pub remaining: u64,
    /// How long until one more request is allowed; zero where one is.
    pub wait: Duration,
}

impl Tally {
    /// A request that is allowed, how many further ones are by the tightest of the rates, and how long until
    /// one is: zero, unless none remains.
    pub fn allowed(rate: usize, remaining: u64, wait: Duration) -> Self {
        Self { allowed: true, rate, remaining, wait }
    }

    /// A request that is not, for so long.
    pub fn refused(rate: usize, wait: Duration) -> Self {
        Self { allowed: false, rate, remaining: 0, wait }
    }
}

/// Counts what clients spend, at once or later: where the counters live.
///
/// Implement this trait for counters that wait, as those in a database do, and [`LocalCounters`] for those
/// that never do: this one comes with it. The trait is dyn-compatible.
///
/// All rates of a quota must allow a request, and count it together or not at all. Requests of one
/// client that come at the same time must not be allowed more than the quota does. A quota that is not
/// the one of the client's last request carries over what was spent, as the table of
/// [`Throttle`](crate::Throttle) says.
///
/// ```
/// use keygate::{Count, Counters, Spend, StoreError, Tally, Throttle};
///
/// struct Remote;
///
/// impl Counters for Remote {
///     fn spend(&self, spend: &Spend<'_>) -> Count {
///         let client = spend.client.to_owned();
///         Count::pending(async move {
///             // Ask a server about `client` ...
///             Ok(Tally::allowed(0, 99, std::time::Duration::ZERO))
///         })
///     }
/// }
///
/// let throttle = Throttle::with_counters(Remote);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count what clients spend",
    note = "implement `LocalCounters` if it answers without waiting, `Counters` if it waits"
)]
pub trait Counters: Send + Sync + 'static {
    /// Counts one request, if the quota allows it.
    fn spend(&self, spend: &Spend<'_>) -> Count;
}

/// Counts what clients spend, without waiting.
///
/// All such counters are [`Counters`]. `Arc<C>` and `Arc<dyn LocalCounters>` work as well as `C`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count without waiting",
    note = "if it is a `Counters` that waits, use `check_later` or the layer instead of `check`"
)]
pub trait LocalCounters: Send + Sync + 'static {
    /// Counts one request, if the quota allows it.
    ///
    /// # Errors
    ///
    /// The counters cannot tell.
    fn spend_now(&self, spend: &Spend<'_>) -> Result<Tally, StoreError>;
}

impl<C: LocalCounters + ?Sized> Counters for C {
    #[inline]
    fn spend(&self, spend: &Spend<'_>) -> Count {
        Count(State::Ready(self.spend_now(spend)))
    }
}

impl<C: Counters + ?Sized> Counters for Arc<C> {
    #[inline]
    fn spend(&self, spend: &Spend<'_>) -> Count {
        (**self).spend(spend)
    }
}

/// Counters that can be asked without waiting: [`LocalCounters`], or an `Arc` around them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not count without waiting",
    note = "if it is a `Counters` that waits, use `check_later` or the layer instead of `check`",
    note = "if it never waits, implement `LocalCounters` for it; of the smart pointers, only `Arc` is taken"
)]
pub trait Immediate: sealed::Sealed + 'static {
    #[doc(hidden)]
    fn spend_local(&self, spend: &Spend<'_>) -> Result<Tally, StoreError>;
}

impl<C: LocalCounters + ?Sized> Immediate for C {
    #[inline]
    fn spend_local(&self, spend: &Spend<'_>) -> Result<Tally, StoreError> {
        self.spend_now(spend)
    }
}

impl<C: Immediate + ?Sized> Immediate for Arc<C> {
    #[inline]
    fn spend_local(&self, spend: &Spend<'_>) -> Result<Tally, StoreError> {
        (**self).spend_local(spend)
    }
}

mod sealed {
    use std::sync::Arc;

    use super::LocalCounters;

    pub trait Sealed {}
    impl<C: LocalCounters + ?Sized> Sealed for C {}
    impl<C: Sealed + ?Sized> Sealed for Arc<C> {}
}

/// The answer of [`Counters`]: either given, or on its way. It borrows nothing from them.
#[must_use = "a count does nothing unless it is awaited"]
pub struct Count(State);

enum State {
    Ready(Result<Tally, StoreError>),
    Waiting(Pin<Box<dyn Future<Output = Result<Tally, StoreError>> + Send>>),
    Answered,
}

impl Count {
    /// The answer is known.
    pub fn ready(tally: Tally) -> Self {
        Self(State::Ready(Ok(tally)))
    }

    /// The counters cannot tell.
    pub fn failed(error: StoreError) -> Self {
        Self(State::Ready(Err(error)))
    }

    /// The answer is on its way.
    pub fn pending<F>(future: F) -> Self
    where
        F: Future<Output = Result<Tally, StoreError>> + Send + 'static,
    {
        Self(State::Waiting(Box::pin(future)))
    }

    /// The answer, if it is there without waiting.
    ///
    /// # Errors
    ///
    /// The count itself, where the answer is on its way.
    #[inline]
    pub fn try_ready(self) -> Result<Result<Tally, StoreError>, Self> {
        match self.0 {
            State::Ready(answer) => Ok(answer),
            state => Err(Self(state)),
        }
    }
}

impl Future for Count {
    type Output = Result<Tally, StoreError>;

    /// # Panics
    ///
    /// When polled again after it has answered, as futures may.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.0 {
            State::Ready(answer) => answer.clone(),
            State::Waiting(future) => ready!(future.as_mut().poll(cx)),
            State::Answered => panic!("a count is not polled after its answer"),
        };
        self.0 = State::Answered;
        Poll::Ready(answer)
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Waiting(_) => "Count(waiting)",
            _ => "Count(answered)",
        })
    }
}
