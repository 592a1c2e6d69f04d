//! `optional` admits requests without a key, and refuses wrong keys.

use http::{Request, Response};
use keygate::{ApiKeyLayer, AuthError, Authenticator, KeyStore, Source};

use crate::common::keys::{EXPIRED, Keys, RIGHT, UNANSWERABLE, WRONG};
use crate::common::services::answer;
use crate::common::stores::Later;

fn sources() -> [Source; 4] {
    [
        Source::header("x-api-key"),
        Source::bearer(),
        Source::cookie("api_key"),
        Source::query("api_key"),
    ]
}

async fn answers(request: http::request::Builder) -> Response<String> {
    async fn through<S: KeyStore>(store: S, request: Request<()>) -> Response<String> {
        let auth = Authenticator::new(store).with_sources_in_parts(sources()).unwrap();
        answer(&ApiKeyLayer::from(auth).optional(), request).await
    }
    let request = request.body(()).unwrap();
    let response = through(Keys, request.clone()).await;
    let later = through(Later(Keys), request).await;
    assert_eq!((response.status(), response.body()), (later.status(), later.body()));
    response
}

fn get(target: &str) -> http::request::Builder {
    Request::builder().uri(target)
}

#[tokio::test]
async fn request_without_credentials_is_anonymous() {
    for request in [
        get("/"),
        get("/?api_keys=1&key=2"),
        get("/").header("accept", "*/*"),
        get("/").header("cookie", "api_keys=1; key=2"),
        get("/").header("authorization", "Hawk dXNlcjpwYXNz"),
    ] {
        let response = answers(request).await;
        assert_eq!((response.status().as_u16(), &**response.body()), (200, "nobody"));
    }
}

#[tokio::test]
async fn request_with_a_right_key_is_its_clients() {
    for request in [
        get("/").header("x-api-key", RIGHT),
        get("/").header("authorization", format!("Bearer {RIGHT}")),
        get("/").header("cookie", format!("api_key={RIGHT}")),
        get(&format!("/?api_key={RIGHT}")),
        get("/").header("x-api-key", "").header("authorization", format!("Bearer {RIGHT}")),
    ] {
        let response = answers(request).await;
        assert_eq!((response.status().as_u16(), &**response.body()), (200, "User 1"));
    }
}

#[tokio::test]
async fn request_with_wrong_credentials_is_refused() {
    for request in [
        get("/").header("x-api-key", WRONG),
        get("/").header("x-api-key", EXPIRED),
        get("/").header("x-api-key", "k".repeat(513)),
        get("/").header("x-api-key", RIGHT).header("x-api-key", RIGHT),
        get("/").header("authorization", "Bearer wrong"),
        get("/").header("authorization", "Basic a").header("authorization", "Basic b"),
        get("/").header("cookie", "api_key=wrong"),
        get("/").header("cookie", format!("api_key={RIGHT}; api_key={RIGHT}")),
        get("/?api_key=wrong"),
        get("/?api_key=1&api_key=2"),
    ] {
        let response = answers(request).await;
        assert_eq!(response.status(), 401);
        let error = response.extensions().get();
        assert!(matches!(error, Some(AuthError::WrongCredentials(_))), "{error:?}");
    }
}

#[tokio::test]
async fn request_with_blank_credentials_is_refused() {
    for request in [
        get("/").header("x-api-key", ""),
        get("/").header("x-api-key", " \t "),
        get("/").header("authorization", "Bearer"),
        get("/").header("authorization", "bearer  "),
        get("/").header("authorization", ""),
        get("/").header("cookie", "api_key="),
        get("/").header("cookie", "a=1; api_key= ;b=2"),
        get("/?api_key="),
        get("/?api_key"),
        get("/?a=1&api_key=+%20&b"),
    ] {
        let shown = format!("{request:?}");
        let response = answers(request).await;
        assert_eq!(response.status(), 401, "{shown}");
        assert!(matches!(response.extensions().get(), Some(AuthError::NoCredentials)), "{shown}");
    }
}

#[tokio::test]
async fn store_errors_make_no_request_anonymous() {
    let response = answers(get("/").header("x-api-key", UNANSWERABLE)).await;
    assert_eq!(response.status(), 503);
}
