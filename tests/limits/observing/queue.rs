use std::sync::Mutex;
use std::sync::mpsc::{channel, sync_channel};
use std::time::Duration;

use keygate::observe::QueuedObserver;
use keygate::{Authenticator, Outcome};

use crate::observing::fixture::{KEY, Log, store};

/// Far longer than a working observer takes.
const LONG: Duration = Duration::from_secs(60);

#[test]
fn slow_queued_observer_delays_no_request() {
    let (go_on, wait) = sync_channel(0);
    let wait = Mutex::new(wait);
    // Closed when the thread of the observer has ended.
    let (alive, ended) = channel::<()>();
    let log = Log::default();
    let observe = log.observer();
    let slow = move |outcome: &Outcome<'_>| {
        let _ = &alive;
        wait.lock().unwrap().recv().unwrap();
        observe(outcome);
    };
    let queued = QueuedObserver::new(slow, 2).unwrap();
    let auth = Authenticator::new(store(false).0).add_observer(queued.clone());
    // If any of these waited for the observer, it would wait forever.
    for key in [KEY, "expired", "nobody's", KEY, KEY, KEY] {
        let _ = auth.verify_key(key.as_bytes());
    }
    let lost = queued.dropped();
    assert!((3..=4).contains(&lost), "one is with the observer, perhaps, and two wait: {lost}");
    // It continues after the last handle is dropped, until every outcome is reported.
    drop((auth, queued));
    for _ in lost..6 {
        go_on.send(()).unwrap();
    }
    assert!(ended.recv_timeout(LONG).is_err());
    let reported = log.take();
    assert_eq!(reported.len() as u64, 6 - lost);
    assert_eq!(reported[0], ("admitted", Some("Right".to_owned()), true));
    assert_eq!(reported[1], ("expired", Some("Expired".to_owned()), true));
}

#[test]
fn queued_observer_continues_after_a_panic() {
    let (sender, reported) = channel();
    let panics = move |outcome: &Outcome<'_>| {
        sender.send(outcome.name()).unwrap();
        panic!("an observer that is out of order");
    };
    let queued = QueuedObserver::new(panics, 10).unwrap();
    let auth = Authenticator::new(store(false).0).add_observer(queued.clone());
    for _ in 0..3 {
        assert!(auth.verify_key(KEY.as_bytes()).is_ok());
    }
    for _ in 0..3 {
        assert_eq!(reported.recv_timeout(LONG), Ok("admitted"));
    }
    assert_eq!(queued.dropped(), 0);
}
