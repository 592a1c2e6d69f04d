use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use keygate::{ApiKeyLayer, Authenticator, ClientProfile, KeyDigest, KeyRecord, StoreError};
use tower::ServiceExt as _;

use crate::observing::fixture::{KEY, Log, store};

#[tokio::test]
async fn store_errors_are_reported_as_unavailable() {
    let log = Log::default();
    let failing =
        keygate::store::store_fn(|_| async { Err(StoreError::new("connection refused")) });
    let auth = Authenticator::new(failing).add_observer(log.observer());
    assert!(auth.authenticate_key(KEY.as_bytes()).await.is_err());
    let silent = keygate::store::store_fn(|_| std::future::pending());
    let auth = Authenticator::new(silent)
        .with_deadline(Duration::from_millis(1))
        .add_observer(log.observer());
    assert!(auth.authenticate_key(KEY.as_bytes()).await.is_err());
    // A record of another key does not identify the client of the request.
    let wrong = keygate::store::store_fn(|_| async {
        Ok(Some(KeyRecord::new(KeyDigest::of(b"another"), ClientProfile::new("Another"))))
    });
    let auth = Authenticator::new(wrong).add_observer(log.observer());
    assert!(auth.authenticate_key(KEY.as_bytes()).await.is_err());
    assert_eq!(
        log.take(),
        [("unavailable", None, false), ("unavailable", None, false), ("unavailable", None, false)]
    );
}

#[cfg(feature = "throttle")]
#[tokio::test]
async fn counter_errors_are_reported_with_the_client() {
    use keygate::limit::{Counters, PendingDecision, RateLimitRequest};
    use keygate::{Throttle, ThrottleLayer};

    /// Counters that never decide, or that fail.
    struct Lost(bool);

    impl Counters for Lost {
        fn count(&self, _: &RateLimitRequest<'_>) -> PendingDecision {
            if self.0 {
                PendingDecision::pending(std::future::pending())
            } else {
                PendingDecision::failed(StoreError::new("connection refused"))
            }
        }
    }

    let log = Log::default();
    let right = |name| (name, Some("Right".to_owned()), true);
    for silent in [false, true] {
        let throttle = Throttle::with_counters(Lost(silent))
            .with_default_quota("1/day".parse().unwrap())
            .with_deadline(Duration::from_millis(1));
        let auth = Authenticator::new(store(false).0).add_observer(log.observer());
        let app: Router = Router::new()
            .route("/", get(|| async { "admitted" }))
            .layer(ThrottleLayer::new(throttle.clone()))
            .layer(ApiKeyLayer::from(auth.clone()));
        let request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
        assert_eq!(app.oneshot(request).await.unwrap().status(), 503);
        assert_eq!(log.take(), [right("admitted"), right("unavailable")]);

        let client = auth.verify_key(KEY.as_bytes()).unwrap();
        let error = throttle.check_later(&client).await.unwrap_err();
        assert_eq!(error.key_id(), Some(client.key_id()));
        let _: http::Response<String> = auth.respond(&error);
        assert_eq!(log.take(), [right("admitted"), right("unavailable")]);
    }
}
