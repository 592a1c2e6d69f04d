//! A failing store is never reported as a wrong key.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::{Duration, Instant};

use http::{Request, Response};
use keygate::error::StoreErrorKind;
use keygate::store::store_fn;
use keygate::{ApiKeyLayer, AuthError, Authenticator, KeyStore, LocalKeyStore as _};

use crate::common::keys::{Keys, MIXED_UP, RIGHT, UNANSWERABLE};
use crate::common::reply::lines;
use crate::common::services::respond;
use crate::common::stores::{Later, Stuck};

fn with_key(key: &str) -> Request<()> {
    Request::builder().header("x-api-key", key).body(()).unwrap()
}

fn assert_unavailable(response: &Response<String>, kind: StoreErrorKind) {
    assert_eq!(response.status(), 503);
    let error = response.extensions().get();
    let Some(AuthError::Unavailable(error)) = error else { panic!("not unavailable: {error:?}") };
    assert_eq!(error.kind(), kind);
    assert!(lines(response, "www-authenticate").is_empty());
    assert_eq!(lines(response, "cache-control"), ["no-store"]);
    let retry_after = lines(response, "retry-after");
    assert!(retry_after.len() == 1 && matches!(retry_after[0], "1" | "2" | "3" | "4" | "5"));
}

#[tokio::test]
async fn store_that_fails_is_unavailable() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let response = respond(&layer, with_key(UNANSWERABLE)).await;
        assert_unavailable(&response, StoreErrorKind::Failed);
        assert!(!response.body().contains("db.internal"));
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}

#[tokio::test]
async fn store_that_returns_another_keys_record_is_unavailable() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let response = respond(&layer, with_key(MIXED_UP)).await;
        assert_unavailable(&response, StoreErrorKind::WrongRecord);
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}

const DEADLINE: Duration = Duration::from_millis(20);

/// Makes a test fail that would otherwise never end.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("the deadline is not kept")
}

// The next two tests, and no others, test the real clock.

#[tokio::test]
async fn hanging_store_is_unavailable_after_the_deadline() {
    let layer =
        ApiKeyLayer::from(Authenticator::new(Stuck::times(1, Keys)).with_deadline(DEADLINE));
    let begun = Instant::now();
    let response = in_time(respond(&layer, with_key(RIGHT))).await;
    assert!(begun.elapsed() >= DEADLINE);
    assert_unavailable(&response, StoreErrorKind::TimedOut);

    let response = respond(&layer, with_key(RIGHT)).await;
    assert_eq!(response.body(), "User 1");
}

#[tokio::test]
async fn hanging_lookup_is_dropped_at_the_deadline() {
    let store = Stuck::times(1, Keys);
    let auth = Authenticator::new(store.clone()).with_deadline(DEADLINE);
    let mut pending = pin!(auth.authenticate_key(RIGHT.as_bytes()));
    let error = in_time(pending.as_mut()).await.unwrap_err();
    assert_eq!(error.status(), 503);
    assert_eq!(store.dropped(), 1, "the lookup is kept as long as its future");
}

#[tokio::test]
async fn ready_result_is_used_whatever_the_deadline() {
    let at_once = store_fn(|digest| std::future::ready(Keys.find(&digest)));
    let auth = Authenticator::new(at_once).with_deadline(Duration::ZERO);
    assert_eq!(respond(&auth.into(), with_key(RIGHT)).await.body(), "User 1");
    let auth = Authenticator::new(Keys).with_deadline(Duration::ZERO);
    assert_eq!(respond(&auth.into(), with_key(RIGHT)).await.body(), "User 1");
}

#[tokio::test]
async fn deadline_may_be_the_maximum_duration() {
    let layer = ApiKeyLayer::from(Authenticator::new(Later(Keys)).with_deadline(Duration::MAX));
    assert_eq!(respond(&layer, with_key(RIGHT)).await.body(), "User 1");
}

#[test]
fn default_deadline_is_one_second() {
    assert!(format!("{:?}", Authenticator::new(Keys)).contains("deadline: 1s"));
}

#[tokio::test]
async fn retry_after_of_concurrent_refusals_differs() {
    let layer = ApiKeyLayer::new(Keys);
    let mut seen = BTreeSet::new();
    // The probability that one of the five values is missing is below 5 * 0.8^300.
    for _ in 0..300 {
        let response = respond(&layer, with_key(UNANSWERABLE)).await;
        seen.insert(lines(&response, "retry-after").concat());
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"].map(str::to_owned).into());
}
