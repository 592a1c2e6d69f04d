//! The request as the service behind the layer sees it.

use http::{Extensions, HeaderValue, Method, Request};
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, KeyStore, Source};

use crate::common::keys::{Keys, RIGHT, RIGHT_TOO, WRONG, client_of, id_of};
use crate::common::services::{respond, seen_behind};
use crate::common::stores::Later;

fn with_key(key: &str) -> Request<()> {
    Request::builder().header("x-api-key", key).body(()).unwrap()
}

fn client_in(extensions: &Extensions) -> Option<&str> {
    extensions.get().map(Client::name)
}

#[tokio::test]
async fn client_is_in_the_extensions_of_the_request() {
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
async fn preset_client_admits_nobody() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        for mut request in [Request::new(()), with_key(WRONG), with_key("")] {
            request.extensions_mut().insert(client_of(RIGHT));
            let response = respond(&layer, request).await;
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
async fn options_requests_need_a_key() {
    for layer in [ApiKeyLayer::new(Keys), ApiKeyLayer::new(Keys).optional()] {
        let preflight = Request::builder()
            .method(Method::OPTIONS)
            .header("origin", "https://example.com")
            .header("access-control-request-method", "GET")
            .header("x-api-key", WRONG);
        assert_eq!(respond(&layer, preflight.body(()).unwrap()).await.status(), 401);
    }
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .header("origin", "https://example.com")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "x-api-key");
    let response = respond(&ApiKeyLayer::new(Keys), preflight.body(()).unwrap()).await;
    assert!(matches!(response.extensions().get(), Some(AuthError::NoCredentials)));
    assert_eq!(response.status(), 401);
}
