use std::time::{Duration, SystemTime};

use super::rule::{Rule, Violation};
use super::sample::{Sample, now};
use crate::key::KeyState;
use crate::store::{KeyRecord, LookupResult};

/// Checks the result of looking up a sample; `None` means that the lookup timed out.
pub(super) fn check(sample: &Sample, result: Option<LookupResult>) -> Result<(), Violation> {
    match result {
        Some(Ok(Some(record))) => check_record(sample, &record),
        Some(Ok(None)) if is_refused(&sample.record) => {
            Err(broken(Rule::NotHidden, &sample.to_string(), result))
        }
        result => Err(broken(Rule::Found, &sample.to_string(), result)),
    }
}

/// Checks that an unknown digest was not found.
pub(super) fn check_none(
    result: Option<LookupResult>,
    what: &str,
    rule: Rule,
) -> Result<(), Violation> {
    match result {
        Some(Ok(None)) => Ok(()),
        result => Err(broken(rule, what, result)),
    }
}

fn broken(rule: Rule, what: &str, result: Option<LookupResult>) -> Violation {
    let seen = match &result {
        Some(Ok(Some(_))) => "was found",
        Some(Ok(None)) => "was `Ok(None)`",
        Some(Err(_)) => "was an error",
        None => "timed out",
    };
    let violation = Violation::new(rule, format!("{what} {seen}"));
    match result {
        Some(Err(error)) => violation.caused_by(error),
        _ => violation,
    }
}

fn check_record(sample: &Sample, record: &KeyRecord) -> Result<(), Violation> {
    let stored = &sample.record;
    let (seen, profile) = (record.profile(), stored.profile());
    // The message has the stored fields, and only the expiry of the returned ones: others may contain a key.
    let (rule, expected) = if record.digest() != stored.digest() {
        (Rule::SameDigest, "its own digest".to_owned())
    } else if seen.name() != profile.name() {
        (Rule::Name, format!("the name {:?}", profile.name()))
    } else if sorted_scopes(record) != sorted_scopes(stored) {
        (Rule::Scopes, format!("the scopes {:?}", profile.scopes()))
    } else if seen.quota() != profile.quota() {
        (Rule::Quota, format!("the quota {:?}", profile.quota()))
    } else if seen.metadata() != profile.metadata() {
        (Rule::Metadata, format!("metadata of {} entries", profile.metadata().len()))
    } else if record.state() != stored.state() {
        (Rule::State, format!("the state {:?}", stored.state()))
    } else if !is_kept(stored, record.expires()) {
        (Rule::Expiry, format!("the expiry {:?}, not {:?}", stored.expires(), record.expires()))
    } else {
        return Ok(());
    };
    Err(Violation::new(rule, format!("the record of {sample} should have {expected}")))
}

fn sorted_scopes(record: &KeyRecord) -> Vec<&str> {
    let mut scopes: Vec<_> = record.profile().scopes().iter().map(crate::Scope::as_str).collect();
    scopes.sort_unstable();
    scopes
}

/// Returns whether verification refuses the key although it is known.
fn is_refused(record: &KeyRecord) -> bool {
    record.state() != KeyState::Active || record.expires().is_some_and(|expires| expires <= now())
}

/// Returns whether an expiry follows [`Rule::Expiry`].
fn is_kept(stored: &KeyRecord, seen: Option<SystemTime>) -> bool {
    match (stored.expires(), seen) {
        _ if stored.state() == KeyState::Revoked => true,
        (stored, seen) => stored == seen,
    }
}

/// Returns whether a time equals another one, which may be cut to the microsecond.
pub(super) fn is_same_microsecond(stored: Option<SystemTime>, seen: Option<SystemTime>) -> bool {
    match (stored, seen) {
        (Some(stored), Some(seen)) => {
            stored.duration_since(seen).is_ok_and(|cut| cut < Duration::from_micros(1))
        }
        (stored, seen) => stored == seen,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::key::KeyDigest;

    #[test]
    fn expiry_is_cut_to_microseconds_and_never_rounded_up() {
        let record = KeyRecord::new(KeyDigest::of(b"key"), "User 1");
        assert!(is_kept(&record, None));
        assert!(!is_kept(&record, Some(UNIX_EPOCH)));

        let stored = UNIX_EPOCH + Duration::from_nanos(2_000_000_000_123_456_789);
        let nanos = Duration::from_nanos;
        for (seen, is_same) in [
            (Some(stored), true),
            (Some(stored - nanos(789)), true),
            (Some(stored - nanos(1_000)), false),
            (Some(stored + nanos(211)), false),
            (None, false),
        ] {
            assert_eq!(is_same_microsecond(Some(stored), seen), is_same, "{seen:?}");
        }
        let record = record.with_expiry(stored);
        assert!(is_kept(&record, Some(stored - nanos(789))));
        assert!(!is_kept(&record, Some(stored - nanos(1_789))));
        assert!(!is_kept(&record, None));
        assert!(is_kept(&record.with_state(KeyState::Revoked), None));
    }
}
