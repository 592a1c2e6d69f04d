use std::fmt;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier};
use std::task::Poll;
use std::thread;
use std::time::{Duration, SystemTime};

use futures_timer::Delay;
use http::Request;

use super::clock::FakeClock;
use crate::authenticate::Authenticator;
use crate::client::{Client, ClientAddress, Scope};
use crate::error::{AuthError, WrongReason};
use crate::key::KeyDigest;
use crate::store::{KeyStore, MemoryStore};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A duration that the clocks of all platforms can represent.
pub(super) const INSTANT: Duration = Duration::from_micros(1);

/// About 32 years.
pub(super) const LONG: Duration = Duration::from_secs(1_000_000_000);

/// One rule of a suite, the store under test, and an authenticator with the same clock.
pub(super) struct Case<S> {
    rule: &'static str,
    pub(super) store: Arc<S>,
    pub(super) clock: FakeClock,
    pub(super) timeout: Duration,
    auth: Authenticator<Arc<S>>,
}

/// Shows the name of the rule, with which the message of every panic begins.
impl<S> fmt::Display for Case<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.rule)
    }
}

impl<S: KeyStore> Case<S> {
    pub(super) fn new(rule: &'static str, store: Arc<S>, clock: FakeClock) -> Self {
        let auth = Authenticator::new(Arc::clone(&store))
            .with_clock(clock.reader())
            .with_client_address(ClientAddress::by_peer(|address: &IpAddr| *address))
            .with_deadline(TIMEOUT);
        Self { rule, store, clock, timeout: TIMEOUT, auth }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Waits for a future, and panics after the timeout: a store that hangs fails the test.
    pub(super) async fn wait<T>(
        &self,
        what: impl fmt::Display,
        future: impl Future<Output = T>,
    ) -> T {
        let (mut future, mut timeout) = (pin!(future), None);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            let timeout = timeout.get_or_insert_with(|| Delay::new(self.timeout));
            let is_over = Pin::new(timeout).poll(cx).is_ready();
            assert!(!is_over, "{self}: {what} timed out");
            Poll::Pending
        })
        .await
    }

    /// Drops the store.
    pub(super) fn without_store(self) -> Case<MemoryStore> {
        Case::new(self.rule, Arc::new(MemoryStore::new()), self.clock)
    }

    /// Authenticates with a key.
    pub(super) async fn present(&self, key: &str) -> Result<Client, AuthError> {
        self.auth.authenticate_key(key.as_bytes()).await
    }

    /// Checks the scopes of a key in a request from this address; `None` if its networks do not contain the address.
    pub(super) async fn has_scopes_from(
        &self,
        address: &str,
        what: &str,
        key: &str,
        scopes: Option<&[Scope]>,
    ) {
        let address: IpAddr = address.parse().expect("an address");
        let request = Request::builder().header("x-api-key", key).extension(address).body(());
        let (parts, ()) = request.expect("the keys of the suite fit into a header").into_parts();
        let client = self.auth.authenticate_parts(&parts).await.map_err(|error| error.reason());
        let seen = client.as_ref().map(|client| (client.key_id(), client.scopes()));
        let id = KeyDigest::of(key.as_bytes()).key_id();
        let expected = scopes.map(|scopes| (id, scopes)).ok_or(&Some(WrongReason::Network));
        assert!(seen == expected, "{self}: {what}, from {address}, is {seen:?}, not {expected:?}");
    }

    /// Checks that a key with networks is refused in a request without an address.
    pub(super) async fn needs_an_address(&self, what: impl fmt::Display, key: &str) {
        let seen = self.present(key).await.map(|client| client.key_id());
        let is_refused = matches!(seen, Err(AuthError::Misconfigured(_)));
        assert!(is_refused, "{self}: {what} is not refused without an address: {seen:?}");
    }

    pub(super) async fn admits(&self, when: impl fmt::Display, key: &str, client: &str) {
        let id = KeyDigest::of(key.as_bytes()).key_id();
        let seen = self.present(key).await;
        let is_admitted =
            seen.as_ref().is_ok_and(|seen| (seen.key_id(), seen.name()) == (id, client));
        let seen = seen.map(|client| client.key_id());
        assert!(
            is_admitted,
            "{self}: {when}, the key {id} is not admitted as its client: {seen:?}"
        );
    }

    pub(super) async fn refuses(&self, when: impl fmt::Display, key: &str, reason: WrongReason) {
        let id = KeyDigest::of(key.as_bytes()).key_id();
        let known = (reason != WrongReason::Unknown).then_some(id);
        let seen = self.present(key).await.map(|client| client.key_id());
        let is_refused = seen
            .as_ref()
            .is_err_and(|error| (error.reason(), error.key_id()) == (Some(reason), known));
        assert!(is_refused, "{self}: {when}, the key {id} is not refused as {reason}: {seen:?}");
    }
}

/// Polls all futures in turn, starting with the last one, and returns their outputs in any order.
pub(super) async fn interleave<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut outputs = Vec::new();
    poll_fn(|cx| {
        for index in (0..futures.len()).rev() {
            if let Poll::Ready(output) = Pin::new(&mut futures[index]).poll(cx) {
                drop(futures.swap_remove(index));
                outputs.push(output);
            }
        }
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs
}

/// Runs each task in its own thread, started at the same moment, and panics if one of them does.
pub(super) fn in_threads<T: Send, F: FnOnce() -> T + Send>(
    tasks: impl ExactSizeIterator<Item = F>,
) -> Vec<T> {
    let start = &Barrier::new(tasks.len());
    thread::scope(|scope| {
        let run = |task: F| {
            scope.spawn(move || {
                start.wait();
                task()
            })
        };
        let threads: Vec<_> = tasks.map(run).collect();
        let outputs = threads.into_iter().map(thread::ScopedJoinHandle::join);
        outputs.map(|output| output.unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Returns whether a time equals another one, which may be cut to the microsecond but not rounded up.
pub(super) fn is_same_microsecond(time: Option<SystemTime>, cut: Option<SystemTime>) -> bool {
    match (time, cut) {
        (Some(time), Some(cut)) => time.duration_since(cut).is_ok_and(|left| left < INSTANT),
        (time, cut) => time == cut,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn times_are_cut_to_microseconds_and_never_rounded_up() {
        let stored = UNIX_EPOCH + Duration::from_nanos(2_000_000_000_123_456_789);
        let nanos = Duration::from_nanos;
        for (seen, is_same) in [
            (Some(stored), true),
            (Some(stored - nanos(789)), true),
            (Some(stored - nanos(1_000)), false),
            (Some(stored + nanos(211)), false),
            (None, false),
        ] {
            assert_eq!(is_same_microsecond(Some(stored), seen), is_same, "{seen:?}");
        }
    }
}
