use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::clock::FakeClock;
use super::rule::{Rule, Violation};
use super::sample::{Sample, now};
use super::subject::{Subject, with_timeout};
use crate::authenticate::Authenticator;
use crate::client::Client;
use crate::error::{AuthError, WrongReason};
use crate::key::{KeyId, KeyState};
use crate::store::{KeyRecord, KeyStore};

/// A step of time that the clocks of all platforms can represent.
pub(super) const INSTANT: Duration = Duration::from_micros(1);

/// A key that is in no store.
pub(super) const UNKNOWN_KEY: &[u8] = b"an unknown key that is presented";

/// About 32 years.
pub(super) const LONG: Duration = Duration::from_secs(1_000_000_000);

/// Checks through an authenticator.
impl<S: KeyStore> Subject<'_, S> {
    pub(super) async fn check_authentication(&self) -> Result<(), Violation> {
        let clock = FakeClock::at(now());
        let auth = Authenticator::new(Arc::clone(&self.store))
            .with_clock(clock.reader())
            .with_deadline(self.timeout);
        for sample in self.samples {
            let Some(key) = &sample.key else { continue };
            for time in instants(&sample.record) {
                clock.set(time);
                let result =
                    with_timeout(auth.authenticate_key(key.as_bytes()), self.timeout).await;
                check(sample, time, result)?;
            }
        }
        let unknown = auth.authenticate_key(UNKNOWN_KEY);
        let result = with_timeout(unknown, self.timeout).await;
        match refusal(result.as_ref()) {
            Some((WrongReason::Unknown, None)) => Ok(()),
            _ => Err(broken(Rule::Reason, "an unknown key", result)),
        }
    }
}

/// Returns the times at which a key is presented.
fn instants(record: &KeyRecord) -> Vec<SystemTime> {
    match record.expires().filter(|expires| *expires > now()) {
        Some(expires) => vec![now(), expires - INSTANT, expires, expires + LONG],
        None => vec![now(), now() + LONG],
    }
}

fn check(
    sample: &Sample,
    time: SystemTime,
    result: Option<Result<Client, AuthError>>,
) -> Result<(), Violation> {
    let (record, key_id) = (&sample.record, sample.record.key_id());
    let has_expired = record.expires().is_some_and(|expires| time >= expires);
    let reason = match record.state() {
        KeyState::Revoked => Some(WrongReason::Revoked),
        KeyState::Disabled => Some(WrongReason::Disabled),
        KeyState::Active => has_expired.then_some(WrongReason::Expired),
    };
    let is_right = match (reason, &result) {
        (None, Some(Ok(client))) => {
            client.key_id() == key_id && client.name() == record.profile().name()
        }
        (Some(reason), result) => refusal(result.as_ref()) == Some((reason, Some(key_id))),
        (None, _) => false,
    };
    let expires_in_view = record.state() == KeyState::Active && record.expires() > Some(now());
    let rule = match reason {
        _ if is_right => return Ok(()),
        _ if expires_in_view => Rule::ExpiresOnTime,
        None => Rule::Admitted,
        Some(_) => Rule::Reason,
    };
    Err(broken(rule, &format!("at {time:?} {sample}"), result))
}

pub(super) fn refusal(
    result: Option<&Result<Client, AuthError>>,
) -> Option<(WrongReason, Option<KeyId>)> {
    match result? {
        Err(error) => Some((error.reason()?, error.key_id())),
        Ok(_) => None,
    }
}

pub(super) fn broken(
    rule: Rule,
    what: &str,
    result: Option<Result<Client, AuthError>>,
) -> Violation {
    match result {
        None => Violation::new(rule, format!("{what} timed out")),
        Some(Ok(client)) => {
            let key_id = client.key_id();
            Violation::new(rule, format!("{what} was admitted, as a client that used {key_id}"))
        }
        Some(Err(AuthError::Unavailable(error))) => {
            Violation::new(rule, format!("{what} could not be checked")).caused_by(error)
        }
        Some(Err(error)) => {
            let reason = error.reason().map_or("absent".to_owned(), |reason| reason.to_string());
            Violation::new(rule, format!("{what} was refused as {reason}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::StoreError;
    use crate::key::KeyDigest;
    use crate::store::{KeyStore, store_fn};
    use crate::testing::sample;

    /// Returns the rule that the check through an authenticator reports.
    async fn rule_broken_by(
        find: impl Fn(Option<KeyRecord>) -> Result<Option<KeyRecord>, StoreError>
        + Copy
        + Send
        + Sync
        + 'static,
    ) -> Option<Rule> {
        let samples = sample::records();
        let records: Vec<_> = samples.iter().map(|sample| sample.record.clone()).collect();
        let store = store_fn(move |digest: KeyDigest| {
            let record = records.iter().find(|record| record.digest() == digest).cloned();
            async move { find(record) }
        });
        rule_broken_by_store(store, &samples).await
    }

    async fn rule_broken_by_store(store: impl KeyStore, samples: &[Sample]) -> Option<Rule> {
        let timeout = Duration::from_secs(10);
        let subject = Subject { store: Arc::new(store), samples, timeout };
        subject.check_authentication().await.err().map(|violation| violation.rule())
    }

    #[tokio::test]
    async fn correct_store_passes() {
        assert_eq!(rule_broken_by(Ok).await, None);
    }

    #[tokio::test]
    async fn refused_valid_key_is_detected() {
        assert_eq!(rule_broken_by(|_| Ok(None)).await, Some(Rule::Admitted));
        let failing = rule_broken_by(|_| Err(StoreError::new("out of order")));
        assert_eq!(failing.await, Some(Rule::Admitted));
        let anonymous = rule_broken_by(|record| {
            Ok(record.map(|record| KeyRecord::new(record.digest(), "anybody")))
        });
        assert_eq!(anonymous.await, Some(Rule::Admitted));
    }

    #[tokio::test]
    async fn expiry_off_by_one_microsecond_is_detected() {
        let moved = |by: fn(SystemTime) -> SystemTime| {
            rule_broken_by(move |record| {
                Ok(record.map(|record| {
                    let expires = record.expires().map(by);
                    record.with_expiry(expires)
                }))
            })
        };
        assert_eq!(moved(|expires| expires + INSTANT).await, Some(Rule::ExpiresOnTime));
        assert_eq!(moved(|expires| expires - INSTANT).await, Some(Rule::ExpiresOnTime));
        let lost = rule_broken_by(|record| Ok(record.map(|record| record.with_expiry(None))));
        assert_eq!(lost.await, Some(Rule::ExpiresOnTime));
    }

    #[tokio::test]
    async fn wrong_reason_is_detected() {
        let hidden =
            rule_broken_by(|record| Ok(record.filter(|it| it.state() != KeyState::Revoked)));
        assert_eq!(hidden.await, Some(Rule::Reason));
        let swapped = rule_broken_by(|record| {
            Ok(record.map(|record| match record.state() {
                KeyState::Disabled => record.with_state(KeyState::Revoked),
                _ => record,
            }))
        });
        assert_eq!(swapped.await, Some(Rule::Reason));
        let failing =
            rule_broken_by(|record| record.map(Some).ok_or_else(|| StoreError::new("no rows")));
        assert_eq!(failing.await, Some(Rule::Reason));
    }
}
