//! Responses that carry an error get the headers of a refusal, exactly once.

use std::convert::Infallible;

use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response};
use keygate::respond::NoBody;
use keygate::{ApiKeyLayer, AuthError, Authenticator, KeyStore, Source};
use tower::{Layer as _, ServiceExt as _};

use crate::common::keys::{Keys, RIGHT, RIGHT_TOO, UNANSWERABLE, WRONG, refusal_of};
use crate::common::reply::lines;
use crate::common::services::{greet, respond, respond_from};
use crate::common::stores::{Anyone, Later};

fn with_key(name: &str, key: &str) -> Request<()> {
    Request::builder().header(name, key).body(()).unwrap()
}

fn orders<S: KeyStore>(store: S) -> Authenticator<S> {
    let sources = [Source::header("x-api-key"), Source::bearer()];
    Authenticator::new(store).with_sources(sources).unwrap().with_realm("orders").unwrap()
}

const PLAIN: [&str; 2] =
    [r#"Bearer realm="orders""#, r#"ApiKey realm="orders", in="header", name="x-api-key""#];

/// A handler that returns this error by `?`.
async fn returned<S: KeyStore>(
    layer: &ApiKeyLayer<S>,
    error: AuthError,
) -> axum::response::Response {
    let handler = tower::service_fn(move |_: Request<()>| {
        let response = error.clone().into_response();
        async { Ok::<_, Infallible>(response) }
    });
    let Ok(response) = layer.layer(handler).oneshot(with_key("x-api-key", RIGHT)).await;
    response
}

#[tokio::test]
async fn refusal_from_a_handler_gets_the_challenges_once() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        for error in [AuthError::NoCredentials, refusal_of(WRONG)] {
            let response = returned(&layer, error).await;
            assert_eq!(response.status(), 401);
            assert_eq!(lines(&response, "www-authenticate"), PLAIN);
            assert_eq!(lines(&response, "cache-control"), ["no-store"]);
            assert!(lines(&response, "retry-after").is_empty());
        }
    }
    check(orders(Keys).into()).await;
    check(orders(Later(Keys)).into()).await;
    check(ApiKeyLayer::from(orders(Keys)).optional()).await;
    check(ApiKeyLayer::from(orders(Keys)).without_cache_fields()).await;
}

