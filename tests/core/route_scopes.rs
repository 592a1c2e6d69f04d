//! One table with the scopes of many routes.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::MatchedPath;
use axum::routing::{any, get};
use http::{Method, Request, StatusCode};
use keygate::error::ConfigError;
use keygate::{
    ApiKeyLayer, Authenticator, Client, ClientProfile, MemoryStore, RequireScope, RouteScopes,
    Scope, Source,
};
use tower::ServiceExt as _;

const READ: Scope = Scope::from_static("orders:read");
const WRITE: Scope = Scope::from_static("orders:write");

const READER: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";
const WRITER: &str = "Fq7yMd_2hVn-KsW0pLxEi9RzBt4UcJgO3aAe5oYk8Xw";
const NOBODY: &str = "Nw3bGzR-v6TiC_1yQsHfLmE8Xo0KjPu9aDd4Ae7cVkU";

fn scopes() -> RouteScopes {
    RouteScopes::new()
        .require(Method::GET, "/orders/{id}", READ)
        .and_then(|scopes| scopes.require(Method::DELETE, "/orders/{id}", WRITE))
        .and_then(|scopes| scopes.require(Method::GET, "/orders/export", WRITE))
        .and_then(|scopes| scopes.any_client(Method::GET, "/me"))
        .unwrap()
}

fn auth() -> Authenticator<MemoryStore> {
    let with = |name: &str, scopes: &[Scope]| ClientProfile::new(name).with_scopes(scopes.to_vec());
    let store = MemoryStore::from_keys([
        (READER, with("Reader", &[READ])),
        (WRITER, with("Writer", &[WRITE])),
        (NOBODY, with("Nobody", &[])),
    ]);
    let sources = [Source::header("x-api-key"), Source::bearer()];
    Authenticator::new(store.unwrap()).with_sources(sources).unwrap()
}

fn matched() -> RequireScope {
    RequireScope::by_route(scopes(), |extensions| {
        extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    })
}

/// All methods of all routes, so that only the table decides.
fn app(scope: RequireScope) -> Router {
    let paths = ["/orders/{id}", "/orders/export", "/me", "/unlisted"];
    let router = paths
        .into_iter()
        .fold(Router::new(), |router, path| router.route(path, any(move || async move { path })));
    router.fallback(|| async { "fallback" }).layer(scope).layer(ApiKeyLayer::from(auth()))
}

async fn status(app: &Router, method: &Method, path: &str, key: &str) -> StatusCode {
    let request = Request::builder().method(method).uri(path).header("x-api-key", key);
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn scope_of_method_and_path_is_required() {
    for app in [app(matched()), app(RequireScope::by_path(scopes()))] {
        for (method, path, expected) in [
            ("GET", "/orders/7", [200, 403, 403]),
            ("HEAD", "/orders/7", [200, 403, 403]),
            ("DELETE", "/orders/7", [403, 200, 403]),
            ("HEAD", "/orders/export", [403, 200, 403]),
            ("GET", "/me", [200, 200, 200]),
            // Not in the table.
            ("DELETE", "/orders/export", [403, 403, 403]),
            ("POST", "/orders/7", [403, 403, 403]),
            ("OPTIONS", "/orders/7", [403, 403, 403]),
            ("PURGE", "/me", [403, 403, 403]),
            ("GET", "/unlisted", [403, 403, 403]),
            ("GET", "/nowhere", [403, 403, 403]),
        ] {
            let method = method.parse().unwrap();
            for (key, expected) in [READER, WRITER, NOBODY].into_iter().zip(expected) {
                let status = status(&app, &method, path, key).await;
                assert_eq!(status, expected, "{method} {path} {key}");
            }
        }
    }
}

#[tokio::test]
async fn request_without_a_matched_route_is_refused() {
    // Outside of the router, no route was matched.
    let router: Router = Router::new().route("/me", get(|| async { "me" }));
    let service = tower::ServiceBuilder::new()
        .layer(ApiKeyLayer::from(auth()))
        .layer(matched())
        .service(router);
    let request = Request::get("/me").header("x-api-key", READER).body(Body::empty()).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 403);
}

