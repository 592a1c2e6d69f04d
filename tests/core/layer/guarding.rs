//! What the service behind the layer finds in the request.

use http::{Extensions, HeaderValue, Method, Request};
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, KeyStore, Source};

use crate::common::keys::{Keys, RIGHT, RIGHT_TOO, WRONG, client_of, id_of};
use crate::common::services::{answer, seen_behind};
use crate::common::stores::Later;

fn with_key(key: &str) -> Request<()> {
    Request::builder().header("x-api-key", key).body(()).unwrap()
}

fn client_in(extensions: &Extensions) -> Option<&str> {
    extensions.get().map(Client::name)
}

#[tokio::test]
async fn client_stands_in_the_extensions_of_the_request() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let seen = seen_behind(&layer, with_key(RIGHT)).await.unwrap();
        let client = seen.extensions.get::<Client>().unwrap();
        assert_eq!((client.name(), client.key_id()), ("User 1", id_of(RIGHT)));
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
    check(ApiKeyLayer::new(Keys).optional().strip_credentials()).await;
    check(ApiKeyLayer::new(Later(Keys)).optional().strip_credentials()).await;
}

#[tokio::test]
async fn earlier_client_is_replaced_by_the_verified_one() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let mut request = with_key(RIGHT);
        request.extensions_mut().insert(client_of(RIGHT_TOO));
        let seen = seen_behind(&layer, request).await.unwrap();
        assert_eq!(client_in(&seen.extensions), Some("User 1"));
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
    check(ApiKeyLayer::new(Keys).optional()).await;
    check(ApiKeyLayer::new(Later(Keys)).optional()).await;
}

#[tokio::test]
async fn client_that_was_there_before_lets_nobody_in() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        for mut request in [Request::new(()), with_key(WRONG), with_key("")] {
            request.extensions_mut().insert(client_of(RIGHT));
            let response = answer(&layer, request).await;
            assert_eq!(response.status(), 401);
        }
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}

#[tokio::test]
async fn earlier_client_is_removed_from_an_anonymous_request() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let mut request = Request::new(());
        request.extensions_mut().insert(client_of(RIGHT));
        let seen = seen_behind(&layer.optional(), request).await.unwrap();
        assert_eq!(client_in(&seen.extensions), None);
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}

#[tokio::test]
async fn value_that_carries_the_key_is_marked_sensitive_and_no_other() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>, name: &str, value: &str) {
        let request = Request::builder().header(name, value).header("accept", "*/*");
        let seen = seen_behind(&layer, request.body(()).unwrap()).await.unwrap();
        assert!(seen.headers[name].is_sensitive(), "{name}");
        assert_eq!(seen.headers[name], value);
        assert!(!seen.headers["accept"].is_sensitive());
        assert!(!format!("{:?}", seen.headers).contains(RIGHT));
    }
    let auth = |source| Authenticator::new(Keys).with_sources([source]).unwrap();
    let later = |source| Authenticator::new(Later(Keys)).with_sources([source]).unwrap();
    check(auth(Source::header("x-key")).into(), "x-key", RIGHT).await;
    check(later(Source::header("x-key")).into(), "x-key", RIGHT).await;
    let bearer = format!("Bearer {RIGHT}");
    check(auth(Source::bearer()).into(), "authorization", &bearer).await;
    check(later(Source::bearer()).into(), "authorization", &bearer).await;
    let cookie = format!("api_key={RIGHT}");
    check(auth(Source::cookie("api_key")).into(), "cookie", &cookie).await;
    check(later(Source::cookie("api_key")).into(), "cookie", &cookie).await;
}

#[tokio::test]
async fn every_line_of_cookies_is_marked_sensitive() {
    let auth = Authenticator::new(Keys).with_sources([Source::cookie("api_key")]).unwrap();
    let request = Request::builder()
        .header("cookie", "theme=dark")
        .header("cookie", format!("api_key={RIGHT}"))
        .body(());
    let seen = seen_behind(&auth.into(), request.unwrap()).await.unwrap();
    assert!(seen.headers.get_all("cookie").iter().all(HeaderValue::is_sensitive));
}

#[tokio::test]
async fn credentials_in_later_sources_are_marked_sensitive_too() {
    let sources = [Source::header("x-api-key"), Source::bearer(), Source::cookie("api_key")];
    let auth = Authenticator::new(Keys).with_sources(sources).unwrap();
    let request = Request::builder()
        .header("x-api-key", RIGHT)
        .header("authorization", format!("Bearer {RIGHT_TOO}"))
        .header("cookie", format!("api_key={RIGHT_TOO}"));
    let seen = seen_behind(&auth.into(), request.body(()).unwrap()).await.unwrap();
    for name in ["x-api-key", "authorization", "cookie"] {
        assert!(seen.headers[name].is_sensitive(), "{name}");
    }
}

#[tokio::test]
async fn options_gets_no_free_pass() {
    for layer in [ApiKeyLayer::new(Keys), ApiKeyLayer::new(Keys).optional()] {
        let preflight = Request::builder()
            .method(Method::OPTIONS)
            .header("origin", "https://example.com")
            .header("access-control-request-method", "GET")
            .header("x-api-key", WRONG);
        assert_eq!(answer(&layer, preflight.body(()).unwrap()).await.status(), 401);
    }
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .header("origin", "https://example.com")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "x-api-key");
    let response = answer(&ApiKeyLayer::new(Keys), preflight.body(()).unwrap()).await;
    assert!(matches!(response.extensions().get(), Some(AuthError::NoCredentials)));
    assert_eq!(response.status(), 401);
}
