use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::counters::Tally;
use super::fields::Fields;
use super::gcra::seconds;
use crate::client::Client;
use crate::error::AuthError;
use crate::quota::Quota;

/// Who has spent what they may, and for how long they are to wait.
///
/// See [`Throttle`](crate::Throttle) for an example.
#[derive(Clone)]
pub struct Throttled(Arc<Refusal>);

struct Refusal {
    /// None where an address was throttled, of which nobody is known.
    client: Option<Client>,
    quota: Option<Quota>,
    tally: Tally,
}

impl Throttled {
    #[cold]
    pub(super) fn error(client: &Client, quota: &Quota, tally: Tally) -> AuthError {
        let refusal = Refusal { client: Some(client.clone()), quota: Some(quota.clone()), tally };
        AuthError::Throttled(Self(Arc::new(refusal)))
    }

    /// Of an address, from which too many wrong keys came. Neither a client nor a quota is known, so
    /// that no RateLimit fields tell of it.
    #[cold]
    pub(crate) fn address(wait: Duration) -> AuthError {
        let tally = Tally::refused(0, wait);
        AuthError::Throttled(Self(Arc::new(Refusal { client: None, quota: None, tally })))
    }

    /// The client that is to wait; none where an address is.
    pub fn client(&self) -> Option<&Client> {
        self.0.client.as_ref()
    }

    /// How many seconds to wait, at least one: whoever waits so long is let in, unless others
    /// with the same quota come first.
    pub fn retry_after(&self) -> u64 {
        seconds(self.0.tally.wait).max(1)
    }

    pub(crate) fn fields(&self) -> Option<Fields<'_>> {
        Some(Fields { quota: self.0.quota.as_ref()?, tally: &self.0.tally })
    }
}

impl fmt::Debug for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttled")
            .field("client", &self.0.client)
            .field("retry_after", &self.retry_after())
            .finish_non_exhaustive()
    }
}
