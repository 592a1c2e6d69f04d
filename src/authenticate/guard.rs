use std::net::IpAddr;

use super::head::RequestHead;
use crate::clock::Clock;
use crate::error::AuthError;
use crate::key::KeyDigest;

/// Throttles wrong keys by client address. `FailureThrottle` implements it.
pub(crate) trait FailureGuard: Send + Sync {
    /// Refuses a key before its lookup, if the store is known to wait and the address is over its limit.
    fn before_lookup(
        &self,
        digest: KeyDigest,
        head: Option<RequestHead<'_>>,
        clock: Option<&Clock>,
    ) -> Result<(), AuthError>;

    /// Returns the address that a failure of this lookup is counted by, or refuses to wait for the lookup, if the
    /// address is over its limit.
    fn before_waiting(
        &self,
        digest: KeyDigest,
        head: Option<RequestHead<'_>>,
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

/// How the decision on a request was reached, and where the request came from.
#[derive(Clone, Copy)]
pub(crate) enum Attempt<'a> {
    /// Decided at once. There is no head if the caller had only a key.
    Immediate(Option<RequestHead<'a>>),
    /// Decided after the store was waited for; the address was read from the head before that.
    Waited(Option<IpAddr>),
}
