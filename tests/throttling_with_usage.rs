//! A throttle behind an observer that counts the same requests: the two read the clock once, and each keeps
//! its own where it has one.

#![cfg(all(feature = "throttle", feature = "usage", feature = "axum"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use axum::{Extension, Router};
use http::{Response, StatusCode};
use keygate::{
    ApiKeyLayer, Authenticator, Client, ClientProfile, MemoryStore, Throttle, ThrottleLayer, Usage,
};
use tower::ServiceExt as _;

const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock that goes on by a day whenever it is read.
fn days() -> impl Fn() -> SystemTime + Send + Sync + 'static {
    let read = AtomicU64::new(20_000);
    move || UNIX_EPOCH + DAY * u32::try_from(read.fetch_add(1, Ordering::Relaxed)).unwrap()
}

fn guarded(routes: Router, usage: Usage, quota: &str) -> Router {
    let profile = ClientProfile::new("User 1").with_quota(quota.parse().unwrap());
    let store = MemoryStore::from_keys([(KEY, profile)]).unwrap();
    routes.layer(ApiKeyLayer::from(Authenticator::new(store).add_observer(usage)))
}

fn throttled(throttle: Throttle) -> Router {
    Router::new().route("/", get(|| async { "let in" })).layer(ThrottleLayer::new(throttle))
}

async fn ask(app: &Router) -> Response<Body> {
    let request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn quota_is_kept_exactly_by_the_clock_that_both_read() {
    let app = guarded(throttled(Throttle::new()), Usage::new(), "3/day");
    for expected in [200, 200, 200, 429, 429] {
        assert_eq!(ask(&app).await.status(), expected);
    }
    assert_eq!(ask(&app).await.headers()["retry-after"], "28800");
}

#[tokio::test]
async fn clock_of_the_usage_is_not_that_of_the_throttle() {
    let app = guarded(throttled(Throttle::new()), Usage::new().with_clock(days()), "1/day");
    assert_eq!(ask(&app).await.status(), 200);
    assert_eq!(ask(&app).await.status(), 429, "a day has passed for the usage alone");
}

#[tokio::test]
async fn throttle_with_a_clock_of_its_own_reads_that_one() {
    let throttle = Throttle::new().with_clock(days());
    let app = guarded(throttled(throttle), Usage::new(), "1/day");
    for _ in 0..3 {
        assert_eq!(ask(&app).await.status(), 200, "a day has passed for the throttle");
    }
}

#[tokio::test]
async fn client_that_a_service_has_kept_is_held_to_its_quota() {
    // In the place of a layer that keeps who has connected, and says so of each request that follows.
    let kept: Arc<std::sync::Mutex<Option<Client>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let keeping = from_fn(move |client: Client, request: Request, next: Next| {
        *keep.lock().unwrap() = Some(client);
        next.run(request)
    });
    let app = guarded(throttled(Throttle::new()).layer(keeping), Usage::new(), "2/day");
    assert_eq!(ask(&app).await.status(), 200);
    let client = kept.lock().unwrap().clone().unwrap();
    assert_eq!(client.name(), "User 1");

    let later = throttled(Throttle::new()).layer(Extension(client));
    for expected in [200, 200, 429] {
        assert_eq!(ask(&later).await.status(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thousand_requests_through_all_layers_are_admitted_exactly_and_all_counted() {
    for quota in ["100/day", "7/day"] {
        let usage = Usage::new();
        let app = guarded(throttled(Throttle::new()), usage.clone(), quota);
        let admitted = Arc::new(AtomicUsize::new(0));
        let tasks = (0..1_000).map(|_| {
            let (app, admitted) = (app.clone(), Arc::clone(&admitted));
            tokio::spawn(async move {
                let let_in = ask(&app).await.status() == StatusCode::OK;
                admitted.fetch_add(usize::from(let_in), Ordering::Relaxed);
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
