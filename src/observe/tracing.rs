use std::error::Error as _;

use super::{Observe, Outcome};
use crate::error::AuthError;

/// An observer that emits a `tracing` event for each outcome.
///
/// | outcome | level | fields in addition to `outcome` |
/// | --- | --- | --- |
/// | `admitted` | DEBUG | `client`, `key_id` |
/// | `admitted` with a replaced key | INFO | `client`, `key_id`, `replaced` |
/// | refused | INFO | `client`, `key_id`, if the key is known |
/// | `too_many_failures` | INFO | the same, and `reason`: why the key is wrong, if known |
/// | `sent_in_clear` | WARN with a right key, else INFO | `client`, `key_id` of a right key |
/// | `unavailable` | ERROR | `error` and `source`: the error of the store or of the counters of quotas; for counters, also `client` and `key_id` |
///
/// The target is `keygate::outcome`. No event holds a key. A request that is refused after it was admitted has two
/// events: see [`Observe`].
///
/// ```
/// use keygate::{Authenticator, MemoryStore};
/// use keygate::observe::OutcomeEvents;
///
/// let auth = Authenticator::new(MemoryStore::new()).add_observer(OutcomeEvents::new());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OutcomeEvents;

impl OutcomeEvents {
    /// Creates an observer for the current subscriber.
    pub fn new() -> Self {
        Self
    }
}

macro_rules! emit {
    ($level:ident, $outcome:expr, $text:literal, $($more:tt)*) => {
        ::tracing::event!(
            target: "keygate::outcome",
            ::tracing::Level::$level,
            outcome = $outcome.name(),
            client = $outcome.client().map(crate::client::ClientProfile::name),
            key_id = $outcome.key_id().map(::tracing::field::display),
            $($more)*
            $text
        )
    };
}

impl Observe for OutcomeEvents {
    fn observe(&self, outcome: &Outcome<'_>) {
        match outcome.result() {
            Ok(client) if client.is_replaced() => {
                emit!(INFO, outcome, "request admitted with a replaced key", replaced = true,);
            }
            Ok(_) => emit!(DEBUG, outcome, "request admitted",),
            Err(AuthError::Unavailable(error)) => {
                let source = error.source().map(::tracing::field::display);
                emit!(ERROR, outcome, "request refused", %error, source,);
            }
            Err(AuthError::Throttled(_)) => {
                let reason = outcome.reason().map(::tracing::field::display);
                emit!(INFO, outcome, "request refused", reason,);
            }
            Err(error @ AuthError::Misconfigured(_)) => {
                emit!(ERROR, outcome, "request refused", %error,);
            }
            Err(AuthError::SentInClear(sent)) if sent.key_id().is_some() => {
                emit!(WARN, outcome, "key sent in clear",);
            }
            Err(
                AuthError::NoCredentials
                | AuthError::SentInClear(_)
                | AuthError::WrongCredentials(_)
                | AuthError::InsufficientScope(_),
            ) => emit!(INFO, outcome, "request refused",),
        }
    }
}
