//! If the service requires TLS, all requests in clear get the same refusal, whatever their key.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use http::request::Parts;
use http::{Request, Response};
use keygate::client::{ClientAddress, Transport, TrustedProxies};
use keygate::error::Misconfiguration;
use keygate::respond::{Grpc, NoBody, ProblemJson, Respond};
use keygate::{ApiKeyLayer, AuthError, Authenticator, KeyId, KeyStore, Outcome, Source};
use tower::{Layer as _, ServiceExt as _};

use crate::common::keys::{
    DISABLED, EXPIRED, Keys, MIXED_UP, REVOKED, RIGHT, UNANSWERABLE, WRONG, id_of,
};
use crate::common::reply::Reply;
use crate::common::services::{greet, respond};
use crate::common::stores::{Later, Stuck};

const PROXY: &str = "10.0.0.1";

/// Requests with every kind of key.
fn requests() -> Vec<Request<()>> {
    let keys =
        [RIGHT, WRONG, EXPIRED, REVOKED, DISABLED, UNANSWERABLE, MIXED_UP, "", &"k".repeat(600)];
    let request = |keys: &[&str]| {
        let mut request = Request::builder();
        for key in keys {
            request = request.header("x-api-key", *key);
        }
        request.body(()).unwrap()
    };
    let mut requests: Vec<_> = keys.iter().map(|key| request(&[key])).collect();
    requests.push(request(&[RIGHT, RIGHT]));
    requests.push(request(&[]));
    requests
}

fn over(mut request: Request<()>, transport: Transport) -> Request<()> {
    request.extensions_mut().insert(transport);
    request
}

fn auth<S: KeyStore>(store: S) -> Authenticator<S> {
    Authenticator::new(store).require_tls()
}

/// The response of a layer, with `Retry-After` if it has one.
async fn reply<R: Respond<String> + Clone, S: KeyStore>(
    layer: ApiKeyLayer<S, R>,
    request: Request<()>,
) -> Reply {
    let greeter =
        tower::service_fn(
            |request: Request<()>| async move { Ok::<_, Infallible>(greet(&request)) },
        );
    let Ok(response) = layer.layer(greeter).oneshot(request).await;
    assert!(response.extensions().get::<AuthError>().is_some());
    Reply::of(response).await
}

#[tokio::test]
async fn response_in_clear_is_the_same_for_every_key() {
    let mut expected: Option<Reply> = None;
    for request in requests() {
        let request = over(request, Transport::Clear);
        let parts = request.clone().into_parts().0;
        let entrances = [
            auth(Keys).verify_parts(&parts),
            auth(Keys).authenticate_parts(&parts).await,
            auth(Later(Keys)).authenticate_parts(&parts).await,
        ];
        let mut replies = Vec::new();
        for result in entrances {
            replies.push(Reply::of(auth(Keys).respond::<String>(&result.unwrap_err())).await);
        }
        replies.push(reply(auth(Keys).into(), request.clone()).await);
        replies.push(reply(ApiKeyLayer::from(auth(Later(Keys))), request.clone()).await);
        replies.push(reply(ApiKeyLayer::from(auth(Keys)).optional(), request.clone()).await);
        let bearer = auth(Keys).with_sources([Source::header("x-api-key"), Source::bearer()]);
        replies.push(reply(ApiKeyLayer::from(bearer.unwrap()), request).await);
        for reply in replies {
            assert_eq!(reply, *expected.get_or_insert_with(|| reply.clone()));
        }
    }
    let reply = expected.unwrap();
    assert_eq!(reply.status, 403);
    assert_eq!(reply.lines("www-authenticate"), [""; 0]);
    assert_eq!(reply.lines("cache-control"), ["no-store"]);
    let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let expected = serde_json::json!(
        { "title": "Forbidden", "status": 403, "detail": "Requests must use HTTPS" }
    );
    assert_eq!(problem, expected);
}

#[tokio::test]
async fn key_sent_by_bearer_is_not_challenged_in_clear() {
    for key in [RIGHT, WRONG] {
        let request = Request::builder().header("authorization", format!("Bearer {key}"));
        let request = over(request.body(()).unwrap(), Transport::Clear);
        let auth = auth(Keys).with_sources([Source::bearer()]).unwrap();
        let reply = reply(ApiKeyLayer::from(auth), request).await;
        assert_eq!((reply.status.as_u16(), reply.lines("www-authenticate").len()), (403, 0));
    }
}

#[tokio::test]
async fn every_kind_of_body_hides_whether_the_key_is_right() {
    async fn of_each_key<R: Respond<String> + Clone>(respond: R) -> Reply {
        let mut replies = Vec::new();
        for request in requests() {
            let layer = ApiKeyLayer::from(auth(Keys)).with_response(respond.clone());
            replies.push(reply(layer, over(request, Transport::Clear)).await);
        }
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
        replies.swap_remove(0)
    }
    assert_eq!(of_each_key(ProblemJson).await.status, 403);
    assert_eq!(of_each_key(NoBody).await.status, 403);
    let grpc = of_each_key(Grpc).await;
    assert_eq!(grpc.lines("grpc-status"), ["7"]);
    assert_eq!(grpc.lines("grpc-message"), ["Requests must use HTTPS"]);
}

