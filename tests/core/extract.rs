//! `Client` as an axum extractor, and `AuthError` as an axum response.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::Request;
use keygate::error::Misconfiguration;
use keygate::{ApiKeyLayer, AuthError, Authenticator, Client, Source, WrongReason, authenticate};
use tower::ServiceExt as _;

use crate::common::keys::{Keys, RIGHT, UNANSWERABLE, WRONG, client_of, refusal_of};
use crate::common::reply::Reply;
use crate::common::stores::Later;

fn assert_is(response: &Reply, status: u16, body: &str) {
    assert_eq!((response.status.as_u16(), &*response.body), (status, body));
}

/// Routes that extract the client in each way, for any type of state.
fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|client: Client| async move { client.name().to_owned() }))
        .route("/option", get(greet_anyone))
        .route("/result", get(greet_or_say_why))
}

async fn greet_anyone(client: Option<Client>) -> String {
    client.map_or("nobody".to_owned(), |client| client.name().to_owned())
}

async fn greet_or_say_why(client: Result<Client, AuthError>) -> String {
    match client {
        Ok(client) => client.name().to_owned(),
        Err(AuthError::Misconfigured(Misconfiguration::NoKeyLayer)) => "no layer".to_owned(),
        Err(error) => format!("refused: {error}"),
    }
}

/// The same app for three types of state.
fn apps(layer: Option<&ApiKeyLayer<Keys>>) -> [Router; 3] {
    #[derive(Clone)]
    struct Shared {
        _name: String,
    }
    async fn reads_state(State(state): State<Arc<str>>, client: Client) -> String {
        format!("{state} {}", client.name())
    }
    let shared: Arc<str> = "shared".into();
    let apps = [
        routes::<()>(),
        routes().with_state(Shared { _name: "app".to_owned() }),
        routes().route("/state", get(reads_state)).with_state(shared),
    ];
    match layer {
        Some(layer) => apps.map(|app| app.layer(layer.clone())),
        None => apps,
    }
}

async fn call(app: &Router, route: &str, key: Option<&str>) -> Reply {
    let mut request = Request::builder().uri(route);
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    let Ok(response) = app.clone().oneshot(request.body(Body::empty()).unwrap()).await;
    Reply::of(response).await
}

#[tokio::test]
async fn client_is_extracted_whatever_the_state() {
    let layer = ApiKeyLayer::new(Keys);
    for app in apps(Some(&layer)) {
        for route in ["/", "/option", "/result"] {
            assert_is(&call(&app, route, Some(RIGHT)).await, 200, "User 1");
        }
    }
    let [.., app] = apps(Some(&layer));
    assert_is(&call(&app, "/state", Some(RIGHT)).await, 200, "shared User 1");
}

#[tokio::test]
async fn refused_requests_reach_no_handler() {
    for app in apps(Some(&ApiKeyLayer::new(Keys))) {
        for route in ["/", "/option", "/result"] {
            for key in [None, Some(WRONG)] {
                assert_eq!(call(&app, route, key).await.status, 401, "{route} {key:?}");
            }
        }
    }
}

#[tokio::test]
async fn anonymous_request_has_no_client() {
    for app in apps(Some(&ApiKeyLayer::new(Keys).optional())) {
        assert_is(&call(&app, "/option", None).await, 200, "nobody");
        let refused = "refused: Credentials not present in request";
        assert_is(&call(&app, "/result", None).await, 200, refused);
        for route in ["/", "/option", "/result"] {
            assert_eq!(call(&app, route, Some(WRONG)).await.status, 401);
            assert_is(&call(&app, route, Some(RIGHT)).await, 200, "User 1");
        }
    }
}

