use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, StatusCode};
use keygate::{Quota, ThrottleLayer};
use tower::ServiceExt as _;

use crate::throttling::fixture::{client, rate, throttle};

#[test]
fn thousand_at_once_are_admitted_exactly() {
    let quotas = [
        Quota::from(rate("100/day", 100)),
        Quota::all_of([rate("100/day", 100), rate("200/hour", 200), rate("1000/hour", 1000)])
            .unwrap(),
    ];
    for quota in quotas {
        for round in 0..20 {
            let throttle = throttle();
            let name = format!("User {round}");
            let admitted = AtomicUsize::new(0);
            let barrier = std::sync::Barrier::new(8);
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let client = client(&name, quota.clone());
                        barrier.wait();
                        for _ in 0..125 {
                            let let_in = throttle.check(&client).is_ok();
                            admitted.fetch_add(usize::from(let_in), Ordering::Relaxed);
                        }
                    });
                }
            });
            assert_eq!(admitted.into_inner(), 100);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousand_tasks_through_the_layer_are_admitted_exactly() {
    let throttle = throttle();
    let quota = Quota::all_of([rate("100/day", 100), rate("150/hour", 150)]).unwrap();
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(ThrottleLayer::new(throttle))
        .layer(Extension(client("User 1", quota)));
    let tasks = (0..1_000).map(|_| {
        let app = app.clone();
        tokio::spawn(
            async move { app.oneshot(Request::new(Body::empty())).await.unwrap().status() },
        )
    });
    let mut statuses = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        statuses.push(task.await.unwrap());
    }
    let count = |status: StatusCode| statuses.iter().filter(|seen| **seen == status).count();
    assert_eq!((count(StatusCode::OK), count(StatusCode::TOO_MANY_REQUESTS)), (100, 900));
}

#[test]
fn quota_changed_during_requests_is_not_exceeded() {
    // The alternating quotas have the same size, so that the same number of requests is spent under both.
    let quotas = [rate("100/day", 100), rate("101/day", 101)];
    for _ in 0..50 {
        let throttle = throttle();
        let admitted = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (throttle, admitted) = (&throttle, &admitted);
                scope.spawn(move || {
                    for round in 0..100 {
                        let client = client("User 1", quotas[(thread + round) % 2]);
                        let let_in = throttle.check(&client).is_ok();
                        admitted.fetch_add(usize::from(let_in), Ordering::Relaxed);
                    }
                });
            }
        });
        let admitted = admitted.into_inner();
        assert!((99..=102).contains(&admitted), "{admitted}");
    }
}
