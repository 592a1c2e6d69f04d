//! Stores that lose, change or hide a part of their records.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keygate::key::KeyState;
use keygate::testing::Rule;
use keygate::{ClientProfile, KeyRecord, StoreError};

use crate::store_contract::broken::{right, rule_broken_by, rule_broken_by_change};

fn with_profile(record: &KeyRecord, profile: impl Into<ClientProfile>) -> KeyRecord {
    KeyRecord::new(record.digest(), profile)
        .with_expiry(record.expires())
        .with_state(record.state())
}

/// The profile reduced to its name.
fn bare(record: &KeyRecord) -> ClientProfile {
    ClientProfile::new(record.profile().name())
}

fn expires_at(
    change: impl Fn(SystemTime) -> Option<SystemTime> + Clone + Send + Sync + 'static,
) -> impl Fn(KeyRecord) -> Option<KeyRecord> + Clone + Send + Sync + 'static {
    move |record| {
        let expires = record.expires().and_then(&change);
        Some(record.with_expiry(expires))
    }
}

#[tokio::test]
async fn known_key_that_is_not_found_is_caught() {
    let rule = rule_broken_by_change(|record| {
        Some(record).filter(|record| record.digest().to_bytes() != [0; 32])
    });
    assert_eq!(rule.await, Rule::Found);
}

#[tokio::test]
async fn known_key_that_is_an_error_is_caught() {
    let rule = rule_broken_by(|records, digest| match right(records, digest) {
        Some(record) if record.profile().quota().is_some() => Err(StoreError::new("no column")),
        record => Ok(record),
    });
    assert_eq!(rule.await, Rule::Found);
}

#[tokio::test]
async fn record_of_another_key_is_caught() {
    let rule = rule_broken_by(|records, digest| {
        Ok(right(records, digest).map(|_| records[records.len() - 1].clone()))
    });
    assert_eq!(rule.await, Rule::SameDigest);
}

#[tokio::test]
async fn name_that_is_cut_is_caught() {
    let rule = rule_broken_by_change(|record| {
        let name: String = record.profile().name().chars().take(127).collect();
        Some(if name == record.profile().name() { record } else { with_profile(&record, name) })
    });
    assert_eq!(rule.await, Rule::Name);
}

#[tokio::test]
async fn client_with_one_key_only_is_caught() {
    let rule = rule_broken_by(|records, digest| {
        let record = right(records, digest);
        Ok(record.filter(|record| {
            let name = record.profile().name();
            let mut same = records.iter().filter(|other| other.profile().name() == name);
            same.next_back().is_some_and(|last| last.digest() == digest)
        }))
    });
    assert_eq!(rule.await, Rule::SharedClient);
}

#[tokio::test]
async fn name_made_different_for_each_key_is_caught() {
    let rule = rule_broken_by(|records, digest| {
        let Some(record) = right(records, digest) else { return Ok(None) };
        let name = record.profile().name();
        let mut same = records.iter().filter(|other| other.profile().name() == name);
        let is_first = same.next().is_some_and(|first| first.digest() == digest);
        Ok(Some(if is_first {
            record.clone()
        } else {
            with_profile(&record, format!("{name} (2)"))
        }))
    });
    assert_eq!(rule.await, Rule::SharedClient);
}

#[tokio::test]
async fn lost_scopes_are_caught() {
    let rule = rule_broken_by_change(|record| {
        let profile = record.profile().clone().with_scopes([]);
        Some(with_profile(&record, profile))
    });
    assert_eq!(rule.await, Rule::Scopes);
}

#[tokio::test]
async fn lost_quota_is_caught() {
    let rule = rule_broken_by_change(|record| {
        let profile = bare(&record).with_scopes(record.profile().scopes().to_vec());
        Some(with_profile(&record, profile))
    });
    assert_eq!(rule.await, Rule::Quota);
}

#[tokio::test]
async fn unlimited_quota_where_none_was_set_is_caught() {
    let rule = rule_broken_by_change(|record| {
        let profile = match record.profile().quota() {
            None => record.profile().clone().with_quota("unlimited".parse().unwrap()),
            Some(_) => record.profile().clone(),
        };
        Some(with_profile(&record, profile))
    });
    assert_eq!(rule.await, Rule::Quota);
}

#[tokio::test]
async fn burst_that_is_lost_is_caught() {
    let rule = rule_broken_by_change(|record| {
        let profile = record.profile().clone();
        let Some(quota) = profile.quota().filter(|quota| !quota.is_unlimited()) else {
            return Some(record);
        };
        let rates = quota.rates().iter().map(|rate| rate.with_burst(rate.count()).unwrap());
        let quota = keygate::Quota::all_of(rates).unwrap();
        Some(with_profile(&record, profile.with_quota(quota)))
    });
    assert_eq!(rule.await, Rule::Quota);
}

#[tokio::test]
async fn lost_metadata_is_caught() {
    let rule = rule_broken_by_change(|record| {
        let profile = record.profile().clone().with_metadata([("team", "billing")]);
        let is_bare = record.profile().metadata().is_empty();
        Some(if is_bare { record } else { with_profile(&record, profile) })
    });
    assert_eq!(rule.await, Rule::Metadata);
}

#[tokio::test]
async fn lost_expiry_is_caught() {
    assert_eq!(rule_broken_by_change(expires_at(|_| None)).await, Rule::Expiry);
}

#[tokio::test]
async fn expiry_in_whole_milliseconds_is_caught() {
    let cut = expires_at(|expires| {
        let since = expires.duration_since(UNIX_EPOCH).ok()?;
        Some(expires - Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000)))
    });
    assert_eq!(rule_broken_by_change(cut).await, Rule::Expiry);
}

#[tokio::test]
async fn expiry_at_zero_taken_for_none_is_caught() {
    let lost = expires_at(|expires| Some(expires).filter(|expires| *expires != UNIX_EPOCH));
    assert_eq!(rule_broken_by_change(lost).await, Rule::Expiry);
}

#[tokio::test]
async fn expiry_in_seconds_that_overflow_is_caught() {
    let wrapped = expires_at(|expires| {
        let since = expires.duration_since(UNIX_EPOCH).ok()?;
        let seconds = Duration::from_secs(since.as_secs() & u64::from(u32::MAX));
        Some(UNIX_EPOCH + seconds + Duration::from_nanos(since.subsec_nanos().into()))
    });
    assert_eq!(rule_broken_by_change(wrapped).await, Rule::Expiry);
}

#[tokio::test]
async fn disabled_key_made_active_is_caught() {
    let rule = rule_broken_by_change(|record| {
        let is_disabled = record.state() == KeyState::Disabled;
        Some(if is_disabled { record.with_state(KeyState::Active) } else { record })
    });
    assert_eq!(rule.await, Rule::State);
}

#[tokio::test]
async fn keys_that_are_hidden_are_caught() {
    let hides = [
        (|record| record.state() == KeyState::Revoked) as fn(&KeyRecord) -> bool,
        |record| record.state() == KeyState::Disabled,
        |record| record.expires().is_some_and(|expires| expires <= SystemTime::now()),
    ];
    for hidden in hides {
        let rule = rule_broken_by_change(move |record| Some(record).filter(|it| !hidden(it)));
        assert_eq!(rule.await, Rule::NotHidden);
    }
}
