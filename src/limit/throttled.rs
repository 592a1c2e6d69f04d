use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::gcra::seconds;
use super::headers::RateLimitHeaders;
use crate::client::Client;
use crate::digest::KeyId;
use crate::error::{AuthError, WrongReason};

/// Why a request was refused with 429, and how long to wait.
///
/// See [`Throttle`](crate::Throttle) for an example.
#[derive(Clone)]
pub struct Throttled(Arc<Cause>);

enum Cause {
    Quota {
        client: Client,
        headers: RateLimitHeaders,
    },
    /// Too many wrong keys from one address, and why this key is wrong, if the store was asked.
    Address {
        wait: Duration,
        wrong: Option<(WrongReason, Option<KeyId>)>,
    },
}

impl Throttled {
    #[cold]
    pub(super) fn quota(client: &Client, headers: RateLimitHeaders) -> AuthError {
        let client = client.clone();
        AuthError::Throttled(Self(Arc::new(Cause::Quota { client, headers })))
    }

    /// The refusal of an address, in place of the refusal of its key.
    #[cold]
    pub(crate) fn address(wait: Duration, error: Option<&AuthError>) -> AuthError {
        let wrong = error.and_then(|error| Some((error.reason()?, error.key_id())));
        AuthError::Throttled(Self(Arc::new(Cause::Address { wait, wrong })))
    }

    /// The client whose quota is spent; `None` if an address is throttled.
    pub fn client(&self) -> Option<&Client> {
        match &*self.0 {
            Cause::Quota { client, .. } => Some(client),
            Cause::Address { .. } => None,
        }
    }

    pub(crate) fn wrong(&self) -> Option<(WrongReason, Option<KeyId>)> {
        match &*self.0 {
            Cause::Quota { .. } => None,
            Cause::Address { wrong, .. } => *wrong,
        }
    }

    /// Seconds to wait, at least one. A client that waits as long is admitted, unless others with the same quota come
    /// first; a wrong key from an address that waits is refused as wrong again.
    pub fn retry_after(&self) -> u64 {
        let wait = match &*self.0 {
            Cause::Quota { headers, .. } => headers.decision.wait,
            Cause::Address { wait, .. } => *wait,
        };
        seconds(wait).max(1)
    }

    /// The RateLimit headers. An address has none: they would show how many guesses are left.
    pub(crate) fn headers(&self) -> Option<&RateLimitHeaders> {
        match &*self.0 {
            Cause::Quota { headers, .. } => Some(headers),
            Cause::Address { .. } => None,
        }
    }
}

impl fmt::Debug for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttled")
            .field("client", &self.client())
            .field("retry_after", &self.retry_after())
            .finish_non_exhaustive()
    }
}
