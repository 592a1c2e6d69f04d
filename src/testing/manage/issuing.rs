use std::time::Duration;

use super::fixture::{Fixture, Key, Outcome, expect, is_same_second};
use crate::client::label::MAX_NAME_CHARS;
use crate::error::WrongReason;
use crate::manage::{KeyError, KeyInfo, ManageError, ManageKeys, NewKey};
use crate::store::KeyStore;
use crate::testing::check::is_same_microsecond;
use crate::testing::rule::{Rule, Violation};
use crate::testing::verification::{INSTANT, LONG};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn admits<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let keys = ["first", "second", "third"].map(Key::of);
    for (key, client) in keys.iter().zip(["App 1", "App 1", "App 2"]) {
        fixture.refuses(Rule::Unknown, "before it is issued", key, WrongReason::Unknown).await?;
        fixture.issue(client, key.to_new()).await?;
        fixture.admits(Rule::Issued, "as soon as it is issued", key, client).await?;
    }
    for (key, client) in keys.iter().zip(["App 1", "App 1", "App 2"]) {
        fixture.admits(Rule::Issued, "when others were issued", key, client).await?;
    }

    let expiring = Key::of("expiring");
    let expires = fixture.now() + DAY;
    fixture.issue("App 1", expiring.to_new().with_expiry(expires)).await?;
    fixture.admits(Rule::Issued, "when it was issued", &expiring, "App 1").await?;
    fixture.clock.set(expires - INSTANT);
    fixture.admits(Rule::ExpiresOnTime, "just before its expiry", &expiring, "App 1").await?;
    fixture.clock.set(expires);
    fixture.refuses(Rule::ExpiresOnTime, "at its expiry", &expiring, WrongReason::Expired).await?;
    fixture.clock.advance(LONG);
    fixture.admits(Rule::Issued, "after many years", &keys[0], "App 1").await
}

pub(super) async fn keeps_all_fields<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    fixture.add("App 1").await?;
    let longest = "é".repeat(MAX_NAME_CHARS);
    // These times have fractions of a microsecond, as the clock has.
    let (day, year_2112) = (fixture.now() + DAY, fixture.now() + 84 * 365 * DAY);
    let cases = [
        (None, None),
        (Some("production"), Some(day)),
        (Some("O'Hara \"&\" \\ Søn: {#}; --"), Some(year_2112)),
        (Some("production"), None),
        (Some("null"), None),
        (Some("8"), None),
        (Some(&*longest), None),
    ];
    for (index, (label, expires)) in cases.into_iter().enumerate() {
        let key = Key::of(&format!("key {index}"));
        let new = key.to_new().with_expiry(expires);
        let new = label.into_iter().fold(new, NewKey::with_label);
        let returned = fixture.issue("App 1", new).await?;
        let mut expected = KeyInfo::new(key.id, "App 1");
        expected.label = label.map(str::to_owned);
        // The returned times are checked below.
        (expected.created, expected.expires) = (returned.created, returned.expires);
        expect(
            Rule::KeyFields,
            is_same_second(returned.created, fixture.now()),
            "an issued key is returned with another creation time",
        )?;
        expect(
            Rule::Expiry,
            is_same_microsecond(expires, returned.expires),
            &format!("the expiry {expires:?} of a new key is returned as {:?}", returned.expires),
        )?;
        let listed = fixture.listed(Rule::KeyFields, &key).await?;
        if returned != expected || listed != expected {
            return Err(Violation::new(
                Rule::KeyFields,
                format!(
                    "the new key should be {expected:?}, but was returned as {returned:?} and listed as {listed:?}"
                ),
            ));
        }
        fixture.clock.advance(Duration::from_secs(1));
    }
    Ok(())
}

pub(super) async fn refuses<S: KeyStore + ManageKeys>(fixture: Fixture<S>) -> Outcome {
    for client in ["App 1", "App 2"] {
        fixture.add(client).await?;
    }
    let [there, expired, revoked] = ["there", "expired", "revoked"].map(Key::of);
    fixture.issue("App 1", there.to_new()).await?;
    fixture.issue("App 1", revoked.to_new()).await?;
    fixture.issue("App 1", expired.to_new().with_expiry(fixture.now() + DAY)).await?;
    fixture.revoke(&revoked).await?;
    fixture.clock.advance(2 * DAY);

    for client in ["App 1", "App 2"] {
        for (what, key, new) in [
            ("issuing a key again", &there, there.to_new().with_label("again")),
            ("issuing an expired key again", &expired, expired.to_new()),
            ("issuing a revoked key again", &revoked, revoked.to_new()),
            ("issuing a key with the id of another", &there, there.with_same_id()),
            ("issuing a key with the id of a revoked one", &revoked, revoked.with_same_id()),
        ] {
            let is_same = new.digest() == key.digest();
            let is_reason = |error: &ManageError| match error {
                ManageError::Key(KeyError::IdConflict { key_id }) => !is_same && *key_id == key.id,
                ManageError::Key(KeyError::Revoked { key_id }) => {
                    is_same && *key_id == key.id && key.id == revoked.id
                }
                ManageError::Key(KeyError::Duplicate { key_id }) => {
                    is_same && *key_id == key.id && key.id != revoked.id
                }
                _ => false,
            };
            let change = |store| ManageKeys::issue(store, client, new);
            fixture.refused(Rule::UniqueKey, what, change, is_reason).await?;
        }
    }

    let new = Key::of("new");
    for (what, expires) in [
        ("issuing a key that expires now", fixture.now()),
        ("issuing a key that expired just before", fixture.now() - INSTANT),
        ("issuing a key that expired long ago", fixture.now() - LONG),
        ("issuing a key that expired when 1970 began", std::time::UNIX_EPOCH),
    ] {
        let change = |store| ManageKeys::issue(store, "App 1", new.to_new().with_expiry(expires));
        let is_reason = |error: &ManageError| matches!(error, ManageError::ExpiryPassed);
        fixture.refused(Rule::ValidExpiry, what, change, is_reason).await?;
    }
    for label in
        ["", " ", " a", "a ", "a\nb", "a\0b", "a\u{200b}b", &*"n".repeat(MAX_NAME_CHARS + 1)]
    {
        let change = |store| ManageKeys::issue(store, "App 1", new.to_new().with_label(label));
        let is_reason = |error: &ManageError| matches!(error, ManageError::Label(_));
        let what = format!("issuing a key with the label {label:?}");
        fixture.refused(Rule::ValidLabel, &what, change, is_reason).await?;
    }
    let when = "after it was not issued";
    fixture.refuses(Rule::Atomic, when, &new, WrongReason::Unknown).await?;
    fixture.issue("App 1", new.to_new().with_expiry(fixture.now() + DAY)).await?;
    fixture.admits(Rule::Issued, "when at last it was issued", &new, "App 1").await
}