#[tokio::test]
async fn store_that_never_responds_is_hidden_in_clear() {
    let auth = auth(Stuck::times(1, Keys)).with_deadline(std::time::Duration::from_millis(1));
    let request = over(requests().swap_remove(0), Transport::Clear);
    let error = auth.authenticate_parts(&request.into_parts().0).await.unwrap_err();
    assert!(matches!(error, AuthError::SentInClear(_)), "{error:?}");
}

#[tokio::test]
async fn observers_only_get_the_id_of_a_right_key() {
    type Seen = (&'static str, Option<KeyId>, Option<String>);
    let log: Arc<Mutex<Vec<Seen>>> = Arc::default();
    for request in requests() {
        let right = request.headers().get_all("x-api-key").iter().eq([RIGHT]);
        let request = over(request, Transport::Clear);
        let seen = Arc::clone(&log);
        let observer = move |outcome: &Outcome<'_>| {
            let client = outcome.client().map(|client| client.name().to_owned());
            seen.lock().unwrap().push((outcome.name(), outcome.key_id(), client));
        };
        let expected = if right {
            ("sent_in_clear", Some(id_of(RIGHT)), Some("User 1".to_owned()))
        } else {
            ("sent_in_clear", None, None)
        };
        let parts = request.clone().into_parts().0;
        let auth = auth(Keys).add_observer(observer.clone());
        let error = auth.verify_parts(&parts).unwrap_err();
        assert_eq!(error.key_id(), expected.1);
        respond(&ApiKeyLayer::from(auth.clone()), request.clone()).await;
        respond(&ApiKeyLayer::from(auth).optional(), request).await;
        let later = self::auth(Later(Keys)).add_observer(observer);
        assert!(later.authenticate_parts(&parts).await.is_err());
        // An outer layer does not report it again.
        assert_eq!(std::mem::take(&mut *log.lock().unwrap()), vec![expected; 4]);
    }
}

#[tokio::test]
async fn encrypted_request_has_the_usual_outcome() {
    for request in requests() {
        let usual = ApiKeyLayer::new(Keys);
        let usual = respond(&usual, request.clone()).await;
        let layer = ApiKeyLayer::from(auth(Keys));
        let response: Response<String> =
            respond(&layer, over(request.clone(), Transport::Tls)).await;
        assert_eq!(response.status(), usual.status());
        assert_eq!(response.body(), usual.body());
        let optional = layer.optional();
        let optional = respond(&optional, over(request.clone(), Transport::Tls)).await;
        let is_missing = request.headers().is_empty();
        assert_eq!(optional.body() == "nobody", is_missing);
    }
}

#[tokio::test]
async fn unreported_transport_is_misconfigured_and_never_admitted() {
    let is_misconfigured =
        |error: AuthError| matches!(error, AuthError::Misconfigured(Misconfiguration::NoTransport));
    for request in requests() {
        let parts = request.clone().into_parts().0;
        assert!(is_misconfigured(auth(Keys).verify_parts(&parts).unwrap_err()));
        assert!(is_misconfigured(auth(Keys).verify(&parts.headers).unwrap_err()));
        assert!(is_misconfigured(auth(Later(Keys)).authenticate_parts(&parts).await.unwrap_err()));
        let layers = [ApiKeyLayer::from(auth(Keys)), ApiKeyLayer::from(auth(Keys)).optional()];
        for layer in layers {
            let response = respond(&layer, request.clone()).await;
            assert_eq!(response.status(), 500);
            assert!(response.body().contains("`Authenticator::require_tls`"));
        }
        // There are trusted proxies, and the peer is unknown.
        let auth = auth(Keys).with_client_address(behind(proxies()));
        assert!(is_misconfigured(auth.verify_parts(&parts).unwrap_err()));
        let parts = over(request, Transport::Tls).into_parts().0;
        assert!(is_misconfigured(auth.verify_parts(&parts).unwrap_err()));
    }
    assert!(is_misconfigured(auth(Keys).verify_key(RIGHT.as_bytes()).unwrap_err()));
    assert!(is_misconfigured(auth(Keys).authenticate_key(RIGHT.as_bytes()).await.unwrap_err()));
}

fn proxies() -> TrustedProxies {
    TrustedProxies::new(["10.0.0.0/8"]).unwrap()
}

fn behind(proxies: TrustedProxies) -> ClientAddress {
    ClientAddress::by_peer(|peer: &IpAddr| *peer).behind(proxies)
}

fn from_peer(peer: &str, lines: &[(&str, &str)], transport: Option<Transport>) -> Parts {
    let mut request = Request::builder().extension(peer.parse::<IpAddr>().unwrap());
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    let mut request = request.header("x-api-key", RIGHT).body(()).unwrap();
    if let Some(transport) = transport {
        request.extensions_mut().insert(transport);
    }
    request.into_parts().0
}

