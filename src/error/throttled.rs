use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use super::wrong_reason::WrongReason;
use crate::client::Client;
use crate::key::KeyId;

/// Why a request was refused with 429, and how long to wait.
///
/// Only the feature `throttle` creates it. `Throttle` has an example.
#[derive(Clone)]
pub struct Throttled(Arc<Refused>);

struct Refused {
    /// In seconds, at least one.
    retry_after: u64,
    cause: Cause,
}

// Both come with the feature `throttle`.
#[cfg_attr(not(feature = "throttle"), allow(dead_code))]
enum Cause {
    /// The client's quota, and the RateLimit headers.
    Quota { client: Client, headers: HeaderMap },
    /// Too many wrong keys from one address, and why this key is wrong, if it was looked up.
    Address { wrong: Option<(WrongReason, Option<KeyId>)> },
}

#[cfg_attr(not(feature = "throttle"), allow(dead_code))]
impl Throttled {
    #[cold]
    pub(crate) fn quota(client: &Client, retry_after: u64, headers: HeaderMap) -> Self {
        Self::new(retry_after, Cause::Quota { client: client.clone(), headers })
    }

    /// Creates the refusal of an address. `wrong` is the reason why the key would be refused if the address were not
    /// throttled.
    #[cold]
    pub(crate) fn address(retry_after: u64, wrong: Option<(WrongReason, Option<KeyId>)>) -> Self {
        Self::new(retry_after, Cause::Address { wrong })
    }

    fn new(retry_after: u64, cause: Cause) -> Self {
        Self(Arc::new(Refused { retry_after: retry_after.max(1), cause }))
    }
}

impl Throttled {
    /// The client whose quota is spent; `None` if an address is throttled.
    pub fn client(&self) -> Option<&Client> {
        match &self.0.cause {
            Cause::Quota { client, .. } => Some(client),
            Cause::Address { .. } => None,
        }
    }

    pub(super) fn wrong(&self) -> Option<(WrongReason, Option<KeyId>)> {
        match &self.0.cause {
            Cause::Quota { .. } => None,
            Cause::Address { wrong } => *wrong,
        }
    }

    /// Seconds to wait, at least one. After this time, the client is admitted, unless other requests have spent its
    /// quota, and a wrong key from a throttled address is again refused as wrong.
    pub fn retry_after(&self) -> u64 {
        self.0.retry_after
    }

    /// The RateLimit headers. An address has none: they would show how many guesses are left.
    pub(crate) fn headers(&self) -> Option<&HeaderMap> {
        match &self.0.cause {
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
