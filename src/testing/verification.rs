use std::time::UNIX_EPOCH;

use super::case::{Case, INSTANT, LONG};
use super::sample::{Sample, now};
use crate::error::WrongReason;
use crate::store::KeyStore;

/// Returns the samples with a key that may be used from everywhere, and its text.
fn with_keys(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &str)> {
    all_with_keys(samples).filter(|(sample, _)| !has_networks(sample))
}

fn all_with_keys(samples: &[Sample]) -> impl Iterator<Item = (&Sample, &str)> {
    samples.iter().filter_map(|sample| Some((sample, sample.key.as_deref()?)))
}

fn has_networks(Sample { record, .. }: &Sample) -> bool {
    !record.networks().is_empty() || !record.profile().networks().is_empty()
}

/// All samples with networks may be used from the first address, and none from the others.
pub(super) async fn key_is_refused_from_other_networks(
    case: &Case<impl KeyStore>,
    samples: &[Sample],
) {
    case.clock.set(now());
    for (sample, key) in all_with_keys(samples).filter(|(sample, _)| has_networks(sample)) {
        let what = &sample.what;
        for (address, is_inside) in
            [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("11.1.2.3", false), ("::2", false)]
        {
            let scopes = is_inside.then_some(sample.record.profile().scopes());
            case.has_scopes_from(address, what, key, scopes).await;
        }
        case.needs_an_address(what, key).await;
    }
}

pub(super) async fn valid_key_is_admitted(case: &Case<impl KeyStore>, samples: &[Sample]) {
    for (sample, key) in with_keys(samples).filter(|(sample, _)| sample.refusal().is_none()) {
        let later = if sample.record.expires().is_some() { now() } else { now() + LONG };
        for time in [now(), later] {
            case.clock.set(time);
            case.admits(&sample.what, key, sample.record.profile().name()).await;
        }
    }
}

pub(super) async fn key_is_refused_before_its_beginning(
    case: &Case<impl KeyStore>,
    samples: &[Sample],
) {
    for (sample, key) in with_keys(samples) {
        let Some(begins) = sample.record.lifetime().not_before() else { continue };
        for time in [UNIX_EPOCH, begins - INSTANT] {
            case.clock.set(time);
            case.refuses(&sample.what, key, WrongReason::NotYetValid).await;
        }
        case.clock.set(begins);
        case.admits(&sample.what, key, sample.record.profile().name()).await;
    }
}

pub(super) async fn key_is_refused_from_its_expiry(case: &Case<impl KeyStore>, samples: &[Sample]) {
    for (sample, key) in with_keys(samples).filter(|(sample, _)| sample.refusal().is_none()) {
        let Some(expires) = sample.record.expires() else { continue };
        case.clock.set(expires - INSTANT);
        case.admits(&sample.what, key, sample.record.profile().name()).await;
        for time in [expires, expires + LONG] {
            case.clock.set(time);
            case.refuses(&sample.what, key, WrongReason::Expired).await;
        }
    }
}

pub(super) async fn refusal_has_its_reason(case: &Case<impl KeyStore>, samples: &[Sample]) {
    for (sample, key) in with_keys(samples) {
        let Some(reason) = sample.refusal() else { continue };
        let later = if reason == WrongReason::NotYetValid { now() } else { now() + LONG };
        for time in [now(), later] {
            case.clock.set(time);
            case.refuses(&sample.what, key, reason).await;
        }
    }
    case.refuses("if it is unknown", "an unknown key that is presented", WrongReason::Unknown)
        .await;
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;
    use crate::error::StoreError;
    use crate::key::{KeyDigest, KeyState};
    use crate::store::{KeyRecord, LookupResult, store_fn};
    use crate::testing::{FakeClock, sample};

    type Find = fn(Option<KeyRecord>) -> LookupResult;

    /// Returns the start of the message with which the rules panic.
    fn failure(find: Find) -> String {
        let samples = sample::records();
        let records: Vec<_> = samples.iter().map(|sample| sample.record.clone()).collect();
        let store = Arc::new(store_fn(move |digest: KeyDigest| {
            let record = records.iter().find(|record| record.digest() == digest).cloned();
            async move { find(record) }
        }));
        let case = |rule| Case::new(rule, Arc::clone(&store), FakeClock::at(now()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let run = || {
            runtime.block_on(async {
                valid_key_is_admitted(&case("valid"), &samples).await;
                key_is_refused_before_its_beginning(&case("beginning"), &samples).await;
                key_is_refused_from_its_expiry(&case("expiring"), &samples).await;
                key_is_refused_from_other_networks(&case("elsewhere"), &samples).await;
                refusal_has_its_reason(&case("wrong"), &samples).await;
            });
        };
        let message = |panic: Box<dyn std::any::Any>| *panic.downcast::<String>().unwrap();
        catch_unwind(AssertUnwindSafe(run))
            .map_or_else(|panic| message(panic), |()| "passes".to_owned())
    }

    fn moved(record: Option<KeyRecord>, by: fn(SystemTime) -> SystemTime) -> Option<KeyRecord> {
        record.map(|record| {
            let expires = record.expires().map(by);
            record.with_expiry(expires)
        })
    }

    fn begins(record: KeyRecord, by: fn(SystemTime) -> SystemTime) -> KeyRecord {
        let lifetime = record.lifetime();
        record.with_lifetime(lifetime.with_not_before(lifetime.not_before().map(by)))
    }

    #[test]
    fn faulty_store_fails_with_the_name_of_the_rule() {
        let faults: [(&str, Find); 14] = [
            ("passes", Ok),
            ("valid: ", |_| Ok(None)),
            ("valid: ", |_| Err(StoreError::new("out of order"))),
            ("valid: ", |record| Ok(record.map(|it| KeyRecord::new(it.digest(), "anybody")))),
            (
                "beginning: ",
                |record| Ok(record.map(|record| begins(record, |time| time - INSTANT))),
            ),
            (
                "beginning: ",
                |record| Ok(record.map(|record| begins(record, |time| time + INSTANT))),
            ),
            ("expiring: ", |record| Ok(moved(record, |expires| expires + INSTANT))),
            ("expiring: ", |record| Ok(moved(record, |expires| expires - INSTANT))),
            ("expiring: ", |record| Ok(record.map(|record| record.with_expiry(None)))),
            ("elsewhere: ", |record| Ok(record.map(|record| record.with_networks([])))),
            ("elsewhere: ", |record| {
                let everywhere = |record: &KeyRecord| record.profile().clone().with_networks([]);
                Ok(record.map(|it| match it.networks() {
                    [] => KeyRecord::new(it.digest(), everywhere(&it))
                        .with_lifetime(it.lifetime())
                        .with_state(it.state()),
                    _ => it,
                }))
            }),
            ("wrong: ", |record| Ok(record.filter(|it| it.state() != KeyState::Revoked))),
            ("wrong: ", |record| {
                Ok(record.map(|record| match record.state() {
                    KeyState::Disabled => record.with_state(KeyState::Revoked),
                    _ => record,
                }))
            }),
            ("wrong: if it is unknown", |record| {
                record.map(Some).ok_or_else(|| StoreError::new("no rows"))
            }),
        ];
        for (expected, find) in faults {
            let message = failure(find);
            assert!(message.starts_with(expected), "{expected} expected: {message}");
        }
    }
}