#[tokio::test]
async fn extractor_refuses_anonymous_requests_as_the_layer_does() {
    let auth = || Authenticator::new(Keys).with_realm("orders").unwrap();
    for (optional, strict) in apps(Some(&ApiKeyLayer::from(auth()).optional()))
        .into_iter()
        .zip(apps(Some(&auth().into())))
    {
        let by_extractor = call(&optional, "/", None).await;
        let by_layer = call(&strict, "/", None).await;
        assert_eq!(by_extractor, by_layer);
        assert_eq!(by_extractor.status, 401);
        assert_eq!(
            by_extractor.lines("www-authenticate"),
            [r#"ApiKey realm="orders", in="header", name="x-api-key""#]
        );
    }
}

#[tokio::test]
async fn unguarded_route_is_reported_as_misconfigured() {
    for app in apps(None) {
        for route in ["/", "/option"] {
            for key in [None, Some(RIGHT), Some(WRONG)] {
                let response = call(&app, route, key).await;
                assert_eq!(response.status, 500, "{route} {key:?}");
                assert!(response.body.contains("No `ApiKeyLayer` saw this request"));
                assert!(response.lines("www-authenticate").is_empty());
            }
        }
        assert_is(&call(&app, "/result", Some(RIGHT)).await, 200, "no layer");
    }
}

#[tokio::test]
async fn route_added_outside_of_the_layer_is_unguarded() {
    let app = routes::<()>()
        .layer(ApiKeyLayer::new(Keys))
        .route("/outside", get(|client: Option<Client>| async move { format!("{client:?}") }));
    assert_eq!(call(&app, "/outside", Some(RIGHT)).await.status, 500);
    assert_eq!(call(&app, "/outside", None).await.status, 500);
}

#[tokio::test]
async fn client_is_read_from_the_extensions_and_kept() {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.extensions.insert(client_of(RIGHT));
    for _ in 0..2 {
        let client = Client::from_request_parts(&mut parts, &()).await.unwrap();
        assert_eq!(client.name(), "User 1");
    }
}

/// A handler that verifies, without a layer.
async fn by_itself(headers: http::HeaderMap) -> Result<impl IntoResponse, AuthError> {
    let client = authenticate(&Later(Keys), &headers).await?;
    let name = client.name().to_owned();
    Ok((Extension(client), name))
}

#[tokio::test]
async fn error_without_a_layer_has_the_default_challenge() {
    let app = Router::new().route("/", get(by_itself));
    assert_is(&call(&app, "/", Some(RIGHT)).await, 200, "User 1");
    for key in [None, Some(WRONG)] {
        let response = call(&app, "/", key).await;
        assert_eq!(response.status, 401);
        assert_eq!(
            response.lines("www-authenticate"),
            [r#"ApiKey realm="api", in="header", name="x-api-key""#]
        );
        assert_eq!(response.lines("cache-control"), ["no-store"]);
        assert_eq!(response.lines("content-type"), ["application/problem+json"]);
    }
    let outage = call(&app, "/", Some(UNANSWERABLE)).await;
    assert_eq!(outage.status, 503);
    assert!(outage.lines("www-authenticate").is_empty());
    assert_eq!(outage.lines("retry-after"), ["1..=5"]);
}

#[tokio::test]
async fn error_response_has_the_layer_challenges_once() {
    let sources = [Source::header("x-api-key"), Source::bearer()];
    let auth =
        Authenticator::new(Keys).with_sources(sources).unwrap().with_realm("orders").unwrap();
    let handler = get(|| async { Err::<(), _>(refusal_of(WRONG)) });
    let app = Router::new().route("/", handler).layer(ApiKeyLayer::from(auth));
    let response = call(&app, "/", Some(RIGHT)).await;
    assert_eq!(response.status, 401);
    let challenges =
        [r#"Bearer realm="orders""#, r#"ApiKey realm="orders", in="header", name="x-api-key""#];
    assert_eq!(response.lines("www-authenticate"), challenges);
    assert_eq!(response.lines("cache-control"), ["no-store"]);
}

#[test]
fn error_travels_in_the_extensions_of_its_response() {
    let response: Response = refusal_of(WRONG).into_response();
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(error.reason(), Some(WrongReason::Unknown));
}
