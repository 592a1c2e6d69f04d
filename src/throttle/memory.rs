use std::fmt;

use super::account::Account;
use super::counters::{LocalCounters, Spend, Tally};
use super::held::Held;
use super::standing::Standing;
use crate::by_client::ByClient;
use crate::error::StoreError;
use crate::instant::nanos;

/// Counters in the memory of this process.
///
/// Deciding allocates nothing for a client that was seen before, and takes no lock that two clients share: one
/// atomic for a quota of one rate, one small lock of the client's own for several, and where its quota had others
/// before.
///
/// A client that has its whole burst again is forgotten: each request looks after a part of the others,
/// so that all are looked after about once a minute where there are requests at all.
///
/// ```
/// use keygate::{MemoryCounters, Throttle};
///
/// let throttle = Throttle::with_counters(MemoryCounters::new());
/// assert_eq!(throttle.counters().len(), 0);
/// ```
pub struct MemoryCounters {
    accounts: ByClient<Account>,
}

impl MemoryCounters {
    /// Counters that have seen nobody yet.
    pub fn new() -> Self {
        Self { accounts: ByClient::new() }
    }

    /// How many clients there are of which something is remembered. One that has spent of a default quota which a
    /// clone of the throttle counts apart is another one there.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for MemoryCounters {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCounters {
    /// Counts one request at an instant that was read before; `again` reads the clock.
    #[inline]
    pub(super) fn count(
        &self,
        client: &str,
        held: Held<'_>,
        now: u64,
        again: impl Fn() -> u64,
    ) -> Standing {
        let quota = held.quota;
        let accounts = self.accounts.pin_apart(client, held.place);
        let standing = loop {
            let account = accounts.get_or_insert_with(|| Account::carrying(quota, &[], now));
            if account.is_of(quota) {
                if let Some(standing) = account.spend(now, &again) {
                    break standing;
                }
            } else if let Some(parts) = account.close() {
                accounts.put(Account::carrying(quota, &parts, now));
                continue;
            }
            // Closed: whoever closed it is about to replace or remove it.
            std::thread::yield_now();
        };
        drop(accounts);
        self.accounts.look_after(now, |account| account.close_if_full(now));
        standing
    }
}

impl LocalCounters for MemoryCounters {
    #[inline]
    fn spend_now(&self, spend: &Spend<'_>) -> Result<Tally, StoreError> {
        let held = Held { quota: spend.quota, place: spend.place };
        let standing = self.count(spend.client, held, nanos(spend.now), || spend.again());
        Ok(standing.tally())
    }
}

impl fmt::Debug for MemoryCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCounters").field("clients", &self.len()).finish()
    }
}
