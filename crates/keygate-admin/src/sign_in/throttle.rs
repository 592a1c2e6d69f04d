use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The number of failures within the window after which all attempts are refused.
const LIMIT: u32 = 5;

const WINDOW: Duration = Duration::from_secs(60);

/// The maximum number of addresses counted separately. Further addresses are counted together.
const ADDRESSES: usize = 10_000;

/// Counts failed sign-ins by address, or all together if the address is not known.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<Option<IpAddr>, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    since: SystemTime,
    count: u32,
}

/// An attempt. It counts as a failure until it is forgotten, so that concurrent attempts cannot exceed the limit.
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
    /// Returns the time after which the next attempt is possible.
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

    /// Stops counting the attempt as a failure.
    pub(crate) fn forget(&self, attempt: Attempt) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = counts.get_mut(&attempt.address);
        if let Some(failures) = failures.filter(|failures| failures.since == attempt.since) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

impl Failures {
    /// Returns the rest of the window. If the clock was set back, a new window begins.
    fn left(self, now: SystemTime) -> Option<Duration> {
        let passed = now.duration_since(self.since).ok()?;
        WINDOW.checked_sub(passed).filter(|left| !left.is_zero())
    }
}

/// Returns the address block that one subscriber usually has: a /64 for IPv6. A local process has all of loopback.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        IpAddr::V4(address) if address.is_loopback() => Ipv6Addr::LOCALHOST.into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const NOW: SystemTime = UNIX_EPOCH;

    fn fail(throttle: &Throttle, address: &str) -> Result<Attempt, Duration> {
        throttle.begin(Some(address.parse().unwrap()), NOW)
    }

    #[test]
    fn concurrent_attempts_cannot_exceed_the_limit() {
        let throttle = Throttle::default();
        let attempts = std::array::from_fn::<_, 7, _>(|_| throttle.begin(None, NOW));
        assert_eq!(attempts.iter().filter(|attempt| attempt.is_ok()).count(), 5);
        throttle.forget(*attempts[0].as_ref().unwrap());
        assert!(throttle.begin(None, NOW).is_ok());
        assert!(throttle.begin(None, NOW).is_err());
    }

    #[test]
    fn forgetting_an_old_attempt_does_not_affect_a_new_window() {
        let throttle = Throttle::default();
        let early = throttle.begin(None, NOW).unwrap();
        let later = NOW + WINDOW;
        let attempts = std::array::from_fn::<_, 5, _>(|_| throttle.begin(None, later));
        assert!(attempts.iter().all(Result::is_ok));
        throttle.forget(early);
        assert!(throttle.begin(None, later).is_err());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_counted_together() {
        let throttle = Throttle::default();
        for last in 0..5 {
            assert!(fail(&throttle, &format!("2001:db8::{last}")).is_ok());
        }
        assert!(fail(&throttle, "2001:db8::ffff:0:0:1").is_err());
        assert!(fail(&throttle, "2001:db8:0:1::1").is_ok());
        assert!(fail(&throttle, "::ffff:192.0.2.1").is_ok());
        for _ in 0..4 {
            assert!(fail(&throttle, "192.0.2.1").is_ok());
        }
        assert!(fail(&throttle, "192.0.2.1").is_err());
    }

    #[test]
    fn addresses_of_loopback_are_counted_together() {
        let throttle = Throttle::default();
        for last in 1..5 {
            assert!(fail(&throttle, &format!("127.{last}.0.{last}")).is_ok());
        }
        assert!(fail(&throttle, "::1").is_ok());
        for address in ["127.0.0.9", "::ffff:127.0.0.1", "::1"] {
            assert!(fail(&throttle, address).is_err(), "{address}");
        }
        assert!(fail(&throttle, "128.0.0.1").is_ok());
    }

    #[test]
    fn further_addresses_are_counted_together() {
        let throttle = Throttle::default();
        let address = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        for number in 0..10_005 {
            assert!(throttle.begin(address(number), NOW).is_ok(), "{number}");
        }
        assert!(throttle.begin(address(20_000), NOW).is_err());
        assert!(throttle.begin(address(20_000), NOW + WINDOW).is_ok());
        assert_eq!(throttle.0.lock().unwrap().len(), 1);
    }
}
