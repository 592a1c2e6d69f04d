//! A throttle behind an authenticator with a `Usage`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use keygate::{
    ApiKeyLayer, Authenticator, ClientProfile, MemoryStore, Throttle, ThrottleLayer, Usage,
};

use crate::throttling::fixture::{KEY, send};

fn app(usage: Usage, quota: &str) -> Router {
    let profile = ClientProfile::new("User 1").with_quota(quota.parse().unwrap());
    let store = MemoryStore::from_keys([(KEY, profile)]).unwrap();
    Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(ThrottleLayer::new(Throttle::new()))
        .layer(ApiKeyLayer::from(Authenticator::new(store).add_observer(usage)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_are_admitted_exactly_and_all_counted() {
    for quota in ["100/day", "7/day"] {
        let usage = Usage::new();
        let app = app(usage.clone(), quota);
        let admitted = Arc::new(AtomicUsize::new(0));
        let tasks = (0..1_000).map(|_| {
            let (app, admitted) = (app.clone(), Arc::clone(&admitted));
            tokio::spawn(async move {
                let is_ok = send(&app, "/", KEY).await.status() == StatusCode::OK;
                admitted.fetch_add(usize::from(is_ok), Ordering::Relaxed);
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let expected: usize = quota.split('/').next().unwrap().parse().unwrap();
        assert_eq!(admitted.load(Ordering::Relaxed), expected);
        let snapshot = usage.snapshot();
        assert_eq!(snapshot.outcomes["admitted"], 1_000);
        assert_eq!(snapshot.outcomes["throttled"], 1_000 - expected as u64);
    }
}