fn is_admitted(proxies: TrustedProxies, parts: &Parts) -> bool {
    let peer = parts.extensions.get::<IpAddr>().unwrap();
    let reported = proxies.transport(*peer, &parts.headers);
    match auth(Keys).with_client_address(behind(proxies)).verify_parts(parts) {
        Ok(_) => {
            assert_ne!(reported, Some(Transport::Clear));
            true
        }
        Err(AuthError::SentInClear(_)) => {
            assert_ne!(reported, Some(Transport::Tls));
            false
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn x_forwarded_proto_of_a_trusted_proxy_decides() {
    let cases: &[(&str, &[&str], bool)] = &[
        (PROXY, &["https"], true),
        ("::ffff:10.0.0.1", &["HTTPS"], true),
        (PROXY, &["wss"], true),
        (PROXY, &["https, https"], true),
        (PROXY, &["https", "https"], true),
        (PROXY, &[" https , ,"], true),
        (PROXY, &[], false),
        (PROXY, &[""], false),
        (PROXY, &[","], false),
        (PROXY, &["http"], false),
        (PROXY, &["ws"], false),
        (PROXY, &["https, http"], false),
        (PROXY, &["http, https"], false),
        (PROXY, &["https", "http"], false),
        (PROXY, &["http", "https"], false),
        (PROXY, &["httpss"], false),
        (PROXY, &["\"https\""], false),
        (PROXY, &["https;"], false),
        // A caller may write anything.
        ("203.0.113.9", &["https"], false),
    ];
    for (peer, values, expected) in cases {
        let lines: Vec<_> = values.iter().map(|value| ("x-forwarded-proto", *value)).collect();
        let parts = from_peer(peer, &lines, None);
        assert_eq!(is_admitted(proxies(), &parts), *expected, "{peer} {values:?}");
    }
    // The other header is not read.
    let parts = from_peer(PROXY, &[("forwarded", "for=192.0.2.1;proto=https")], None);
    assert!(!is_admitted(proxies(), &parts));
}

#[test]
fn proto_in_forwarded_of_the_outermost_proxy_decides() {
    let cases: &[(&str, &[&str], bool)] = &[
        (PROXY, &["for=192.0.2.1;proto=https"], true),
        (PROXY, &["For=192.0.2.1; Proto=\"HTTPS\""], true),
        (PROXY, &["proto=https"], true),
        (PROXY, &["for=unknown;proto=https"], true),
        // Traffic between proxies does not count.
        (PROXY, &["for=192.0.2.1;proto=https, for=10.0.0.2;proto=http"], true),
        (PROXY, &["for=192.0.2.1;proto=https", "for=10.0.0.2"], true),
        (PROXY, &["for=192.0.2.1;proto=http, for=10.0.0.2;proto=https"], false),
        // A caller wrote the beginning.
        (PROXY, &["for=10.0.0.9;proto=https, for=192.0.2.1;proto=http"], false),
        (PROXY, &["proto=https, for=192.0.2.1"], false),
        (PROXY, &["for=10.0.0.9;proto=https, for=unknown;proto=http"], false),
        (PROXY, &[], false),
        (PROXY, &["for=192.0.2.1"], false),
        (PROXY, &["for=192.0.2.1;proto=http"], false),
        (PROXY, &["for=192.0.2.1;proto=https;proto=https"], false),
        (PROXY, &["for=192.0.2.1;xproto=https"], false),
        (PROXY, &["for=\"a;proto=https\""], false),
        ("203.0.113.9", &["for=192.0.2.1;proto=https"], false),
    ];
    for (peer, values, expected) in cases {
        let lines: Vec<_> = values.iter().map(|value| ("forwarded", *value)).collect();
        let parts = from_peer(peer, &lines, None);
        let admitted = is_admitted(proxies().reading_forwarded(), &parts);
        assert_eq!(admitted, *expected, "{peer} {values:?}");
    }
    let parts = from_peer(PROXY, &[("x-forwarded-proto", "https")], None);
    assert!(!is_admitted(proxies().reading_forwarded(), &parts));
}

#[test]
fn server_reports_for_peers_other_than_proxies() {
    let (clear, tls) = (Some(Transport::Clear), Some(Transport::Tls));
    let https: &[(&str, &str)] = &[("x-forwarded-proto", "https")];
    for (peer, lines, transport, expected) in [
        ("203.0.113.9", &[][..], tls, true),
        ("203.0.113.9", https, clear, false),
        ("203.0.113.9", https, None, false),
        // The proxy's own connection does not count.
        (PROXY, &[], tls, false),
        (PROXY, https, clear, true),
    ] {
        let parts = from_peer(peer, lines, transport);
        assert_eq!(is_admitted(proxies(), &parts), expected, "{peer} {lines:?} {transport:?}");
    }
}
