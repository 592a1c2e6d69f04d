//! The thread that says when the keys are too old.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use super::shared::{Shared, Status};

/// How often the status is looked at.
const TICK: Duration = Duration::from_millis(50);

/// Watches on a thread that does nothing else, so that nothing that holds the follower up, a disk or
/// a name that is being resolved, makes keys that are too old look good. It ends after the follower.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let watch = move || {
        while shared.status() != Status::Ended {
            thread::sleep(TICK);
            shared.judge();
        }
    };
    thread::Builder::new().name("keygate-clock".to_owned()).spawn(watch).map(drop)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::key::KeyDigest;
    use crate::store::LocalKeyStore as _;

    const STALENESS: Duration = Duration::from_millis(100);

    fn heard_of_once() -> Arc<Shared> {
        let shared = Arc::new(Shared::new(STALENESS));
        shared.in_contact(Instant::now());
        shared
    }

    #[test]
    fn keys_get_too_old_while_nobody_follows() {
        let shared = heard_of_once();
        start(&shared).unwrap();
        assert!(shared.find(&KeyDigest::of(b"nobody's")).is_ok());
        let since = Instant::now();
        while shared.status() != Status::Stale {
            assert!(since.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(1));
        }
        assert!(shared.find(&KeyDigest::of(b"nobody's")).is_err());
        shared.end();
    }

    #[test]
    fn readiness_asks_the_time_itself() {
        let shared = heard_of_once();
        assert!(shared.is_ready());
        thread::sleep(2 * STALENESS);
        assert_eq!(shared.status(), Status::Fresh);
        assert!(!shared.is_ready() && !shared.health().is_ready);
    }

    #[test]
    fn what_has_ended_stays_so() {
        let shared = heard_of_once();
        shared.end();
        shared.in_contact(Instant::now());
        assert!(shared.status() == Status::Ended && !shared.is_ready());
    }

    #[test]
    fn what_has_ended_says_since_when_and_why() {
        let shared = heard_of_once();
        assert!(shared.health().failing_since.is_none());
        shared.end();
        let health = shared.health();
        assert!(health.failing_since.is_some() && health.error.is_some(), "{health:?}");
    }
}
