//! What observers are told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request};
use keygate::{
    ApiKeyLayer, Authenticator, Client, ClientProfile, KeyDigest, KeyRecord, KeyState, KeyStore,
    Lookup, MemoryStore, Outcome, RequireScope, StoreError,
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