#[tokio::test]
async fn unlisted_route_is_refused_without_naming_a_scope() {
    let request = Request::get("/unlisted").header("authorization", format!("Bearer {READER}"));
    let response = app(matched()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let challenge = r#"Bearer realm="api", error="insufficient_scope""#;
    assert_eq!(response.headers()["www-authenticate"], challenge);
    let body = to_bytes(response.into_body(), 1_000).await.unwrap();
    let expected =
        r#"{"title":"Forbidden","status":403,"detail":"No scope grants access to this route"}"#;
    assert_eq!(body, expected);
}

#[tokio::test]
async fn anonymous_caller_reaches_no_route_of_the_table() {
    let router: Router = Router::new().route("/me", get(|| async { "me" }));
    let app = router.layer(matched()).layer(ApiKeyLayer::from(auth()).optional());
    let request = Request::get("/me").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 401);
}

/// A mistake that the table prevents.
#[tokio::test]
async fn layer_between_two_methods_guards_only_the_first() {
    let methods =
        get(|| async { "read" }).layer(RequireScope::scope(READ)).delete(|| async { "gone" });
    let app = Router::new().route("/orders/{id}", methods).layer(ApiKeyLayer::from(auth()));
    assert_eq!(status(&app, &Method::GET, "/orders/7", NOBODY).await, 403);
    assert_eq!(status(&app, &Method::DELETE, "/orders/7", NOBODY).await, 200);
}

#[tokio::test]
async fn paths_that_servers_read_differently_are_refused() {
    let app = app(RequireScope::by_path(scopes()));
    for path in ["//me", "/./me", "/orders/../me", "/orders/%2e%2e", "/orders/7%2F", "/orders/a%5c"]
    {
        assert_eq!(status(&app, &Method::GET, path, READER).await, 403, "{path}");
    }
    // Decoded, it is a route with another scope.
    assert_eq!(status(&app, &Method::GET, "/orders/ex%70ort", READER).await, 403);
    assert_eq!(status(&app, &Method::GET, "/orders/a%20b", READER).await, 200);
}

#[test]
fn routes_are_listed_with_their_scopes() {
    let scopes = scopes();
    let listed: Vec<_> = scopes
        .iter()
        .map(|(method, path, scope)| (method.as_str(), path, scope.map(Scope::as_str)))
        .collect();
    let expected = [
        ("GET", "/me", None),
        ("GET", "/orders/export", Some("orders:write")),
        ("GET", "/orders/{id}", Some("orders:read")),
        ("DELETE", "/orders/{id}", Some("orders:write")),
    ];
    assert_eq!(listed, expected);
    for (method, path, is_listed) in [
        (Method::GET, "/orders/{id}", true),
        (Method::HEAD, "/orders/{id}", true),
        (Method::POST, "/orders/{id}", false),
        (Method::GET, "/orders/7", false),
    ] {
        assert_eq!(scopes.lists(&method, path), is_listed, "{method} {path}");
    }
}

#[test]
fn mistakes_in_a_table_are_errors_when_it_is_built() {
    let add = |method: Method, path: &str| scopes().require(method, path, READ).map(|_| ());
    assert_eq!(add(Method::GET, "orders"), Err(ConfigError::RoutePath));
    assert_eq!(add(Method::GET, "/orders//{id}"), Err(ConfigError::RoutePath));
    assert_eq!(add(Method::GET, "/me"), Err(ConfigError::RouteTwice));
    assert_eq!(add(Method::POST, "/orders/{number}"), Err(ConfigError::RouteTwice));
    assert_eq!(add(Method::HEAD, "/me"), Err(ConfigError::RouteHead));
    assert_eq!(add(Method::POST, "/me"), Ok(()));
}

#[test]
fn checked_scope_needs_no_result() {
    let client = Client::for_test(ClientProfile::new("App 1").with_scopes([READ]));
    assert!(client.require(READ).is_ok() && client.require(WRITE).is_err());
    assert!(RequireScope::new("Orders").is_err());
    assert_eq!(
        format!("{:?}", RequireScope::scope(READ)),
        "RequireScope { all: [Scope(orders:read)], .. }"
    );
}
