use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::{array, fmt};

use ::metrics::{Key, Label, Level, Metadata, describe_counter, with_recorder};

use super::{Observe, Outcome, OutcomeKind};
use crate::client::client_map::ClientMap;
use crate::client::label;

/// An observer that counts outcomes through the `metrics` facade, as `keygate_requests_total{outcome, client}`.
///
/// `outcome` is an [`Outcome::name`]. `client` is the name of the client that the key belongs to, or empty if it is
/// unknown. Some requests count twice, so do not add the counters up. A request that is admitted and then refused,
/// because of a scope or quota or because the counters of quotas were unavailable, counts as `admitted` and as
/// `insufficient_scope`, `throttled` or `unavailable`. A request with a replaced key counts as `admitted` and as
/// `replaced`.
///
/// The first 1,000 clients get their own label, and all others share `client="other"`, so that the number of series is
/// bounded. A client named `other` shares this label, too, and so does a client of your own store whose name breaks the
/// rules for names ([`ClientProfile::validate`](crate::ClientProfile::validate)). Clients keep their labels until the
/// process ends. If a client had this outcome before, keygate takes no lock and allocates nothing to count it.
///
/// The counter is looked up in the recorder each time, so it also works with a recorder that is installed late or that
/// drops idle counters. The counter is described once, when the observer is created.
///
/// It is a handle: clones share their labels, and several authenticators can share one.
///
/// ```
/// use keygate::{Authenticator, MemoryStore};
/// use keygate::observe::OutcomeMetrics;
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .add_observer(OutcomeMetrics::new().with_max_clients(100));
/// ```
#[derive(Clone)]
pub struct OutcomeMetrics(Arc<Labels>);

struct Labels {
    clients: ClientMap<String, Keys>,
    /// The number of clients that have a label, or are about to get one.
    used: AtomicUsize,
    max_clients: usize,
    others: Keys,
    unknown: Keys,
}

/// One key per kind of outcome, made on first use.
struct Keys([OnceLock<Key>; OutcomeKind::COUNT]);

const REQUESTS: &str = "keygate_requests_total";
const OTHERS: &str = "other";
const UNKNOWN: &str = "";

static METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

impl OutcomeMetrics {
    /// Creates an observer for the current recorder.
    pub fn new() -> Self {
        describe_counter!(REQUESTS, "Requests by outcome and client");
        Self(Arc::new(Labels::new(1_000)))
    }

    /// Replaces the number of clients with their own label, and forgets the labels assigned so far.
    #[must_use]
    pub fn with_max_clients(self, max_clients: usize) -> Self {
        Self(Arc::new(Labels::new(max_clients)))
    }
}

impl Default for OutcomeMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observe for OutcomeMetrics {
    fn observe(&self, outcome: &Outcome<'_>) {
        let kind = outcome.kind();
        match outcome.client() {
            Some(client) => self.0.count(client.name(), kind),
            None => self.0.unknown.count(kind, UNKNOWN),
        }
        if let (Some(client), true) = (outcome.client(), outcome.is_replaced()) {
            self.0.count(client.name(), OutcomeKind::Replaced);
        }
    }
}

impl Labels {
    fn new(max_clients: usize) -> Self {
        Self {
            clients: ClientMap::new(),
            used: AtomicUsize::new(0),
            max_clients,
            others: Keys::new(),
            unknown: Keys::new(),
        }
    }

    fn count(&self, client: &str, kind: OutcomeKind) {
        if client == OTHERS {
            return self.others.count(kind, OTHERS);
        }
        let shard = self.clients.shard(client);
        if let Some(keys) = shard.get(client) {
            return keys.count(kind, client);
        }
        let relaxed = Ordering::Relaxed;
        let one_more = |used| (used < self.max_clients).then_some(used + 1);
        if label::check(client).is_err() {
            return self.others.count(kind, OTHERS);
        }
        if self.used.fetch_update(relaxed, relaxed, one_more).is_err() {
            // Another thread may have taken the last label for the same client.
            return match shard.get(client) {
                Some(keys) => keys.count(kind, client),
                None => self.others.count(kind, OTHERS),
            };
        }
        let added = shard.try_insert(client.to_owned(), Keys::new());
        let keys = added.unwrap_or_else(|occupied| {
            self.used.fetch_sub(1, relaxed);
            occupied.current
        });
        keys.count(kind, client);
    }
}

impl Keys {
    fn new() -> Self {
        Self(array::from_fn(|_| OnceLock::new()))
    }

    fn count(&self, kind: OutcomeKind, client: &str) {
        let key = self.0[kind as usize].get_or_init(|| {
            let client = Label::new("client", client.to_owned());
            Key::from_parts(REQUESTS, vec![Label::new("outcome", kind.name()), client])
        });
        with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
    }
}

impl fmt::Debug for OutcomeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeMetrics")
            .field("clients", &self.0.used.load(Ordering::Relaxed))
            .field("max_clients", &self.0.max_clients)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_break_the_rules_have_no_label() {
        let labels = Labels::new(10);
        for name in ["Us\u{200b}er", "User\u{2028}1", "User\n1", "App 1"] {
            for _ in 0..2 {
                labels.count(name, OutcomeKind::Admitted);
            }
        }
        assert_eq!(labels.used.load(Ordering::Relaxed), 1);
        assert!(labels.clients.shard("App 1").get("App 1").is_some());
        assert!(labels.others.0[OutcomeKind::Admitted as usize].get().is_some());
    }
}
