//! The thread that stops serving keys that are too old.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use super::shared::{Shared, Status};

/// The interval between two updates of the status.
const TICK: Duration = Duration::from_millis(50);

/// Starts the watchdog. It has a thread of its own, so that a follower blocked by a disk or a DNS lookup
/// cannot make stale keys look fresh. It ends after the follower.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let run = move || {
        while shared.status() != Status::Ended {
            thread::sleep(TICK);
            shared.update_status();
        }
    };
    thread::Builder::new().name("keygate-watchdog".to_owned()).spawn(run).map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::key::KeyDigest;
    use crate::store::LocalKeyStore as _;

    const STALENESS: Duration = Duration::from_millis(100);

    fn contacted_once() -> Arc<Shared> {
        let shared = Arc::new(Shared::new(STALENESS));
        shared.record_contact(Instant::now());
        shared
    }

    #[test]
    fn keys_become_stale_without_a_follower() {
        let shared = contacted_once();
        start(&shared).unwrap();
        assert!(shared.find(&KeyDigest::of(b"unknown")).is_ok());
        let since = Instant::now();
        while shared.status() != Status::Stale {
            assert!(since.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(1));
        }
        assert!(shared.find(&KeyDigest::of(b"unknown")).is_err());
        shared.end();
    }

    #[test]
    fn readiness_does_not_wait_for_the_watchdog() {
        let shared = contacted_once();
        assert!(shared.is_ready());
        thread::sleep(2 * STALENESS);
        assert_eq!(shared.status(), Status::Fresh);
        assert!(!shared.is_ready() && !shared.health().is_ready);
    }

    #[test]
    fn ended_replica_stays_ended() {
        let shared = contacted_once();
        shared.end();
        shared.record_contact(Instant::now());
        assert!(shared.status() == Status::Ended && !shared.is_ready());
    }

    #[test]
    fn ended_replica_reports_since_when_and_why() {
        let shared = contacted_once();
        assert!(shared.health().failing_since.is_none());
        shared.end();
        let health = shared.health();
        assert!(health.failing_since.is_some() && health.error.is_some(), "{health:?}");
    }
}
