use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request};
use keygate::{ApiKeyLayer, Authenticator, KeyDigest, KeyRecord, Outcome};
use tower::ServiceExt as _;

use crate::observing::fixture::{KEY, Log, store};

#[tokio::test]
async fn every_outcome_is_reported_once_with_its_known_client() {
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
        let app: Router = Router::new().route("/", get(|| async { "admitted" })).layer(layer);
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

#[cfg(feature = "throttle")]
#[test]
fn throttled_wrong_keys_are_reported_with_their_reason() {
    use keygate::WrongReason;
    use keygate::client::ClientAddress;
    use keygate::limit::FailureThrottle;

    let log: Arc<Mutex<Vec<_>>> = Arc::default();
    let reported = Arc::clone(&log);
    let auth = Authenticator::new(store(false).0)
        .with_client_address(ClientAddress::by(|_, _| Some([192, 0, 2, 1].into())))
        .throttle_failures(FailureThrottle::new().with_rate("1/day".parse().unwrap()))
        .add_observer(move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            let outcome = (outcome.name(), outcome.reason(), client, outcome.key_id());
            reported.lock().unwrap().push(outcome);
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
