use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Failures within the window before further attempts are refused, whatever they hold.
const LIMIT: u32 = 5;

const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are counted at the same time. Further ones are counted together.
const ADDRESSES: usize = 10_000;

/// Counts failed sign-ins by address; without one, all together.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Option<IpAddr>, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    since: SystemTime,
    count: u32,
}

/// An attempt, which counts as a failure until it is forgotten, so that attempts at the same time cannot exceed the limit.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    address: Option<IpAddr>,
    since: SystemTime,
}

impl Throttle {
    /// Counts an attempt.
    ///
    /// # Errors
    ///
    /// The time after which the next attempt is looked at.
    pub(crate) fn begin(
        &self,
        address: Option<IpAddr>,
        now: SystemTime,
    ) -> Result<Attempt, Duration> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut address = address.map(network);
        if !counts.contains_key(&address) && counts.len() >= ADDRESSES {
            counts.retain(|_, failures| failures.left(now).is_some());
            if counts.len() >= ADDRESSES {
                address = None;
            }
        }
        let failures = counts.entry(address).or_insert(Failures { since: now, count: 0 });
        match failures.left(now) {
            None => *failures = Failures { since: now, count: 0 },
            Some(left) if failures.count >= LIMIT => return Err(left),
            Some(_) => {}
        }
        failures.count += 1;
        Ok(Attempt { address, since: failures.since })
    }

    /// Takes back that an attempt counts as a failure.
    pub(crate) fn forget(&self, attempt: Attempt) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = counts.get_mut(&attempt.address);
        if let Some(failures) = failures.filter(|failures| failures.since == attempt.since) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Failures {
    /// Returns what is left of the window. A clock that was set back begins another one.
    fn left(self, now: SystemTime) -> Option<Duration> {
        let passed = now.duration_since(self.since).ok()?;
        WINDOW.checked_sub(passed).filter(|left| !left.is_zero())
    }
}

/// Returns the network that one subscriber usually has: of IPv6 a /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}
