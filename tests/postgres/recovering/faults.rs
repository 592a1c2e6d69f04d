//! The list of faults, and the checks for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use keygate::{AuthError, Authenticator, KeyStore, WrongReason};

/// A fault while a store is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store loses the right to read the keys.
    Rights,
    /// The store loses access to the folder, or the right to connect.
    Folder,
    /// The file or the tables were moved.
    Missing,
    /// The file or the tables are empty.
    Empty,
    /// The file has another format.
    Garbage,
    /// A table or an entry has another form.
    Schema,
    /// Another process locks the keys.
    Locked,
    /// The server was killed.
    Killed,
    /// The server does not respond.
    Stopped,
    /// The clock of the service is far in the future.
    Clock,
}

const FAULTS: [Fault; 10] = [
    Fault::Rights,
    Fault::Folder,
    Fault::Missing,
    Fault::Empty,
    Fault::Garbage,
    Fault::Schema,
    Fault::Locked,
    Fault::Killed,
    Fault::Stopped,
    Fault::Clock,
];

/// The behavior of a store during a fault.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// Every key is an outage.
    Outage,
    /// The last keys are served, and the store's health reports the fault.
    Kept,
    /// The last keys are served, and any other key is an outage.
    KeptIfKnown,
}

/// A store with the client `App 1`, and methods to break what it reads.
pub(crate) trait Fixture {
    type Store: KeyStore;

    const MEANWHILE: Meanwhile;

    fn store(&self) -> Self::Store;

    /// Causes the fault, or returns `false` if this store has no such fault.
    fn make(&mut self, fault: Fault) -> bool;

    fn repair(&mut self, fault: Fault);

    /// Issues keys without the store.
    fn issue(&mut self, keys: &[String]);

    /// Revokes a key without the store.
    fn revoke(&mut self, key: &str);

    /// Returns whether the store reports a fault in its health.
    fn reports_fault(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Admitted,
    Wrong(WrongReason),
    Outage,
}

const REVOKED: Seen = Seen::Wrong(WrongReason::Revoked);
const EXPIRED: Seen = Seen::Wrong(WrongReason::Expired);
const UNKNOWN: Seen = Seen::Wrong(WrongReason::Unknown);

/// Much longer than any store's interval.
const PATIENCE: Duration = Duration::from_secs(60);

/// The key with this name.
pub(crate) fn key(name: &str) -> String {
    format!("{name}-08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU")
}

/// The expiry of the key `passing`.
pub(crate) const PASSING: &str = "2199-01-01T00:00:00Z";

/// A service with a fake clock.
struct Service<S> {
    auth: Authenticator<S>,
    ahead: Arc<AtomicU64>,
}

impl<S: KeyStore> Service<S> {
    fn new(store: S) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let moved = Arc::clone(&ahead);
        let clock = move || SystemTime::now() + Duration::from_secs(moved.load(Ordering::Relaxed));
        Self { auth: Authenticator::new(store).with_clock(clock), ahead }
    }

    async fn verify(&self, name: &str) -> Seen {
        match self.auth.authenticate_key(key(name).as_bytes()).await {
            Ok(_) => Seen::Admitted,
            Err(AuthError::WrongCredentials(wrong)) => Seen::Wrong(wrong.reason()),
            Err(AuthError::Unavailable(_)) => Seen::Outage,
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for this outcome of a key. Until then, it may be an outage or have the outcome `before`.
    async fn becomes(&self, name: &str, after: Seen, before: Seen, fault: Fault) {
        let since = Instant::now();
        loop {
            let seen = self.verify(name).await;
            if seen == after {
                return;
            }
            let may_be = seen == before || seen == Seen::Outage;
            assert!(may_be && since.elapsed() < PATIENCE, "{fault:?}: {name}: {seen:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Causes all faults in the list, with one store that stays open.
pub(crate) async fn recovers_from_every_fault<T: Fixture>(mut fixture: T) {
    let names = FAULTS.map(|fault| format!("{fault:?}"));
    let all = ["lasting", "passing", "dead"].map(str::to_owned);
    fixture.issue(&all.into_iter().chain(names).collect::<Vec<_>>());
    fixture.revoke("dead");
    let service = Service::new(fixture.store());
    service.becomes("lasting", Seen::Admitted, UNKNOWN, Fault::Clock).await;
    service.becomes("dead", REVOKED, Seen::Admitted, Fault::Clock).await;
    let mut made = Vec::new();
    for fault in FAULTS {
        if fault == Fault::Clock {
            service.ahead.store(200 * 366 * 86_400, Ordering::Relaxed);
            service.becomes("passing", EXPIRED, Seen::Outage, fault).await;
            service.ahead.store(0, Ordering::Relaxed);
        } else if fixture.make(fault) {
            lasts(&fixture, &service, fault).await;
            fixture.repair(fault);
        } else {
            continue;
        }
        made.push(fault);
        // Revoked after the repair, and not through the store: only a store that reads again refuses the key.
        let name = format!("{fault:?}");
        fixture.revoke(&name);
        service.becomes(&name, REVOKED, Seen::Admitted, fault).await;
        service.becomes("lasting", Seen::Admitted, Seen::Outage, fault).await;
        service.becomes("passing", Seen::Admitted, Seen::Outage, fault).await;
        service.becomes("nobody's", UNKNOWN, Seen::Outage, fault).await;
        assert_eq!(service.verify("dead").await, REVOKED, "{fault:?}");
        let since = Instant::now();
        while fixture.reports_fault() {
            assert!(since.elapsed() < PATIENCE, "{fault:?} is still reported");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    println!("{made:?}");
}

/// Checks that a fault is noticed, and that no key gets a wrong outcome.
async fn lasts<T: Fixture>(fixture: &T, service: &Service<T::Store>, fault: Fault) {
    if T::MEANWHILE == Meanwhile::Outage {
        for name in ["lasting", "dead", "nobody's"] {
            assert_eq!(service.verify(name).await, Seen::Outage, "{fault:?}: {name}");
        }
        return;
    }
    let since = Instant::now();
    while !fixture.reports_fault() {
        assert!(since.elapsed() < PATIENCE, "{fault:?} is not noticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for (name, kept) in [("lasting", Seen::Admitted), ("dead", REVOKED), ("nobody's", UNKNOWN)] {
        let is_known = kept != UNKNOWN;
        let expected =
            if T::MEANWHILE == Meanwhile::Kept || is_known { kept } else { Seen::Outage };
        service.becomes(name, expected, kept, fault).await;
    }
}
