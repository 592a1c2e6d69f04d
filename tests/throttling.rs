//! Quotas: how much each client may ask for.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{HeaderMap, Request, Response, StatusCode};
use keygate::{
    ApiKeyLayer, AuthError, Client, ClientProfile, Count, Counters, MemoryCounters, MemoryStore,
    Quota, Rate, RequireScope, Spend, StoreError, Tally, Throttle, ThrottleLayer,
};
use tower::ServiceExt as _;

/// A clock that stands still until it is turned, at a time between two seconds.
#[derive(Clone)]
struct FakeClock(Arc<AtomicU64>);

impl FakeClock {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_400)))
    }

    fn turn(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn turn_back(&self, millis: u64) {
        self.0.fetch_sub(millis, Ordering::Relaxed);
    }

    fn throttle(&self) -> Throttle {
        self.over(MemoryCounters::new())
    }

    fn over<C>(&self, counters: C) -> Throttle<C> {
        let millis = Arc::clone(&self.0);
        let now = move || UNIX_EPOCH + Duration::from_millis(millis.load(Ordering::Relaxed));
        Throttle::with_counters(counters).with_clock(now)
    }
}

fn rate(text: &str, burst: u32) -> Rate {
    text.parse::<Rate>().unwrap().with_burst(burst).unwrap()
}

fn client(name: &str, quota: impl Into<Quota>) -> Client {
    Client::for_test(ClientProfile::new(name).with_quota(quota.into()))
}

fn several() -> Quota {
    Quota::all_of([rate("10/second", 10), rate("15/minute", 15)]).unwrap()
}

fn admitted(throttle: &Throttle, client: &Client, tries: usize) -> usize {
    (0..tries).filter(|_| throttle.check(client).is_ok()).count()
}

fn throttled(throttle: &Throttle, client: &Client) -> (u64, HeaderMap) {
    let error = throttle.check(client).unwrap_err();
    let auth = keygate::Authenticator::new(MemoryStore::new());
    let response: Response<String> = auth.respond(&error);
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let AuthError::Throttled(throttled) = error else { panic!("{error}") };
    (throttled.retry_after(), response.headers().clone())
}

