use std::fmt;
use std::sync::{Mutex, PoisonError};

use smol_str::SmolStr;

use super::counters::{Decision, LocalCounters, RateLimitRequest};
use super::state::QuotaState;
use crate::client::client_map::{ClientKey, ClientKeyRef, ClientMap};
use crate::clock::nanos;
use crate::error::StoreError;

/// Counters in the memory of this process.
///
/// A decision about a client that was seen before allocates nothing, and locks only the state of this client. A client
/// that has earned back its whole burst is removed: requests sweep the clients, one part at a time, and all of them
/// about once a minute.
///
/// ```
/// use keygate::Throttle;
/// use keygate::limit::MemoryCounters;
///
/// let throttle = Throttle::with_counters(MemoryCounters::new());
/// assert_eq!(throttle.counters().len(), 0);
/// ```
pub struct MemoryCounters {
    /// By the name of the limit.
    clients: ClientMap<ClientKey<SmolStr>, Entry>,
}

/// `None` after it was swept: a new entry replaces it.
type Entry = Mutex<Option<QuotaState>>;

impl MemoryCounters {
    /// Creates counters without clients.
    pub fn new() -> Self {
        Self { clients: ClientMap::new() }
    }

    /// Returns the number of remembered clients, each counted once per limit.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Returns whether no client is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for MemoryCounters {
    fn default() -> Self {
        Self::new()
    }
}

impl LocalCounters for MemoryCounters {
    fn count_now(&self, request: &RateLimitRequest<'_>) -> Result<Decision, StoreError> {
        let key = ClientKeyRef { of: request.limit, client: request.client };
        let shard = self.clients.shard(request.client);
        let now = nanos(request.now);
        let decision = loop {
            let entry = shard.get(&key).unwrap_or_else(|| {
                let state = || Mutex::new(Some(QuotaState::new(request.quota)));
                let key = ClientKey { of: key.of.into(), client: key.client.into() };
                shard.get_or_insert_with(key, state)
            });
            let mut state = entry.lock().unwrap_or_else(PoisonError::into_inner);
            match state.as_mut() {
                Some(state) => break state.check(request.quota, request.cost, now),
                // The sweep is about to remove it.
                None => std::thread::yield_now(),
            }
        };
        drop(shard);
        self.clients.sweep(now, |entry| {
            let mut state = entry.lock().unwrap_or_else(PoisonError::into_inner);
            state.take_if(|state| state.is_idle(now)).is_some()
        });
        Ok(decision)
    }
}

impl fmt::Debug for MemoryCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCounters").field("clients", &self.len()).finish()
    }
}
