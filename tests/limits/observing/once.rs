use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::map_request;
use axum::routing::get;
use http::{HeaderMap, Request};
use keygate::client::ClientAddress;
use keygate::limit::FailureThrottle;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, MemoryStore, RequireScope, Source};
use tower::ServiceExt as _;

use crate::observing::fixture::{KEY, Log, Reported, store};

#[tokio::test]
async fn missing_scope_is_reported_by_layers_handlers_and_respond() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let app: Router = Router::new()
        .route("/layer", get(|| async { "admitted" }))
        .route_layer(RequireScope::new("a").unwrap())
        .route("/hand", get(|client: Client| async move { client.require("a") }))
        .layer(ApiKeyLayer::from(auth.clone()));
    let right = |name| (name, Some("Right".to_owned()), true);
    for target in ["/layer", "/hand"] {
        let request = Request::get(target).header("x-api-key", KEY).body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 403);
        assert_eq!(log.take(), [right("admitted"), right("insufficient_scope")]);
    }
    let client = auth.verify_key(KEY.as_bytes()).unwrap();
    let _: http::Response<String> = auth.respond(&client.require("a").unwrap_err());
    assert_eq!(log.take(), [right("admitted"), right("insufficient_scope")]);
}

#[tokio::test]
async fn refusal_made_by_respond_is_not_reported_again_by_the_layer() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let by_hand = auth.clone();
    let app: Router = Router::new()
        .route(
            "/",
            get(|client: Client| async move {
                let error = client.require("a").unwrap_err();
                by_hand.respond::<Body>(&error)
            }),
        )
        .layer(ApiKeyLayer::from(auth));
    let request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 403);
    let right = |name| (name, Some("Right".to_owned()), true);
    assert_eq!(log.take(), [right("admitted"), right("insufficient_scope")]);
}

#[tokio::test]
async fn refusal_behind_two_key_layers_is_reported_by_the_inner_one() {
    let (inner, outer) = (Log::default(), Log::default());
    let gateway = MemoryStore::from_keys([("a key of the gateway", "Gateway")]).unwrap();
    let gateway = Authenticator::new(gateway)
        .with_sources([Source::header("x-gateway-key")])
        .unwrap()
        .add_observer(outer.observer());
    // Even if the inner layer has no observer.
    for observed in [true, false] {
        let auth = Authenticator::new(store(false).0);
        let auth = if observed { auth.add_observer(inner.observer()) } else { auth };
        let app: Router = Router::new()
            .route("/", get(|client: Client| async move { client.require("a") }))
            .layer(ApiKeyLayer::from(auth))
            .layer(ApiKeyLayer::from(gateway.clone()));
        for (key, status) in [(Some(KEY), 403), (Some("expired"), 401), (None, 401)] {
            let request = Request::get("/").header("x-gateway-key", "a key of the gateway");
            let request =
                key.into_iter().fold(request, |request, key| request.header("x-api-key", key));
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status);
            assert_eq!(outer.take(), [("admitted", Some("Gateway".to_owned()), true)]);
        }
    }
    let right = |name| (name, Some("Right".to_owned()), true);
    let expected = [
        right("admitted"),
        right("insufficient_scope"),
        ("expired", Some("Expired".to_owned()), true),
        ("no_credentials", None, false),
    ];
    assert_eq!(inner.take(), expected);
}

#[tokio::test]
async fn refused_anonymous_caller_is_reported() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let app: Router = Router::new()
        .route("/scope", get(|| async { "admitted" }))
        .route_layer(RequireScope::new("a").unwrap())
        .route("/client", get(|client: Client| async move { client.name().to_owned() }))
        .route("/anybody", get(|| async { "admitted" }))
        .layer(ApiKeyLayer::from(auth).optional());
    for (target, status) in [("/scope", 401), ("/client", 401), ("/anybody", 200)] {
        let request = Request::get(target).body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status);
        let expected: &[Reported] =
            if status == 401 { &[("no_credentials", None, false)] } else { &[] };
        assert_eq!(log.take(), expected, "{target}");
    }
}

#[tokio::test]
async fn anonymous_caller_refused_by_the_handler_is_reported_once() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let by_hand = auth.clone();
    let app: Router = Router::new()
        .route("/", get(async move || by_hand.respond::<Body>(&AuthError::NoCredentials)))
        .layer(ApiKeyLayer::from(auth).optional());
    let request = Request::new(Body::empty());
    assert_eq!(app.oneshot(request).await.unwrap().status(), 401);
    assert_eq!(log.take(), [("no_credentials", None, false)]);
}

