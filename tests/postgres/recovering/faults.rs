//! The list, and what has to hold for each fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use keygate::{AuthError, Authenticator, KeyStore, WrongReason};

/// What can go wrong beside a store that stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The right to read the keys is gone.
    Rights,
    /// The way to them is gone: the folder, or the database's permission to connect.
    Folder,
    /// The file or its tables are somewhere else.
    Missing,
    /// The file is empty, or the tables are.
    Empty,
    /// The file is of something else.
    Garbage,
    /// A table or an entry has another form.
    Schema,
    /// Somebody else has locked the keys.
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

/// What a store does while its keys are out of reach.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// Every key is an outage.
    Outage,
    /// The last keys are served, and the fault is in the store's health.
    Kept,
    /// The last keys are served, and a key that is not among them is an outage.
    KeptIfKnown,
}

/// A store with the client `App 1`, and the means to break what it reads.
pub(crate) trait Fixture {
    type Store: KeyStore;

    const MEANWHILE: Meanwhile;

    fn store(&self) -> Self::Store;

    /// Makes the fault, or returns false where this store has no such fault.
    fn make(&mut self, fault: Fault) -> bool;

    fn repair(&mut self, fault: Fault);

    /// Issues the keys of these names, by another hand than the store's.
    fn issue(&mut self, keys: &[String]);

    /// Revokes a key, by another hand than the store's.
    fn revoke(&mut self, key: &str);

    /// Returns whether the store reports a fault beside its responses.
    fn is_ailing(&self) -> bool {
        false
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    Admitted,
    Wrong(WrongReason),
    Outage,
}

const REVOKED: Met = Met::Wrong(WrongReason::Revoked);
const EXPIRED: Met = Met::Wrong(WrongReason::Expired);
const UNKNOWN: Met = Met::Wrong(WrongReason::Unknown);

/// Much longer than any store's interval.
const PATIENCE: Duration = Duration::from_secs(60);

/// The text of the key of this name.
pub(crate) fn key(name: &str) -> String {
    format!("{name}-08zEk8IC0le3I0kPwSF1g4XU9R5WgbpUq2vZkZ0pkQU")
}

/// When the key `passing` expires.
pub(crate) const PASSING: &str = "2199-01-01T00:00:00Z";

/// Asks a store as a service does, whose clock can be moved.
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

    async fn ask(&self, name: &str) -> Met {
        match self.auth.authenticate_key(key(name).as_bytes()).await {
            Ok(_) => Met::Admitted,
            Err(AuthError::WrongCredentials { reason, .. }) => Met::Wrong(reason),
            Err(AuthError::Unavailable(_)) => Met::Outage,
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits until a key meets this. Until then, it may be an outage or meet `before`.
    async fn comes_to(&self, name: &str, after: Met, before: Met, fault: Fault) {
        let since = Instant::now();
        loop {
            let met = self.ask(name).await;
            if met == after {
                return;
            }
            let may_be = met == before || met == Met::Outage;
            assert!(may_be && since.elapsed() < PATIENCE, "{fault:?}: {name} meets {met:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Goes through the list with one store, which is never opened again.
pub(crate) async fn recovers_from_every_fault<T: Fixture>(mut fixture: T) {
    let names = FAULTS.map(|fault| format!("{fault:?}"));
    let all = ["lasting", "passing", "dead"].map(str::to_owned);
    fixture.issue(&all.into_iter().chain(names).collect::<Vec<_>>());
    fixture.revoke("dead");
    let service = Service::new(fixture.store());
    service.comes_to("lasting", Met::Admitted, UNKNOWN, Fault::Clock).await;
    service.comes_to("dead", REVOKED, Met::Admitted, Fault::Clock).await;
    let mut made = Vec::new();
    for fault in FAULTS {
        if fault == Fault::Clock {
            service.ahead.store(200 * 366 * 86_400, Ordering::Relaxed);
            service.comes_to("passing", EXPIRED, Met::Outage, fault).await;
            service.ahead.store(0, Ordering::Relaxed);
        } else if fixture.make(fault) {
            lasts(&fixture, &service, fault).await;
            fixture.repair(fault);
        } else {
            continue;
        }
        made.push(fault);
        // Revoked after the repair, by somebody else: only a store that reads again refuses it.
        let name = format!("{fault:?}");
        fixture.revoke(&name);
        service.comes_to(&name, REVOKED, Met::Admitted, fault).await;
        service.comes_to("lasting", Met::Admitted, Met::Outage, fault).await;
        service.comes_to("passing", Met::Admitted, Met::Outage, fault).await;
        service.comes_to("nobody's", UNKNOWN, Met::Outage, fault).await;
        assert_eq!(service.ask("dead").await, REVOKED, "{fault:?}");
        let since = Instant::now();
        while fixture.is_ailing() {
            assert!(since.elapsed() < PATIENCE, "{fault:?} is still reported");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    println!("{made:?}");
}

/// A fault is noticed, and no key meets anything that is not so.
async fn lasts<T: Fixture>(fixture: &T, service: &Service<T::Store>, fault: Fault) {
    if T::MEANWHILE == Meanwhile::Outage {
        for name in ["lasting", "dead", "nobody's"] {
            assert_eq!(service.ask(name).await, Met::Outage, "{fault:?}: {name}");
        }
        return;
    }
    let since = Instant::now();
    while !fixture.is_ailing() {
        assert!(since.elapsed() < PATIENCE, "{fault:?} is not noticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for (name, kept) in [("lasting", Met::Admitted), ("dead", REVOKED), ("nobody's", UNKNOWN)] {
        let is_known = kept != UNKNOWN;
        let expected = if T::MEANWHILE == Meanwhile::Kept || is_known { kept } else { Met::Outage };
        service.comes_to(name, expected, kept, fault).await;
    }
}
