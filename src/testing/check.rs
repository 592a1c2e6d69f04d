use std::time::{Duration, SystemTime};

use super::rule::{Rule, Violation};
use super::sample::{Sample, now};
use crate::key::KeyState;
use crate::store::{KeyRecord, LookupResult};

/// Checks the result of looking up a sample; `None` means that the lookup timed out.
pub(super) fn check(sample: &Sample, answer: Option<LookupResult>) -> Result<(), Violation> {
    match answer {
        Some(Ok(Some(record))) => check_record(sample, &record),
        Some(Ok(None)) if is_refused(&sample.record) => {
            Err(broken(Rule::NotHidden, &sample.to_string(), answer))
        }
        answer => Err(broken(Rule::Found, &sample.to_string(), answer)),
    }
}

/// Whether this is the answer to the question for something that is not in the store.
pub(super) fn check_none(
    answer: Option<LookupResult>,
    what: &str,
    rule: Rule,
) -> Result<(), Violation> {
    match answer {
        Some(Ok(None)) => Ok(()),
        answer => Err(broken(rule, what, answer)),
    }
}

fn broken(rule: Rule, what: &str, answer: Option<LookupResult>) -> Violation {
    let seen = match &answer {
        Some(Ok(Some(_))) => "was answered with a record",
        Some(Ok(None)) => "was answered `Ok(None)`",
        Some(Err(_)) => "was answered with an error",
        None => "was not answered in time",
    };
    let violation = Violation::new(rule, format!("{what} {seen}"));
    match answer {
        Some(Err(error)) => violation.caused_by(error),
        _ => violation,
    }
}

fn check_record(sample: &Sample, record: &KeyRecord) -> Result<(), Violation> {
    let filed = &sample.record;
    let (seen, profile) = (record.profile(), filed.profile());
    // What was filed is told; of what came back only the expiry, since the rest may hold a key.
    let (rule, expected) = if record.digest() != filed.digest() {
        (Rule::OwnRecord, "its own digest".to_owned())
    } else if seen.name() != profile.name() {
        (Rule::Name, format!("the name {:?}", profile.name()))
    } else if sorted_scopes(record) != sorted_scopes(filed) {
        (Rule::Scopes, format!("the scopes {:?}", profile.scopes()))
    } else if seen.quota() != profile.quota() {
        (Rule::Quota, format!("the quota {:?}", profile.quota()))
    } else if seen.metadata() != profile.metadata() {
        (Rule::Metadata, format!("metadata of {} entries", profile.metadata().len()))
    } else if record.state() != filed.state() {
        (Rule::State, format!("the state {:?}", filed.state()))
    } else if !is_kept(filed, record.expires()) {
        (Rule::Expiry, format!("the expiry {:?}, not {:?}", filed.expires(), record.expires()))
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

/// Whether verification refuses this key, known as it is.
fn is_refused(record: &KeyRecord) -> bool {
    record.state() != KeyState::Active || record.expires().is_some_and(|expires| expires <= now())
}

/// The precision that [`Rule::Expiry`] asks for.
fn is_kept(filed: &KeyRecord, seen: Option<SystemTime>) -> bool {
    match (filed.expires(), seen) {
        _ if filed.state() == KeyState::Revoked => true,
        (filed, seen) => filed == seen,
    }
}

/// Whether a time is this one, or this one cut to the microsecond.
pub(super) fn is_same_microsecond(filed: Option<SystemTime>, seen: Option<SystemTime>) -> bool {
    match (filed, seen) {
        (Some(filed), Some(seen)) => {
            filed.duration_since(seen).is_ok_and(|cut| cut < Duration::from_micros(1))
        }
        (filed, seen) => filed == seen,
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

        let filed = UNIX_EPOCH + Duration::from_nanos(2_000_000_000_123_456_789);
        let nanos = Duration::from_nanos;
        for (seen, is_same) in [
            (Some(filed), true),
            (Some(filed - nanos(789)), true),
            (Some(filed - nanos(1_000)), false),
            (Some(filed + nanos(211)), false),
            (None, false),
        ] {
            assert_eq!(is_same_microsecond(Some(filed), seen), is_same, "{seen:?}");
        }
        let record = record.with_expiry(filed);
        assert!(is_kept(&record, Some(filed - nanos(789))));
        assert!(!is_kept(&record, Some(filed - nanos(1_789))));
        assert!(!is_kept(&record, None));
        assert!(is_kept(&record.with_state(KeyState::Revoked), None));
    }
}
