use std::array;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::metrics::{Counter, counter, describe_counter};

use super::{Kind, Observe, Outcome};
use crate::by_client::ByClient;

/// An observer that counts every outcome through the `metrics` facade, as
/// `keygate_requests_total{outcome, client}`.
///
/// `outcome` is an [`Outcome::name`], `client` the name of the client whose key it is, and empty where
/// that is not known. A request whose key is right and that is refused then, by a scope, a quota or because the
/// counters of quotas could not answer, counts as `admitted` and as `insufficient_scope`, `throttled` or
/// `unavailable`: do not add them up.
///
/// The first 1,000 clients that come have a label of their own, and all others are `client="other"`,
/// so that the metrics do not grow with the clients. A client that is named `other` counts with these,
/// and takes no label. Labels stay for as long as the process. Once a client was seen, counting takes no
/// lock and allocates nothing here; what the recorder does is its own.
///
/// Install the recorder first: what a counter is told before that is lost, and it goes on so.
///
/// ```
/// use keygate::{Authenticator, MemoryStore, OutcomeMetrics};
///
/// let auth = Authenticator::new(MemoryStore::new())
///     .add_observer(OutcomeMetrics::new().with_max_clients(100));
/// ```
pub struct OutcomeMetrics {
    clients: ByClient<Counters>,
    /// How many clients have a label, or are about to get one.
    labels: AtomicUsize,
    max_clients: usize,
    others: Counters,
    strangers: Counters,
}

/// One for each outcome, once there was one.
struct Counters([OnceLock<Counter>; Kind::COUNT]);

const REQUESTS: &str = "keygate_requests_total";
const OTHERS: &str = "other";
const NOBODY: &str = "";

impl OutcomeMetrics {
    /// An observer for whatever recorder there is.
    pub fn new() -> Self {
        describe_counter!(REQUESTS, "Requests by what became of them and whose key they carried");
        Self {
            clients: ByClient::new(),
            labels: AtomicUsize::new(0),
            max_clients: 1_000,
            others: Counters::new(),
            strangers: Counters::new(),
        }
    }

    /// Replaces the number of clients that have a label of their own.
    #[must_use]
    pub fn with_max_clients(self, max_clients: usize) -> Self {
        Self { max_clients, ..self }
    }

    fn count(&self, client: &str, kind: Kind) {
        if client == OTHERS {
            return self.others.count(kind, OTHERS);
        }
        let place = self.clients.pin(client);
        if let Some(counters) = place.get() {
            return counters.count(kind, client);
        }
        let relaxed = Ordering::Relaxed;
        let one_more = |labels| (labels < self.max_clients).then_some(labels + 1);
        if self.labels.fetch_update(relaxed, relaxed, one_more).is_err() {
            return self.others.count(kind, OTHERS);
        }
        let counters = place.add(Counters::new()).unwrap_or_else(|theirs| {
            self.labels.fetch_sub(1, relaxed);
            theirs
        });
        counters.count(kind, client);
    }
}

impl Default for OutcomeMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Observe for OutcomeMetrics {
    fn observe(&self, outcome: &Outcome<'_>) {
        let kind = Kind::of(outcome);
        match outcome.client() {
            Some(client) => self.count(client.name(), kind),
            None => self.strangers.count(kind, NOBODY),
        }
    }
}

impl Counters {
    fn new() -> Self {
        Self(array::from_fn(|_| OnceLock::new()))
    }

    fn count(&self, kind: Kind, client: &str) {
        let register =
            || counter!(REQUESTS, "outcome" => kind.name(), "client" => client.to_owned());
        self.0[kind.place()].get_or_init(register).increment(1);
    }
}

impl fmt::Debug for OutcomeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutcomeMetrics")
            .field("clients", &self.labels.load(Ordering::Relaxed))
            .field("max_clients", &self.max_clients)
            .finish_non_exhaustive()
    }
}
