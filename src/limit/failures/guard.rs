use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::{Extensions, HeaderMap};

use super::{FailureThrottle, Verified};
use crate::clock::nanos;
use crate::error::{AuthError, Throttled};
use crate::key::KeyDigest;
use crate::limit::gcra::seconds;

/// The throttle of one authenticator, and what is known of how its store answers.
pub(crate) struct Failures {
    throttle: FailureThrottle,
    has_waited: AtomicBool,
    has_answered: AtomicBool,
}

/// An address that may be over its limit, where there is one.
pub(crate) type Address = Option<IpAddr>;

impl Failures {
    pub(crate) fn new(throttle: FailureThrottle) -> Self {
        Self { throttle, has_waited: AtomicBool::new(false), has_answered: AtomicBool::new(false) }
    }

    pub(crate) fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Address {
        self.throttle.address(headers, extensions)
    }

    /// The store has answered a lookup at once.
    pub(crate) fn note_answer(&self) {
        note(&self.has_answered);
    }

    /// The store lets a lookup wait.
    pub(crate) fn note_wait(&self) {
        note(&self.has_waited);
    }

    /// Whether the store has answered no lookup at once yet, so that asking it is work for it.
    pub(crate) fn store_waits(&self) -> bool {
        self.has_waited.load(Ordering::Relaxed) && !self.has_answered.load(Ordering::Relaxed)
    }

    /// The refusal of a key that a store is not to be asked about now.
    pub(crate) fn refuse_unasked(
        &self,
        digest: KeyDigest,
        address: Address,
        now: SystemTime,
    ) -> Option<AuthError> {
        let now = nanos(now);
        let counts = &self.throttle.counts;
        let wait = counts.buckets.over(address?, self.throttle.limits, now)?;
        let known = counts.verified.get().is_some_and(|verified| verified.knows(digest, now));
        (!known).then(|| throttled(wait, None))
    }

    /// What a refusal becomes that was decided on at once.
    pub(crate) fn count(
        &self,
        error: AuthError,
        address: impl FnOnce() -> Address,
        now: impl FnOnce() -> SystemTime,
    ) -> AuthError {
        if !is_failure(&error) {
            return error;
        }
        let Some(address) = address() else { return error };
        let spent = self.throttle.counts.buckets.spend(address, self.throttle.limits, nanos(now()));
        told(spent, error)
    }

    /// What a refusal becomes for which the store was waited for.
    pub(crate) fn count_waited(
        &self,
        error: AuthError,
        digest: KeyDigest,
        address: Address,
        now: SystemTime,
    ) -> AuthError {
        if !is_failure(&error) {
            return error;
        }
        if let Some(verified) = self.throttle.counts.verified.get() {
            verified.forget(digest);
        }
        let Some(address) = address else { return error };
        let spent = self.throttle.counts.buckets.charge(address, self.throttle.limits, nanos(now));
        told(spent, error)
    }

    /// Remembers or forgets a key about which a store has said something at once, if it lets others wait: they
    /// may be the same key another time.
    pub(crate) fn note_verdict<T>(
        &self,
        digest: KeyDigest,
        verdict: &Result<T, AuthError>,
        now: impl FnOnce() -> SystemTime,
    ) {
        if !self.has_waited.load(Ordering::Relaxed) {
            return;
        }
        match (verdict, self.throttle.counts.verified.get()) {
            (Ok(_), _) => self.remember(digest, now()),
            (Err(error), Some(verified)) if error.reason().is_some() => verified.forget(digest),
            _ => {}
        }
    }

    /// Remembers a key that a store has verified.
    pub(crate) fn remember(&self, digest: KeyDigest, now: SystemTime) {
        let verified = self.throttle.counts.verified.get_or_init(Verified::new);
        verified.remember(digest, nanos(now));
    }
}

fn is_failure(error: &AuthError) -> bool {
    matches!(error, AuthError::WrongCredentials { .. })
}

fn told(spent: Result<(), u64>, error: AuthError) -> AuthError {
    match spent {
        Ok(()) => error,
        Err(wait) => throttled(wait, Some(&error)),
    }
}

fn throttled(wait: u64, error: Option<&AuthError>) -> AuthError {
    let wrong = error.and_then(|error| Some((error.reason()?, error.key_id())));
    AuthError::Throttled(Throttled::address(seconds(Duration::from_nanos(wait)), wrong))
}

/// Written once, so that processors do not take it from each other.
fn note(flag: &AtomicBool) {
    if !flag.load(Ordering::Relaxed) {
        flag.store(true, Ordering::Relaxed);
    }
}
