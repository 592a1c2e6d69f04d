use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::counters::Tally;
use super::fields::Fields;
use super::gcra::seconds;
use crate::client::Client;
use crate::digest::KeyId;
use crate::error::{AuthError, WrongReason};
use crate::quota::Quota;

/// Who has spent what they may, and for how long they are to wait.
///
/// See [`Throttle`](crate::Throttle) for an example.
#[derive(Clone)]
pub struct Throttled(Arc<Refusal>);

struct Refusal {
    who: Who,
    tally: Tally,
}

enum Who {
    Client(Client, Quota),
    /// An address, and what was wrong with the key, where that was asked.
    Address(Option<(WrongReason, Option<KeyId>)>),
}

impl Throttled {
    #[cold]
    pub(super) fn error(client: &Client, quota: &Quota, tally: Tally) -> AuthError {
        let who = Who::Client(client.clone(), quota.clone());
        AuthError::Throttled(Self(Arc::new(Refusal { who, tally })))
    }

    /// Of an address, from which too many wrong keys came, in the place of what this one was refused for. No
    /// quota is known, so that no RateLimit fields tell of it.
    #[cold]
    pub(crate) fn address(wait: Duration, error: Option<&AuthError>) -> AuthError {
        let who = Who::Address(error.and_then(|error| Some((error.reason()?, error.key_id()))));
        AuthError::Throttled(Self(Arc::new(Refusal { who, tally: Tally::refused(0, wait) })))
    }

    /// The client that is to wait; none where an address is.
    pub fn client(&self) -> Option<&Client> {
        match &self.0.who {
            Who::Client(client, _) => Some(client),
            Who::Address(_) => None,
        }
    }

    pub(crate) fn wrong(&self) -> Option<(WrongReason, Option<KeyId>)> {
        match self.0.who {
            Who::Client(..) => None,
            Who::Address(wrong) => wrong,
        }
    }

    /// How many seconds to wait, at least one: a client that waits so long is let in, unless others
    /// with the same quota come first; a wrong key from an address that waits is refused as wrong again.
    pub fn retry_after(&self) -> u64 {
        seconds(self.0.tally.wait).max(1)
    }

    pub(crate) fn fields(&self) -> Option<Fields<'_>> {
        match &self.0.who {
            Who::Client(_, quota) => Some(Fields { quota, tally: &self.0.tally }),
            Who::Address(_) => None,
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