#[tokio::test]
async fn refusal_by_an_unobserved_authenticator_reaches_the_layers() {
    let log = Log::default();
    let by_hand = Authenticator::new(store(false));
    let by_hand = Arc::new(by_hand);
    let observed = Authenticator::new(store(false)).add_observer(log.observer());
    let app: Router = Router::new()
        .route(
            "/",
            get(async move |client: Client| {
                by_hand.respond::<Body>(&client.require("a").unwrap_err())
            }),
        )
        .layer(ApiKeyLayer::from(observed));
    let request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 403);
    let right = |name| (name, Some("Right".to_owned()), true);
    assert_eq!(log.take(), [right("admitted"), right("insufficient_scope")]);
}

/// For example, a page for operators, who need a second key.
#[tokio::test]
async fn second_key_is_reported_by_the_authenticator_that_verifies_it() {
    let [outer, inner] = [Log::default(), Log::default()];
    let auth = Authenticator::new(store(false).0).add_observer(outer.observer());
    let operators = Authenticator::new(MemoryStore::new())
        .with_sources([Source::header("x-operator-key")])
        .unwrap()
        .add_observer(inner.observer());
    let operators = Arc::new(operators);
    let verify = async move |headers: HeaderMap| operators.verify(&headers).map(|_| "admitted");
    let app: Router = Router::new().route("/", get(verify)).layer(ApiKeyLayer::from(auth));
    for (key, expected) in [(None, "no_credentials"), (Some("nobody's"), "unknown")] {
        let mut request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
        if let Some(key) = key {
            request.headers_mut().insert("x-operator-key", key.parse().unwrap());
        }
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 401);
        assert_eq!(outer.take(), [("admitted", Some("Right".to_owned()), true)]);
        assert_eq!(inner.take(), [(expected, None, false)]);
    }
}

/// For example, behind a middleware that makes a new request.
#[tokio::test]
async fn layer_without_a_client_is_reported_as_misconfigured() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(RequireScope::new("a").unwrap())
        .layer(map_request(async |_: Request<Body>| Request::new(Body::empty())))
        .layer(ApiKeyLayer::from(auth));
    let request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 500);
    let right = ("admitted", Some("Right".to_owned()), true);
    assert_eq!(log.take(), [right, ("misconfigured", None, false)]);
}

#[tokio::test]
async fn unknown_address_is_reported_only_by_the_inner_layer() {
    let [inner, outer] = [Log::default(), Log::default()];
    let gateway = Authenticator::new(store(false).0).add_observer(outer.observer());
    let address = ClientAddress::by_peer(|peer: &IpAddr| *peer);
    let auth = Authenticator::new(MemoryStore::new()).with_sources([Source::bearer()]).unwrap();
    let auth = auth.add_observer(inner.observer()).with_client_address(address);
    let auth = auth.throttle_failures(FailureThrottle::new());
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(ApiKeyLayer::from(auth))
        .layer(ApiKeyLayer::from(gateway));
    let request =
        Request::get("/").header("x-api-key", KEY).header("authorization", "Bearer wrong");
    let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(outer.take(), [("admitted", Some("Right".to_owned()), true)]);
    assert_eq!(inner.take(), [("misconfigured", None, false)]);
}

#[tokio::test]
async fn misplaced_layer_passed_to_respond_is_reported_once() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let misplaced: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(RequireScope::new("a").unwrap());
    let responder = auth.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (inner, responder) = (misplaced.clone(), responder.clone());
        async move {
            let request = Request::get(request.uri()).body(Body::empty()).unwrap();
            let response = inner.oneshot(request).await.unwrap();
            let error = response.extensions().get::<AuthError>().unwrap().clone();
            Ok::<_, std::convert::Infallible>(responder.respond::<Body>(&error))
        }
    });
    let service = tower::Layer::layer(&ApiKeyLayer::from(auth), service);
    let request = Request::get("/").header("x-api-key", KEY).body(Body::empty()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 500);
    let right = ("admitted", Some("Right".to_owned()), true);
    assert_eq!(log.take(), [right, ("misconfigured", None, false)]);
}

/// The outer layer is optional.
#[tokio::test]
async fn optional_outer_layer_reports_no_refusal_of_an_inner_one() {
    let [inner, outer] = [Log::default(), Log::default()];
    let gateway = Authenticator::new(MemoryStore::new()).add_observer(outer.observer());
    let gateway = gateway.with_sources([Source::header("x-gateway-key")]).unwrap();
    let auth = Authenticator::new(store(false).0).add_observer(inner.observer());
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(ApiKeyLayer::from(auth))
        .layer(ApiKeyLayer::from(gateway).optional());
    for (key, expected) in [(None, "no_credentials"), (Some("nobody's"), "unknown")] {
        let mut request = Request::new(Body::empty());
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse().unwrap());
        }
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), 401);
        assert_eq!(inner.take(), [(expected, None, false)]);
        assert_eq!(outer.take(), []);
    }
}
