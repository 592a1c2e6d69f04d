//! `Debug` of a request in the service behind the layer.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use keygate::store::store_fn;
use keygate::{ApiKeyLayer, Authenticator, KeyStore, LocalKeyStore as _, MemoryStore, Source};
use tower::{Layer as _, ServiceExt as _};

use crate::common::sources::all;
use crate::redaction::canary::{CANARY, assert_hidden, debug, trace_in};

/// A request with the canary in each source.
fn places() -> Vec<(Source, Request<()>)> {
    let requests = all().into_iter().map(|case| {
        let request = case.request(CANARY.as_bytes());
        (case.source, request)
    });
    requests.collect()
}

fn known() -> MemoryStore {
    MemoryStore::from_keys([(CANARY, "User 1")]).unwrap()
}

/// The request as the service behind the layer sees it, if the request is passed on.
async fn seen_behind<S: KeyStore>(
    layer: ApiKeyLayer<S>,
    request: Request<()>,
) -> Option<Request<()>> {
    let seen = Arc::new(Mutex::new(None));
    let service = tower::service_fn(|request: Request<()>| {
        *seen.lock().unwrap() = Some(request);
        async { Ok::<_, Infallible>(Response::new(String::new())) }
    });
    let _response = layer.layer(service).oneshot(request).await.unwrap();
    seen.lock().unwrap().take()
}

fn layer<S: KeyStore>(store: S, sources: impl IntoIterator<Item = Source>) -> ApiKeyLayer<S> {
    Authenticator::new(store).with_sources_in_parts(sources).unwrap().into()
}

#[tokio::test]
async fn headers_with_credentials_are_sensitive_behind_the_layer() {
    for (source, request) in places() {
        let what = format!("{source:?}");
        let is_query = what.contains("query");
        let waiting = store_fn(|digest| async move {
            tokio::task::yield_now().await;
            known().find(&digest)
        });
        let local = seen_behind(layer(known(), [source.clone()]), request.clone()).await;
        let waited = seen_behind(layer(waiting, [source]), request).await;
        for seen in [local, waited].map(Option::unwrap) {
            assert_hidden(&what, &debug(seen.headers()));
            // A URI cannot be marked; see the next test.
            assert_eq!(trace_in(&debug(&seen)).is_some(), is_query, "{what}");
        }
    }
}

#[tokio::test]
async fn stripped_requests_show_no_credentials_at_all() {
    for (source, request) in places() {
        let what = format!("{source:?}");
        let layer = layer(known(), [source]).strip_credentials();
        let seen = seen_behind(layer, request).await.unwrap();
        let values: Vec<_> = seen.headers().values().map(http::HeaderValue::as_bytes).collect();
        assert_hidden(&what, &format!("{}{values:?}", debug(&seen)));
    }
}

#[tokio::test]
async fn other_schemes_are_sensitive_behind_an_optional_layer() {
    let (_, mut request) = places().swap_remove(0);
    request.headers_mut().clear();
    request.headers_mut().insert("authorization", format!("Basic {CANARY}").parse().unwrap());
    let layer = layer(known(), [Source::bearer()]).optional();
    let seen = seen_behind(layer, request).await.unwrap();
    assert_hidden("an anonymous request", &debug(&seen));
}

#[tokio::test]
async fn refusals_show_no_key() {
    for (source, request) in places() {
        let what = format!("{source:?}");
        let service = layer(MemoryStore::new(), [source]).layer(tower::service_fn(|_| async {
            Ok::<_, Infallible>(Response::new(String::new()))
        }));
        let response = service.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_hidden(&what, &debug(&response));
        assert_hidden(&what, &debug(response.extensions().get::<keygate::AuthError>().unwrap()));
    }
}

#[test]
fn redact_marks_credential_headers_as_sensitive() {
    let mut headers = HeaderMap::new();
    let in_headers: Vec<_> = all().into_iter().filter(|case| case.header.is_some()).collect();
    for case in in_headers.iter().chain(&in_headers) {
        let request = case.request(CANARY.as_bytes());
        let name = case.header.unwrap();
        headers.append(name, request.headers()[name].clone());
    }
    headers.append("cookie", "a=b".parse().unwrap());
    headers.insert("x-other", "other".parse().unwrap());
    let auth = Authenticator::new(known())
        .with_sources(in_headers.into_iter().map(|case| case.source))
        .unwrap();
    auth.redact(&mut headers);
    assert_hidden("redacted headers", &debug(&headers));
    assert!(debug(&headers).contains("other"));
}
