use keygate::{Authenticator, Outcome};

use crate::scene::{KEY, Log, store};

#[test]
fn all_observers_are_told_and_none_can_fail_a_request() {
    let (first, last) = (Log::default(), Log::default());
    let auth = Authenticator::new(store(false).0)
        .add_observer(first.observer())
        .add_observer(|_: &Outcome<'_>| panic!("an observer that is out of order"))
        .add_observer(last.observer());
    assert!(auth.verify_key(KEY.as_bytes()).is_ok());
    assert_eq!(first.take().len(), 1);
    assert_eq!(last.take().len(), 1);
}

#[test]
fn observer_whose_panic_panics_when_it_is_dropped_does_not_fail_the_request_either() {
    struct Twice;

    impl Drop for Twice {
        fn drop(&mut self) {
            std::panic::panic_any(Twice);
        }
    }

    let last = Log::default();
    let auth = Authenticator::new(store(false).0)
        .add_observer(|_: &Outcome<'_>| std::panic::panic_any(Twice))
        .add_observer(last.observer());
    assert!(auth.verify_key(KEY.as_bytes()).is_ok());
    assert_eq!(last.take().len(), 1);
}
