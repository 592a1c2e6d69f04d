use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, Response, StatusCode};
use keygate::{
    ApiKeyLayer, Client, ClientProfile, MemoryStore, RequireScope, Throttle, ThrottleLayer,
};
use tower::ServiceExt as _;

use crate::throttling::fixture::{KEY, client, rate, send, throttle};

#[tokio::test]
async fn refusals_by_outer_layers_spend_no_quota() {
    let profile = ClientProfile::new("User 1").with_quota(rate("2/day", 2).into());
    let store =
        MemoryStore::from_keys([(KEY, profile.with_scopes(["a".parse().unwrap()]))]).unwrap();
    let app = Router::new()
        .route("/a", get(|| async { "a" }).layer(RequireScope::new("a").unwrap()))
        .route("/b", get(|| async { "b" }).layer(RequireScope::new("b").unwrap()));
    let throttle = || ThrottleLayer::new(throttle());

    let scoped = |scope: &'static str| -> Router {
        Router::new()
            .route(&format!("/{scope}"), get(|| async { "admitted" }))
            .layer(throttle())
            .layer(RequireScope::new(scope).unwrap())
    };
    let outside = scoped("a").merge(scoped("b")).layer(ApiKeyLayer::new(store.clone()));
    for _ in 0..10 {
        assert_eq!(send(&outside, "/b", KEY).await.status(), 403);
        assert_eq!(send(&outside, "/a", "0000000000000000").await.status(), 401);
    }
    assert_eq!(send(&outside, "/a", KEY).await.status(), 200);

    // With the scopes inside, a request that lacks one is counted.
    let inside = app.layer(throttle()).layer(ApiKeyLayer::new(store));
    for expected in [403, 403, 429] {
        assert_eq!(send(&inside, "/b", KEY).await.status(), expected);
    }
    let refused = send(&inside, "/a", KEY).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert!(!refused.headers().contains_key("www-authenticate"));
    assert_eq!(refused.headers()["retry-after"], "43200");
}

#[tokio::test]
async fn headers_are_on_allowed_responses_unless_disabled() {
    let app = |layer: ThrottleLayer| -> Router {
        Router::new()
            .route("/", get(|| async { "admitted" }))
            .layer(layer)
            .layer(Extension(client("User 1", rate("100/minute", 20))))
    };
    let layer = || ThrottleLayer::new(throttle());
    let with = send(&app(layer()), "/", "").await;
    assert_eq!(with.headers()["ratelimit-policy"], r#""minute";q=100;w=60"#);
    assert_eq!(with.headers()["ratelimit"], r#""minute";r=19;t=12"#);
    let without = send(&app(layer().without_headers()), "/", "").await;
    assert!(without.headers().keys().all(|name| !name.as_str().starts_with("ratelimit")));
}

#[tokio::test]
async fn anonymous_callers_pass_only_behind_a_key_layer() {
    let app = || -> Router {
        let throttle = Throttle::new().with_default_quota(rate("1/day", 1).into());
        Router::new().route("/", get(|| async { "admitted" })).layer(ThrottleLayer::new(throttle))
    };
    let optional = app().layer(ApiKeyLayer::new(MemoryStore::new()).optional());
    for _ in 0..3 {
        let request = Request::new(Body::empty());
        assert_eq!(optional.clone().oneshot(request).await.unwrap().status(), 200);
    }
    let unguarded = app().oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(unguarded.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn responses_behind_two_throttles_describe_both() {
    let all = throttle().with_default_quota(rate("100/minute", 100).into());
    let search = all.limit("search").unwrap().with_default_quota(rate("2/minute", 2).into());
    let store = MemoryStore::from_keys([(KEY, "User 1")]).unwrap();
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(ThrottleLayer::new(search))
        .layer(ThrottleLayer::new(all))
        .layer(ApiKeyLayer::new(store));
    let lines = |response: &Response<Body>, field: &str| -> Vec<String> {
        let lines = response.headers().get_all(field).iter();
        lines.map(|line| line.to_str().unwrap().to_owned()).collect()
    };
    let policies = [r#""search-minute";q=2;w=60"#, r#""minute";q=100;w=60"#];
    for expected in [
        [r#""search-minute";r=1;t=30"#, r#""minute";r=99;t=60"#],
        [r#""search-minute";r=0;t=30"#, r#""minute";r=98;t=59"#],
        [r#""search-minute";r=0;t=30"#, r#""minute";r=97;t=59"#],
    ] {
        let response = send(&app, "/", KEY).await;
        assert_eq!(lines(&response, "ratelimit"), expected);
        assert_eq!(lines(&response, "ratelimit-policy"), policies);
    }
    assert_eq!(lines(&send(&app, "/", KEY).await, "retry-after"), ["30"]);
}

/// For example, in a service without extractors.
#[tokio::test]
async fn error_from_a_handler_gets_its_own_headers() {
    let own = throttle().with_default_quota(rate("1/hour", 1).into());
    let handler = get(async move |client: Client| {
        let mut response = Response::new(Body::empty());
        if let Err(error) = own.check(&client) {
            *response.status_mut() = error.status();
            response.extensions_mut().insert(error);
        }
        response
    });
    let outer = throttle().with_default_quota(rate("100/minute", 100).into());
    let app: Router = Router::new()
        .route("/", handler)
        .layer(ThrottleLayer::new(outer))
        .layer(ApiKeyLayer::new(MemoryStore::from_keys([(KEY, "User 1")]).unwrap()));
    send(&app, "/", KEY).await;
    let refused = send(&app, "/", KEY).await;
    assert_eq!(refused.headers()["retry-after"], "3600");
    let lines: Vec<_> = refused.headers().get_all("ratelimit").iter().collect();
    assert_eq!(lines, [r#""minute";r=98;t=59"#, r#""hour";r=0;t=3600"#]);
}
