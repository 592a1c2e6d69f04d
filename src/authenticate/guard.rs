use std::net::IpAddr;

use super::head::RequestHead;
use crate::clock::Clock;
use crate::error::AuthError;
use crate::key::KeyDigest;

/// Throttles wrong keys by client address. `FailureThrottle` implements it.
pub(crate) trait FailureGuard: Send + Sync {
    /// Checks a key before its lookup, if the store is known to wait. Returns the origin with the client address, if it
    /// was read; refuses the key if the address is over its limit.
    fn before_lookup<'a>(
        &self,
        digest: KeyDigest,
        origin: Origin<'a>,
        clock: Option<&Clock>,
    ) -> Result<Origin<'a>, AuthError>;

    /// Checks a key whose lookup waits. Returns the address that a failure is counted by; refuses to wait if the address
    /// is over its limit.
    fn before_waiting(
        &self,
        digest: KeyDigest,
        origin: Origin<'_>,
        clock: Option<&Clock>,
    ) -> Result<Option<IpAddr>, AuthError>;

    /// Notes an admitted key.
    fn admitted(&self, digest: KeyDigest, attempt: Attempt<'_>, clock: Option<&Clock>);

    /// Counts a refusal and returns its replacement. Without a digest, no key was looked up.
    fn refused(
        &self,
        error: AuthError,
        digest: Option<KeyDigest>,
        attempt: Attempt<'_>,
        clock: Option<&Clock>,
    ) -> AuthError;
}

/// Where a request came from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// The client address was not read yet.
    Head(RequestHead<'a>),
    /// There is no address if the caller had only a key, or if the head does not give one.
    Address(Option<IpAddr>),
}

/// How the decision on a request was reached.
#[derive(Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) origin: Origin<'a>,
    /// The store was waited for.
    pub(crate) waited: bool,
}
