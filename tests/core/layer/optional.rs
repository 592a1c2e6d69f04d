//! `optional` admits requests without a key, and refuses wrong keys.

use http::{Request, Response};
use keygate::{ApiKeyLayer, AuthError, Authenticator, KeyStore};

use crate::common::keys::{EXPIRED, Keys, RIGHT, UNANSWERABLE, WRONG};
use crate::common::services::respond;
use crate::common::sources::all;
use crate::common::stores::Later;

async fn responses(request: Request<()>) -> Response<String> {
    async fn through<S: KeyStore>(store: S, request: Request<()>) -> Response<String> {
        let sources = all().into_iter().map(|case| case.source);
        let auth = Authenticator::new(store).with_sources_in_parts(sources).unwrap();
        respond(&ApiKeyLayer::from(auth).optional(), request).await
    }
    let response = through(Keys, request.clone()).await;
    let later = through(Later(Keys), request).await;
    assert_eq!((response.status(), response.body()), (later.status(), later.body()));
    response
}

async fn response(request: http::request::Builder) -> Response<String> {
    responses(request.body(()).unwrap()).await
}

fn get(target: &str) -> http::request::Builder {
    Request::builder().uri(target)
}

#[tokio::test]
async fn request_without_credentials_is_anonymous() {
    for request in [
        get("/"),
        get("/?keys=1&k=2"),
        get("/").header("accept", "*/*"),
        get("/").header("cookie", "keys=1; k=2"),
        get("/").header("authorization", "Hawk dXNlcjpwYXNz"),
    ] {
        let response = response(request).await;
        assert_eq!((response.status().as_u16(), &**response.body()), (200, "nobody"));
    }
}

#[tokio::test]
async fn request_with_a_right_key_has_its_client() {
    let requests = all().into_iter().map(|case| case.request(RIGHT.as_bytes()));
    let blank = get("/").header("x-key", "").header("authorization", format!("Bearer {RIGHT}"));
    for request in requests.chain([blank.body(()).unwrap()]) {
        let response = responses(request).await;
        assert_eq!((response.status().as_u16(), &**response.body()), (200, "User 1"));
    }
}

#[tokio::test]
async fn request_with_wrong_credentials_is_refused() {
    for request in [
        get("/").header("x-key", WRONG),
        get("/").header("x-key", EXPIRED),
        get("/").header("x-key", "k".repeat(513)),
        get("/").header("x-key", RIGHT).header("x-key", RIGHT),
        get("/").header("authorization", "Bearer wrong"),
        get("/").header("authorization", "Basic a").header("authorization", "Basic b"),
        get("/").header("cookie", "key=wrong"),
        get("/").header("cookie", format!("key={RIGHT}; key={RIGHT}")),
        get("/?key=wrong"),
        get("/?key=1&key=2"),
    ] {
        let response = response(request).await;
        assert_eq!(response.status(), 401);
        let error = response.extensions().get();
        assert!(matches!(error, Some(AuthError::WrongCredentials(_))), "{error:?}");
    }
}

#[tokio::test]
async fn request_with_blank_credentials_is_refused() {
    for request in [
        get("/").header("x-key", ""),
        get("/").header("x-key", " \t "),
        get("/").header("authorization", "Bearer"),
        get("/").header("authorization", "bearer  "),
        get("/").header("authorization", ""),
        get("/").header("cookie", "key="),
        get("/").header("cookie", "a=1; key= ;b=2"),
        get("/?key="),
        get("/?key"),
        get("/?a=1&key=+%20&b"),
    ] {
        let shown = format!("{request:?}");
        let response = response(request).await;
        assert_eq!(response.status(), 401, "{shown}");
        assert!(matches!(response.extensions().get(), Some(AuthError::NoCredentials)), "{shown}");
    }
}

#[tokio::test]
async fn store_error_does_not_make_a_request_anonymous() {
    let response = response(get("/").header("x-key", UNANSWERABLE)).await;
    assert_eq!(response.status(), 503);
}
