use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::account::Account;
use super::counters::{LocalCounters, Spend, Tally};
use crate::by_client::ByClient;
use crate::error::StoreError;

/// Counters in the memory of this process.
///
/// A handle: clones share what they count. Deciding allocates nothing for a client that was seen before,
/// and takes no lock that two clients share: one atomic for a quota of one rate, one small lock of
/// the client's own for several.
///
/// A client that has its whole burst again is forgotten: each request looks after a part of the others,
/// so that all are looked after about once a minute where there are requests at all.
///
/// ```
/// use keygate::{MemoryCounters, Throttle};
///
/// let counters = MemoryCounters::new();
/// let throttle = Throttle::with_counters(counters.clone());
/// assert_eq!(counters.len(), 0);
/// ```
#[derive(Clone)]
pub struct MemoryCounters {
    accounts: Arc<ByClient<Account>>,
}

impl MemoryCounters {
    /// Counters that have seen nobody yet.
    pub fn new() -> Self {
        Self { accounts: Arc::new(ByClient::new()) }
    }

    /// How many clients there are of which something is remembered.
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

impl LocalCounters for MemoryCounters {
    #[inline]
    fn spend_now(&self, spend: &Spend<'_>) -> Result<Tally, StoreError> {
        let now = nanos(spend.now);
        let accounts = self.accounts.pin(spend.client);
        let tally = loop {
            let account = accounts.get_or_insert_with(|| Account::new(spend.quota));
            if account.is_of(spend.quota) {
                if let Some(tally) = account.spend(now) {
                    break tally;
                }
            } else if let Some(share) = account.close(now) {
                accounts.put(Account::with_share(spend.quota, share, now));
                continue;
            }
            // Closed: whoever closed it is about to replace or remove it.
            std::thread::yield_now();
        };
        drop(accounts);
        self.accounts.look_after(now, |account| account.close_if_full(now));
        Ok(tally)
    }
}

/// Nanoseconds since 1970, which fit until the year 2554; half of what 64 bits hold is left for sums.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX / 2)
}

impl fmt::Debug for MemoryCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCounters").field("clients", &self.len()).finish()
    }
}
