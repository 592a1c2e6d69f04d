use keygate::{Authenticator, Outcome};

use crate::observing::fixture::{KEY, Log, store};

#[test]
fn panic_of_an_observer_harms_neither_request_nor_others() {
    let (first, last) = (Log::default(), Log::default());
    let auth = Authenticator::new(store(false).0)
        .add_observer(first.observer())
        .add_observer(|_: &Outcome<'_>| panic!("an observer that is out of order"))
        .add_observer(last.observer());
    assert!(auth.verify_key(KEY.as_bytes()).is_ok());
    assert_eq!(first.take().len(), 1);
    assert_eq!(last.take().len(), 1);
}
