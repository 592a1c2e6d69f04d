//! What observers are told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request};
use keygate::{
    ApiKeyLayer, Authenticator, Client, ClientProfile, KeyDigest, KeyRecord, KeyState, KeyStore,
    Lookup, MemoryStore, Outcome, RequireScope, Source, StoreError,
};
use tower::ServiceExt as _;

const KEY: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Told>>>);

/// The name of an outcome, of its client, and whether its key is known.
type Told = (&'static str, Option<String>, bool);

impl Log {
    fn observer(&self) -> impl Fn(&Outcome<'_>) + Send + Sync + use<> {
        let log = self.clone();
        move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            log.0.lock().unwrap().push((outcome.name(), client, outcome.key_id().is_some()));
        }
    }

    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Answers at once or later.
struct Store(MemoryStore, bool);

impl KeyStore for Store {
    fn lookup(&self, digest: KeyDigest) -> Lookup {
        let lookup = self.0.lookup(digest);
        if self.1 { Lookup::pending(lookup) } else { lookup }
    }
}

fn store(pending: bool) -> Store {
    let keys = MemoryStore::from_keys([(KEY, "Right")]).unwrap();
    let record = |key: &str, name: &str| KeyRecord::new(KeyDigest::of(key.as_bytes()), name);
    for record in [
        record("expired", "Expired").with_expiry(UNIX_EPOCH),
        record("revoked", "Revoked").with_state(KeyState::Revoked),
        record("disabled", "Disabled").with_state(KeyState::Disabled),
    ] {
        keys.insert_record(record).unwrap();
    }
    Store(keys, pending)
}

#[tokio::test]
async fn every_outcome_is_told_once_with_its_client_where_the_key_is_known() {
    let known = |name: &'static str, client: &str| vec![(name, Some(client.to_owned()), true)];
    let cases = [
        (Some(KEY), known("admitted", "Right")),
        (Some("expired"), known("expired", "Expired")),
        (Some("revoked"), known("revoked", "Revoked")),
        (Some("disabled"), known("disabled", "Disabled")),
        (Some("nobody's"), vec![("unknown", None, false)]),
        (Some(" "), vec![("no_credentials", None, false)]),
        (None, vec![("no_credentials", None, false)]),
    ];
    for pending in [false, true] {
        let log = Log::default();
        let auth = Authenticator::new(Arc::new(store(pending))).add_observer(log.observer());
        let layer = ApiKeyLayer::from(auth.clone());
        let app: Router = Router::new().route("/", get(|| async { "let in" })).layer(layer);
        for (key, expected) in &cases {
            let headers = key.map(|key| ("x-api-key".parse().unwrap(), key.parse().unwrap()));
            let headers = HeaderMap::from_iter(headers);
            let _ = auth.authenticate(&headers).await.map_err(|error| {
                let _: http::Response<String> = auth.respond(&error);
            });
            assert_eq!(log.take(), *expected, "{key:?}");

            let mut request = Request::new(Body::empty());
            *request.headers_mut() = headers;
            app.clone().oneshot(request).await.unwrap();
            assert_eq!(log.take(), *expected, "{key:?} through the layer");
        }
    }
}

#[tokio::test]
async fn scope_that_is_missing_is_told_by_the_layer_and_by_whoever_responds() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let app: Router = Router::new()
        .route("/layer", get(|| async { "let in" }))
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
async fn refusal_that_was_told_when_it_was_made_is_not_told_again_on_its_way_out() {
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
async fn refusal_behind_two_key_layers_is_told_by_the_inner_one() {
    let (inner, outer) = (Log::default(), Log::default());
    let gateway = MemoryStore::from_keys([("a key of the gateway", "Gateway")]).unwrap();
    let gateway = Authenticator::new(gateway)
        .sources([Source::header("x-gateway-key")])
        .unwrap()
        .add_observer(outer.observer());
    // Also where nobody observes the inner one.
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
async fn anonymous_caller_that_had_to_be_a_client_is_told() {
    let log = Log::default();
    let auth = Authenticator::new(store(false).0).add_observer(log.observer());
    let app: Router = Router::new()
        .route("/scope", get(|| async { "let in" }))
        .route_layer(RequireScope::new("a").unwrap())
        .route("/client", get(|client: Client| async move { client.name().to_owned() }))
        .route("/anybody", get(|| async { "let in" }))
        .layer(ApiKeyLayer::from(auth).optional());
    for (target, status) in [("/scope", 401), ("/client", 401), ("/anybody", 200)] {
        let request = Request::get(target).body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status);
        let expected: &[Told] =
            if status == 401 { &[("no_credentials", None, false)] } else { &[] };
        assert_eq!(log.take(), expected, "{target}");
    }
}

#[cfg(feature = "throttle")]
#[tokio::test]
async fn counters_that_do_not_answer_are_told_of_with_the_client() {
    use keygate::{Count, Counters, Spend, Throttle, ThrottleLayer};

    /// Answers none, or says so.
    struct Lost(bool);

    impl Counters for Lost {
        fn spend(&self, _: &Spend<'_>) -> Count {
            if self.0 {
                Count::pending(std::future::pending())
            } else {
                Count::failed(StoreError::new("connection refused"))
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
            .route("/", get(|| async { "let in" }))
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

#[cfg(feature = "throttle")]
#[test]
fn wrong_keys_over_the_limit_of_their_address_are_told_with_what_is_wrong_with_them() {
    use keygate::{FailureThrottle, WrongReason};

    let log: Arc<Mutex<Vec<_>>> = Arc::default();
    let told = Arc::clone(&log);
    let failures = FailureThrottle::by(|_, _| Some([192, 0, 2, 1].into()));
    let auth = Authenticator::new(store(false).0)
        .throttle_failures(failures.with_rate("1/day".parse().unwrap()))
        .add_observer(move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            let told_of = (outcome.name(), outcome.reason(), client, outcome.key_id());
            told.lock().unwrap().push(told_of);
        });
    let verify = |key: &str| {
        auth.verify(&HeaderMap::from_iter([("x-api-key".parse().unwrap(), key.parse().unwrap())]))
    };
    let expired = Some(KeyRecord::new(KeyDigest::of(b"expired"), "Expired").key_id());
    assert!(verify("nobody's").is_err());
    let error = verify("expired").unwrap_err();
    assert_eq!((error.status().as_u16(), error.key_id()), (429, expired));
    assert!(verify("nobody's").is_err());
    let name = Some("Expired".to_owned());
    let expected = [
        ("unknown", Some(WrongReason::Unknown), None, None),
        ("too_many_failures", Some(WrongReason::Expired), name, expired),
        ("too_many_failures", Some(WrongReason::Unknown), None, None),
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn all_observers_are_told_and_none_can_fail_a_request() {
    let (first, last) = (Log::default(), Log::default());
    let auth = Authenticator::new(store(false).0)
        .add_observer(first.observer())
        .add_observer(|_: &Outcome<'_>| panic!("an observer that is out of order"))
        .add_observer(last.observer());
    assert!(auth.verify_key(KEY.as_bytes()).is_ok());
    assert_eq!(first.take().len(), 1);
    assert_eq!(last.take().len(), 1);
}

#[test]
fn observer_whose_panic_panics_when_it_is_dropped_does_not_fail_the_request_either() {
    struct Twice;

    impl Drop for Twice {
        fn drop(&mut self) {
            std::panic::panic_any(Twice);
        }
    }

    let last = Log::default();
    let auth = Authenticator::new(store(false).0)
        .add_observer(|_: &Outcome<'_>| std::panic::panic_any(Twice))
        .add_observer(last.observer());
    assert!(auth.verify_key(KEY.as_bytes()).is_ok());
    assert_eq!(last.take().len(), 1);
}

#[tokio::test]
async fn faults_of_the_store_are_told_as_such() {
    let log = Log::default();
    let failing = keygate::store_fn(|_| async { Err(StoreError::new("connection refused")) });
    let auth = Authenticator::new(failing).add_observer(log.observer());
    assert!(auth.authenticate_key(KEY.as_bytes()).await.is_err());
    let silent = keygate::store_fn(|_| std::future::pending());
    let auth =
        Authenticator::new(silent).deadline(Duration::from_millis(1)).add_observer(log.observer());
    assert!(auth.authenticate_key(KEY.as_bytes()).await.is_err());
    // A record of another key says nothing about whose the request was.
    let wrong = keygate::store_fn(|_| async {
        Ok(Some(KeyRecord::new(KeyDigest::of(b"another"), ClientProfile::new("Another"))))
    });
    let auth = Authenticator::new(wrong).add_observer(log.observer());
    assert!(auth.authenticate_key(KEY.as_bytes()).await.is_err());
    assert_eq!(
        log.take(),
        [("unavailable", None, false), ("unavailable", None, false), ("unavailable", None, false)]
    );
}