#[tokio::test]
async fn bearer_refusal_from_a_handler_names_the_error() {
    let bearer = Authenticator::new(Keys).with_sources([Source::bearer()]).unwrap();
    let headers = http::HeaderMap::from_iter([(
        http::header::AUTHORIZATION,
        HeaderValue::from_static("Bearer wrong"),
    )]);
    let error = bearer.verify(&headers).unwrap_err();
    let response = returned(&orders(Keys).into(), error).await;
    let named = [r#"Bearer realm="orders", error="invalid_token""#, PLAIN[1]];
    assert_eq!(lines(&response, "www-authenticate"), named);
}

#[tokio::test]
async fn outage_in_a_handler_gets_retry_after_and_no_challenge() {
    let response = returned(&orders(Keys).into(), refusal_of(UNANSWERABLE)).await;
    assert_eq!(response.status(), 503);
    assert!(lines(&response, "www-authenticate").is_empty());
    assert_eq!(lines(&response, "cache-control"), ["no-store"]);
    assert_eq!(lines(&response, "retry-after").len(), 1);
}

#[tokio::test]
async fn error_in_the_extensions_is_enough_for_a_service_of_any_kind() {
    let response = respond_from(&orders(Keys).into(), with_key("x-api-key", RIGHT), |_| {
        let mut response = Response::new("see the manual".to_owned());
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public"));
        response.extensions_mut().insert(AuthError::NoCredentials);
        response
    })
    .await;
    assert_eq!(lines(&response, "www-authenticate"), PLAIN);
    assert_eq!(lines(&response, "cache-control"), ["no-store"]);
    assert_eq!(response.body(), "see the manual");
}

#[tokio::test]
async fn challenges_set_by_a_service_are_kept() {
    let response = respond_from(&orders(Keys).into(), with_key("x-api-key", RIGHT), |_| {
        let mut response = Response::new(String::new());
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        response.extensions_mut().insert(AuthError::NoCredentials);
        response
    })
    .await;
    assert_eq!(lines(&response, "www-authenticate"), ["Negotiate"]);
    assert_eq!(lines(&response, "cache-control"), ["no-store"]);
}

#[tokio::test]
async fn refusal_without_an_error_extension_is_unchanged() {
    let response = respond_from(&orders(Keys).into(), with_key("x-api-key", RIGHT), |_| {
        let mut response = Response::new(String::new());
        *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        response
    })
    .await;
    assert_eq!(lines(&response, "www-authenticate"), ["Negotiate"]);
}

#[tokio::test]
async fn respond_keeps_the_challenges_of_its_authenticator() {
    let stock = Authenticator::new(Keys).with_realm("stock").unwrap();
    let respond = move |_| stock.respond(&AuthError::NoCredentials);
    let response = respond_from(&orders(Keys).into(), with_key("x-api-key", RIGHT), respond).await;
    assert_eq!(
        lines(&response, "www-authenticate"),
        [r#"ApiKey realm="stock", in="header", name="x-api-key""#]
    );
}

/// An outer layer that admits any key, and an inner layer with its own header and realm.
async fn through_both<S: KeyStore>(inner: S, request: Request<()>) -> Response<String> {
    let inner = Authenticator::new(inner).with_sources([Source::header("x-inner")]).unwrap();
    let inner: ApiKeyLayer<_> = inner.with_realm("inner").unwrap().into();
    let outer: ApiKeyLayer<_> = orders(Anyone::default()).into();
    let greeter =
        tower::service_fn(
            |request: Request<()>| async move { Ok::<_, Infallible>(greet(&request)) },
        );
    let Ok(response) = outer.layer(inner.layer(greeter)).oneshot(request).await;
    response
}

#[tokio::test]
async fn inner_refusal_keeps_the_challenge_of_its_layer() {
    for key in [None, Some(WRONG)] {
        for later in [false, true] {
            let mut request = with_key("x-api-key", RIGHT);
            if let Some(key) = key {
                request.headers_mut().insert("x-inner", key.parse().unwrap());
            }
            let response = if later {
                through_both(Later(Keys), request).await
            } else {
                through_both(Keys, request).await
            };
            assert_eq!(response.status(), 401);
            assert_eq!(
                lines(&response, "www-authenticate"),
                [r#"ApiKey realm="inner", in="header", name="x-inner""#]
            );
            assert_eq!(lines(&response, "cache-control"), ["no-store"]);
        }
    }
}

#[tokio::test]
async fn outer_refusal_has_the_challenges_of_its_layer() {
    let response = through_both(Keys, with_key("x-inner", RIGHT)).await;
    assert_eq!(lines(&response, "www-authenticate"), PLAIN);
}

#[tokio::test]
async fn innermost_of_nested_layers_sets_the_client() {
    let mut request = with_key("x-api-key", RIGHT);
    request.headers_mut().insert("x-inner", RIGHT_TOO.parse().unwrap());
    let response = through_both(Keys, request).await;
    assert_eq!(response.body(), "User 2");
    assert_eq!(lines(&response, "vary"), ["x-inner", "x-api-key", "authorization"]);
    assert_eq!(lines(&response, "cache-control"), ["private"]);
}

#[tokio::test]
async fn refusal_carries_its_error_for_outer_layers() {
    let layer = ApiKeyLayer::new(Keys).with_response(NoBody);
    let response = respond(&layer, with_key("x-api-key", WRONG)).await;
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(error.reason(), Some(keygate::WrongReason::Unknown));
}