#[test]
fn first_minutes_are_those_of_the_table_in_the_docs() {
    let cases = [
        (Quota::from(rate("100/minute", 100)), [200, 100, 100]),
        (rate("100/minute", 20).into(), [120, 100, 100]),
        (rate("100/minute", 1).into(), [101, 100, 100]),
        (rate("2/second", 2).into(), [122, 120, 120]),
        (rate("1/second", 1).into(), [61, 60, 60]),
        (
            Quota::all_of([rate("10/second", 10), rate("10000/day", 10_000)]).unwrap(),
            [610, 600, 600],
        ),
    ];
    for (quota, expected) in cases {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let client = client("User 1", quota);
        // As often as it could ever be allowed, to the end of each minute.
        let mut seen = expected.map(|_| 0);
        seen[0] += admitted(&throttle, &client, 1_000);
        for minute in &mut seen {
            for _ in 0..600 {
                clock.turn(100);
                *minute += admitted(&throttle, &client, 5);
            }
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn who_waits_as_long_as_was_said_is_let_in_and_nobody_much_earlier() {
    for (quota, burst) in [("1/second", 1), ("7/minute", 3), ("100/hour", 5), ("1000/second", 2)] {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let client = client("User 1", rate(quota, burst));
        for _ in 0..20 {
            while throttle.check(&client).is_ok() {}
            let (wait, headers) = throttled(&throttle, &client);
            assert_eq!(headers["retry-after"], wait.to_string());
            assert!(wait >= 1);
            clock.turn(wait.saturating_sub(1) * 1_000);
            assert!(wait == 1 || throttle.check(&client).is_err(), "{quota}: a second too early");
            clock.turn(1_000);
            assert!(throttle.check(&client).is_ok(), "{quota}");
        }
    }
}

#[test]
fn all_keys_of_a_client_share_its_quota_and_clients_do_not() {
    let throttle = FakeClock::new().throttle();
    let (one, other) = (client("User 1", rate("5/hour", 5)), client("User 2", rate("5/hour", 5)));
    assert_eq!(admitted(&throttle, &one, 3), 3);
    // The same client as another verification would hand it out.
    assert_eq!(admitted(&throttle, &client("User 1", rate("5/hour", 5)), 10), 2);
    assert_eq!(admitted(&throttle, &other, 10), 5);
}

#[test]
fn client_without_a_quota_has_the_default_one_and_unlimited_is_unlimited() {
    let clock = FakeClock::new();
    let plain = Client::for_test("User 1");
    assert_eq!(admitted(&clock.throttle(), &plain, 10_000), 10_000);
    let throttle = clock.throttle().with_default_quota(rate("3/hour", 3).into());
    assert_eq!(admitted(&throttle, &plain, 10), 3);
    let unlimited = client("User 2", "unlimited".parse::<Quota>().unwrap());
    assert_eq!(admitted(&throttle, &unlimited, 10_000), 10_000);
    assert_eq!(throttle.check(&unlimited).unwrap().remaining(), None);
}

#[test]
fn several_rates_are_spent_together_or_not_at_all() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    let client = client("User 1", several());
    assert_eq!(admitted(&throttle, &client, 100), 10);
    // Had the refusals been counted by the minute, nothing would be left of it.
    clock.turn(1_000);
    assert_eq!(admitted(&throttle, &client, 100), 5);
    let (wait, headers) = throttled(&throttle, &client);
    assert_eq!(wait, 3, "the minute earns one in four seconds, of which one has passed");
    assert_eq!(headers["ratelimit-policy"], r#""second";q=10;w=1, "minute";q=15;w=60"#);
    assert_eq!(headers["ratelimit"], r#""minute";r=0;t=59"#);
}

#[test]
fn clock_that_goes_back_neither_lets_in_nor_locks_out() {
    for quota in [
        Quota::from(rate("10/minute", 10)),
        Quota::all_of([rate("10/minute", 10), rate("100/day", 100)]).unwrap(),
    ] {
        let clock = FakeClock::new();
        let throttle = clock.throttle();
        let client = client("User 1", quota);
        assert_eq!(admitted(&throttle, &client, 100), 10);
        clock.turn_back(500_000_000);
        assert_eq!(admitted(&throttle, &client, 100), 0);
        // One of the day is earned in 864 s.
        clock.turn(900_000);
        assert_eq!(admitted(&throttle, &client, 1), 1, "not longer than the burst takes");
    }
}

#[test]
fn quota_that_changes_carries_over_what_was_spent() {
    let clock = FakeClock::new();
    let throttle = clock.throttle();
    assert_eq!(admitted(&throttle, &client("User 1", rate("100/hour", 100)), 50), 50);
    // Half is spent, whatever the quota.
    assert_eq!(admitted(&throttle, &client("User 1", rate("10/hour", 10)), 100), 5);
    assert_eq!(admitted(&throttle, &client("User 1", rate("1000/hour", 1000)), 100), 0);
    clock.turn(3_600_000);
    assert_eq!(admitted(&throttle, &client("User 1", several()), 7), 7);
    assert_eq!(admitted(&throttle, &client("User 1", rate("10/second", 10)), 100), 3);
}

#[test]
fn thousand_at_once_are_admitted_exactly() {
    let quotas = [
        Quota::from(rate("100/day", 100)),
        Quota::all_of([rate("100/day", 100), rate("200/hour", 200), rate("1000/hour", 1000)])
            .unwrap(),
    ];
    for quota in quotas {
        for round in 0..20 {
            let throttle = FakeClock::new().throttle();
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
    let throttle = FakeClock::new().throttle();
    let quota = Quota::all_of([rate("100/day", 100), rate("150/hour", 150)]).unwrap();
    let app: Router = Router::new()
        .route("/", get(|| async { "let in" }))
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
fn quota_that_changes_while_threads_spend_it_is_kept() {
    // The two quotas in turn are of one size, so that what is spent is the same under both.
    let quotas = [rate("100/day", 100), rate("101/day", 101)];
    for _ in 0..50 {
        let throttle = FakeClock::new().throttle();
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

#[test]
fn idle_clients_are_forgotten_and_busy_ones_are_not() {
    let clock = FakeClock::new();
    let counters = MemoryCounters::new();
    let throttle = clock.over(counters.clone());
    for number in 0..20_000 {
        throttle.check(&client(&format!("User {number}"), rate("60/minute", 60))).unwrap();
    }
    assert_eq!(counters.len(), 20_000);
    let busy = client("Busy", rate("1/day", 1));
    assert_eq!(admitted(&throttle, &busy, 1), 1);
    // One client's requests are enough to forget all others.
    for _ in 0..1_000 {
        clock.turn(251);
        let _ = throttle.check(&busy);
    }
    assert_eq!(counters.len(), 1);
    assert_eq!(admitted(&throttle, &busy, 100), 0);
}

async fn ask(app: &Router, target: &str, key: &str) -> Response<Body> {
    let request = Request::get(target).header("x-api-key", key).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn refusals_further_out_spend_nothing() {
    const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";
    let profile = ClientProfile::new("User 1").with_quota(rate("2/day", 2).into());
    let store =
        MemoryStore::from_keys([(KEY, profile.with_scopes(["a".parse().unwrap()]))]).unwrap();
    let app = Router::new()
        .route("/a", get(|| async { "a" }).layer(RequireScope::new("a").unwrap()))
        .route("/b", get(|| async { "b" }).layer(RequireScope::new("b").unwrap()));
    let throttle = || ThrottleLayer::new(FakeClock::new().throttle());

    let scoped = |scope: &'static str| -> Router {
        Router::new()
            .route(&format!("/{scope}"), get(|| async { "let in" }))
            .layer(throttle())
            .layer(RequireScope::new(scope).unwrap())
    };
    let outside = scoped("a").merge(scoped("b")).layer(ApiKeyLayer::new(store.clone()));
    for _ in 0..10 {
        assert_eq!(ask(&outside, "/b", KEY).await.status(), 403);
        assert_eq!(ask(&outside, "/a", "0000000000000000").await.status(), 401);
    }
    assert_eq!(ask(&outside, "/a", KEY).await.status(), 200);

    // With the scopes inside, what lacks one is counted.
    let inside = app.layer(throttle()).layer(ApiKeyLayer::new(store));
    for expected in [403, 403, 429] {
        assert_eq!(ask(&inside, "/b", KEY).await.status(), expected);
    }
    let refused = ask(&inside, "/a", KEY).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert!(!refused.headers().contains_key("www-authenticate"));
    assert_eq!(refused.headers()["retry-after"], "43200");
}

#[tokio::test]
async fn fields_are_on_allowed_answers_too_unless_turned_off() {
    let app = |layer: ThrottleLayer| -> Router {
        Router::new()
            .route("/", get(|| async { "let in" }))
            .layer(layer)
            .layer(Extension(client("User 1", rate("100/minute", 20))))
    };
    let layer = || ThrottleLayer::new(FakeClock::new().throttle());
    let with = ask(&app(layer()), "/", "").await;
    assert_eq!(with.headers()["ratelimit-policy"], r#""minute";q=100;w=60"#);
    assert_eq!(with.headers()["ratelimit"], r#""minute";r=19;t=1"#);
    let without = ask(&app(layer().without_fields()), "/", "").await;
    assert!(without.headers().keys().all(|name| !name.as_str().starts_with("ratelimit")));
}

#[tokio::test]
async fn anonymous_callers_pass_and_without_a_key_layer_nobody_does() {
    let app = || -> Router {
        let throttle = Throttle::new().with_default_quota(rate("1/day", 1).into());
        Router::new().route("/", get(|| async { "let in" })).layer(ThrottleLayer::new(throttle))
    };
    let optional = app().layer(ApiKeyLayer::new(MemoryStore::new()).optional());
    for _ in 0..3 {
        let request = Request::new(Body::empty());
        assert_eq!(optional.clone().oneshot(request).await.unwrap().status(), 200);
    }
    let unguarded = app().oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(unguarded.status(), StatusCode::SERVICE_UNAVAILABLE);
}

/// Counters that answer later, or not at all.
struct Remote(Mutex<Vec<Option<Result<Tally, StoreError>>>>);

impl Counters for Remote {
    fn spend(&self, spend: &Spend<'_>) -> Count {
        assert_eq!((spend.client, spend.quota.rates().len()), ("User 1", 1));
        let answer = self.0.lock().unwrap().pop().unwrap();
        Count::pending(async move {
            tokio::task::yield_now().await;
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

#[tokio::test]
async fn counters_that_wait_decide_and_their_faults_are_not_come_in() {
    let hour = Duration::from_secs(3_600);
    let answers = vec![
        None,
        Some(Err(StoreError::new("connection refused"))),
        Some(Ok(Tally::refused(0, Duration::from_millis(1_001), hour))),
        Some(Ok(Tally::allowed(0, 5, hour))),
    ];
    let throttle = Throttle::with_counters(Remote(Mutex::new(answers)));
    let app: Router = Router::new()
        .route("/", get(|| async { "let in" }))
        .layer(ThrottleLayer::new(throttle))
        .layer(Extension(client("User 1", rate("10/hour", 10))));
    let allowed = ask(&app, "/", "").await;
    assert_eq!(
        (allowed.status(), &allowed.headers()["ratelimit"]),
        (StatusCode::OK, &r#""hour";r=5;t=3600"#.parse().unwrap())
    );
    let refused = ask(&app, "/", "").await;
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"2".parse().unwrap())
    );
    for _ in ["failed", "silent"] {
        let unavailable = ask(&app, "/", "").await;
        assert_eq!(unavailable.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(unavailable.headers().contains_key("retry-after"));
    }
}

#[tokio::test]
async fn counters_are_asked_later_in_a_function_too() {
    let answers = vec![Some(Ok(Tally::allowed(0, 5, Duration::from_secs(1))))];
    let throttle = Throttle::with_counters(Remote(Mutex::new(answers)));
    let allowance = throttle.check_later(&client("User 1", rate("10/hour", 10))).await.unwrap();
    assert_eq!(allowance.remaining(), Some(5));
}

#[test]
fn system_clock_is_the_default() {
    let throttle = Throttle::new();
    let client = client("User 1", rate("1/day", 1));
    let before = SystemTime::now();
    assert!(throttle.check(&client).is_ok() && throttle.check(&client).is_err());
    assert!(before.elapsed().unwrap() < Duration::from_secs(3_600));
}
