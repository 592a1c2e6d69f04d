//! The beginning of a new key.

use std::time::{Duration, UNIX_EPOCH};

use keygate::key::TimeError;
use keygate::manage::{KeyError, ManageError};
use keygate::{ApiKey, MemoryStore, NewKey};

#[test]
fn beginning_is_kept_between_1970_and_9999() {
    let store = MemoryStore::new();
    store.add_client("App 1").unwrap();
    let new = || NewKey::from(&ApiKey::generate("acme").unwrap());
    let early = UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(new().with_not_before(early).not_before(), Some(early));
    let issued = store.issue("App 1", new().with_not_before(early)).unwrap();
    assert_eq!(issued.not_before(), Some(UNIX_EPOCH));

    let late = UNIX_EPOCH + Duration::from_secs(253_402_300_800); // The first second of the year 10000.
    let refused = store.issue("App 1", new().with_not_before(late)).unwrap_err();
    let expected = KeyError::NotBefore(TimeError::AfterEnd);
    assert!(matches!(&refused, ManageError::Key(error) if *error == expected), "{refused}");
    assert_eq!(store.list_keys(None).unwrap(), [issued]);
}
