use std::sync::Mutex;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use http::StatusCode;
use keygate::error::StoreErrorKind;
use keygate::limit::{Counters, Decision, PendingDecision, RateLimitRequest};
use keygate::{AuthError, StoreError, Throttle, ThrottleLayer};

use crate::throttling::fixture::{client, rate, send};

/// Counters that decide late or never.
struct Remote(Mutex<Vec<Option<Result<Decision, StoreError>>>>);

impl Counters for Remote {
    fn count(&self, request: &RateLimitRequest<'_>) -> PendingDecision {
        assert_eq!((request.client, request.quota.rates().len()), ("User 1", 1));
        let decision = self.0.lock().unwrap().pop().unwrap();
        PendingDecision::pending(async move {
            tokio::task::yield_now().await;
            match decision {
                Some(decision) => decision,
                None => std::future::pending().await,
            }
        })
    }
}

#[tokio::test]
async fn failing_counters_admit_nobody() {
    let decisions = vec![
        None,
        Some(Err(StoreError::new("connection refused"))),
        Some(Ok(Decision::refused(0, Duration::from_millis(1_001)))),
        Some(Ok(Decision::allowed(0, 5, Duration::ZERO))),
    ];
    let throttle = Throttle::with_counters(Remote(Mutex::new(decisions)))
        .with_deadline(Duration::from_millis(10));
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(ThrottleLayer::new(throttle))
        .layer(Extension(client("User 1", rate("10/hour", 10))));
    let allowed = send(&app, "/", "").await;
    assert_eq!(
        (allowed.status(), &allowed.headers()["ratelimit"]),
        (StatusCode::OK, &r#""hour";r=5;t=1800"#.parse().unwrap())
    );
    let refused = send(&app, "/", "").await;
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"2".parse().unwrap())
    );
    for _ in ["failed", "silent"] {
        let unavailable = send(&app, "/", "").await;
        assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(unavailable.headers().contains_key("retry-after"));
    }
}

#[tokio::test]
async fn check_later_waits_up_to_the_deadline() {
    let decisions = vec![None, Some(Ok(Decision::allowed(0, 5, Duration::ZERO)))];
    let throttle = Throttle::with_counters(Remote(Mutex::new(decisions)))
        .with_deadline(Duration::from_millis(10));
    let client = client("User 1", rate("10/hour", 10));
    let permit = throttle.check_later(&client).await.unwrap();
    assert_eq!(permit.remaining(), Some(5));
    let AuthError::Unavailable(silent) = throttle.check_later(&client).await.unwrap_err() else {
        panic!("counters that never decide are unavailable");
    };
    assert_eq!(silent.kind(), StoreErrorKind::TimedOut);
    assert_eq!(silent.to_string(), "the counters of quotas did not respond in time");
}

#[tokio::test]
async fn endless_wait_has_the_maximum_retry_after() {
    let decisions = vec![Some(Ok(Decision::refused(0, Duration::MAX)))];
    let throttle = Throttle::with_counters(Remote(Mutex::new(decisions)));
    let refused = throttle.check_later(&client("User 1", rate("10/hour", 10))).await.unwrap_err();
    let AuthError::Throttled(throttled) = refused else { panic!("{refused}") };
    assert_eq!(throttled.retry_after(), u64::MAX);
}
