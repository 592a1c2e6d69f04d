//! Checks the changes that a killed process has left.

use std::collections::BTreeMap;

use keygate::key::KeyState;
use keygate::manage::KeyInfo;

/// The keys of a store, by their ids.
pub(crate) type Keys = BTreeMap<String, KeyInfo>;

/// Checks that every reported change is there, and returns the number of changes.
///
/// # Panics
///
/// If a change is lost or incomplete, or a key of another process has changed.
pub(crate) fn check(before: &Keys, after: &Keys, reported: &[String]) -> usize {
    for line in reported {
        let words = line.split(' ').collect::<Vec<_>>();
        let key = |place: usize| after.get(words[place]).unwrap_or_else(|| panic!("lost: {line}"));
        match words[0] {
            "issued" => _ = key(1),
            "revoked" => assert_eq!(key(1).state, KeyState::Revoked, "{line}"),
            "rotated" => assert_eq!(key(1).replaced_by, Some(key(2).key_id), "{line}"),
            other => panic!("{other}?"),
        }
    }
    for (id, key) in before {
        // Each process changes only its own keys.
        assert_eq!(after.get(id), Some(key), "a key of another process has changed");
    }
    for key in after.values() {
        // A rotation is one change of two keys.
        if let Some(successor) = key.replaced_by {
            assert!(after.contains_key(&successor.to_string()));
        }
    }
    // A rotation and an issue each make one key; a revocation changes one.
    let new = after.iter().filter(|(id, _)| !before.contains_key(*id)).map(|(_, key)| key);
    new.map(|key| 1 + usize::from(key.state == KeyState::Revoked)).sum()
}
