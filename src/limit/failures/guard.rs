use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{FailureThrottle, Verified};
use crate::authenticate::{AddressSource, Attempt, Authenticator, FailureGuard};
use crate::clock::{self, Clock, nanos};
use crate::error::{AuthError, Misconfiguration, Throttled};
use crate::key::KeyDigest;
use crate::limit::gcra::seconds;

impl<S, R> Authenticator<S, R> {
    /// Throttles wrong keys that come from one address: see [`FailureThrottle`].
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use http::Request;
    /// use keygate::{AuthError, Authenticator, MemoryStore};
    /// use keygate::client::ClientAddress;
    /// use keygate::limit::FailureThrottle;
    ///
    /// let store = MemoryStore::new();
    /// store.insert("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU", "User 1")?;
    /// let auth = Authenticator::new(store)
    ///     .with_client_address(ClientAddress::by_peer(|peer: &IpAddr| *peer))
    ///     .throttle_failures(FailureThrottle::new());
    ///
    /// let verify = |key| {
    ///     let request = Request::get("/").header("x-api-key", key).extension(IpAddr::from([192, 0, 2, 1]));
    ///     auth.verify_parts(&request.body(()).unwrap().into_parts().0)
    /// };
    /// for _ in 0..20 {
    ///     assert!(matches!(verify("guess"), Err(AuthError::WrongCredentials(_))));
    /// }
    /// assert!(matches!(verify("guess"), Err(AuthError::Throttled(_))));
    /// assert!(verify("08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU").is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn throttle_failures(self, throttle: FailureThrottle) -> Self {
        self.configure(|config| config.guard = Some(Arc::new(Failures::new(throttle))))
    }
}

/// The failure throttle of one authenticator, and what is known about its store.
struct Failures {
    throttle: FailureThrottle,
    has_waited: AtomicBool,
    has_answered: AtomicBool,
}

impl Failures {
    fn new(throttle: FailureThrottle) -> Self {
        Self { throttle, has_waited: AtomicBool::new(false), has_answered: AtomicBool::new(false) }
    }

    /// Returns the address by which failures of a request are counted; `None` if it is unknown and that is allowed.
    fn address(&self, address_source: AddressSource<'_>) -> Result<Option<IpAddr>, AuthError> {
        let address = address_source.address().map(IpAddr::from);
        if address.is_none() && !self.throttle.allow_unknown {
            return Err(AuthError::Misconfigured(Misconfiguration::NoAddress));
        }
        Ok(address)
    }

    /// Refuses a key whose lookup would wait, unless the store has verified it recently.
    fn check(
        &self,
        digest: KeyDigest,
        address: Option<IpAddr>,
        clock: Option<&Clock>,
    ) -> Result<(), AuthError> {
        let Some(address) = address else { return Ok(()) };
        let counts = &self.throttle.counts;
        let now = nanos(clock::now(clock));
        match counts.buckets.over(address, now) {
            Some(wait) if !counts.verified.get().is_some_and(|known| known.knows(digest, now)) => {
                Err(throttled(wait, None))
            }
            _ => Ok(()),
        }
    }
}

impl FailureGuard for Failures {
    fn before_lookup<'a>(
        &self,
        digest: KeyDigest,
        address_source: AddressSource<'a>,
        clock: Option<&Clock>,
    ) -> Result<AddressSource<'a>, AuthError> {
        if !self.has_waited.load(Ordering::Relaxed) || self.has_answered.load(Ordering::Relaxed) {
            return Ok(address_source);
        }
        let address = self.address(address_source)?;
        self.check(digest, address, clock)?;
        Ok(AddressSource::Address(address))
    }

    fn before_waiting(
        &self,
        digest: KeyDigest,
        address_source: AddressSource<'_>,
        clock: Option<&Clock>,
    ) -> Result<Option<IpAddr>, AuthError> {
        set(&self.has_waited);
        let address = self.address(address_source)?;
        // A resolved address was already checked before the lookup.
        if matches!(address_source, AddressSource::Head(..)) {
            self.check(digest, address, clock)?;
        }
        Ok(address)
    }

    fn admitted(&self, digest: KeyDigest, attempt: Attempt<'_>, clock: Option<&Clock>) {
        if !attempt.waited {
            set(&self.has_answered);
        }
        // A store that answered this lookup at once may wait in another lookup of the same key.
        if self.has_waited.load(Ordering::Relaxed) {
            let verified = self.throttle.counts.verified.get_or_init(Verified::new);
            verified.remember(digest, nanos(clock::now(clock)));
        }
    }

    fn refused(
        &self,
        error: AuthError,
        digest: Option<KeyDigest>,
        attempt: Attempt<'_>,
        clock: Option<&Clock>,
    ) -> AuthError {
        match error {
            AuthError::WrongCredentials(_) => {}
            // No key was guessed.
            AuthError::NoCredentials
            | AuthError::InsufficientScope(_)
            | AuthError::SentInClear(_)
            | AuthError::Throttled(_)
            | AuthError::Unavailable(_)
            | AuthError::Misconfigured(_) => return error,
        }
        let counts = &self.throttle.counts;
        if let Some(digest) = digest {
            if !attempt.waited {
                set(&self.has_answered);
            }
            if self.has_waited.load(Ordering::Relaxed)
                && let Some(verified) = counts.verified.get()
            {
                verified.forget(digest);
            }
        }
        let now = || nanos(clock::now(clock));
        let address = match self.address(attempt.address_source) {
            Ok(address) => address,
            Err(error) => return error,
        };
        let spent = address.map(|address| {
            if attempt.waited {
                counts.buckets.charge(address, now())
            } else {
                counts.buckets.spend(address, now())
            }
        });
        match spent {
            Some(Err(wait)) => throttled(wait, Some(&error)),
            Some(Ok(())) | None => error,
        }
    }
}

fn throttled(wait: u64, error: Option<&AuthError>) -> AuthError {
    let wrong = error.and_then(|error| Some((error.reason()?, error.key_id())));
    AuthError::Throttled(Throttled::address(seconds(Duration::from_nanos(wait)), wrong))
}

/// Writes only once, so that processors do not contend for the flag.
fn set(flag: &AtomicBool) {
    if !flag.load(Ordering::Relaxed) {
        flag.store(true, Ordering::Relaxed);
    }
}
