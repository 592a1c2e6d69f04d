//! What clients may do: in handlers, and in front of routes.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use http::{Request, Response, StatusCode};
use keygate::error::{ConfigError, Misconfiguration};
use keygate::respond::Grpc;
use keygate::{
    ApiKeyLayer, AuthError, Authenticator, Client, ClientProfile, MemoryStore, RequireScope, Source,
};
use tower::{Layer as _, ServiceExt as _, service_fn};

const READER: &str = "tJ0zXk-Vw3Ls8QeYb_Rm5uHcNf2PaGi6DoKx9ZrT1SA";
const WRITER: &str = "Fq7yMd_2hVn-KsW0pLxEi9RzBt4UcJgO3aAe5oYk8Xw";
const NOBODY: &str = "Nw3bGzR-v6TiC_1yQsHfLmE8Xo0KjPu9aDd4Ae7cVkU";

fn store() -> MemoryStore {
    let with = |name: &str, scopes: &[&str]| {
        ClientProfile::new(name).with_scopes(scopes.iter().map(|scope| scope.parse().unwrap()))
    };
    MemoryStore::from_keys([
        (READER, with("Reader", &["orders:read"])),
        (WRITER, with("Writer", &["orders:*"])),
        (NOBODY, with("Nobody", &[])),
    ])
    .unwrap()
}

async fn by_hand(client: Client) -> Result<&'static str, AuthError> {
    client.require("orders:write")?;
    Ok("written")
}

fn app(layer: ApiKeyLayer<MemoryStore>) -> Router {
    Router::new()
        .route("/write", post(|| async { "written" }))
        .route_layer(RequireScope::new("orders:write").unwrap())
        .route(
            "/any",
            get(|| async { "read" })
                .layer(RequireScope::any(["orders:read", "stock:read"]).unwrap()),
        )
        .route(
            "/all",
            get(|| async { "read" })
                .layer(RequireScope::all(["orders:read", "orders:write"]).unwrap()),
        )
        .route("/hand", post(by_hand))
        .route("/open", get(|| async { "open" }))
        .layer(layer)
}

fn header_or_bearer() -> ApiKeyLayer<MemoryStore> {
    let sources = [Source::bearer(), Source::header("x-api-key")];
    ApiKeyLayer::from(Authenticator::new(store()).with_sources(sources).unwrap())
}

fn request(target: &str, header: &str, value: &str) -> Request<Body> {
    let method = if ["/write", "/hand"].contains(&target) { "POST" } else { "GET" };
    let request = Request::builder().method(method).uri(target).header(header, value);
    request.body(Body::empty()).unwrap()
}

async fn send(target: &str, key: &str) -> Response<Body> {
    app(header_or_bearer()).oneshot(request(target, "x-api-key", key)).await.unwrap()
}

#[tokio::test]
async fn clients_reach_the_routes_that_their_scopes_cover() {
    let cases = [
        ("/open", [200, 200, 200]),
        ("/write", [403, 200, 403]),
        ("/hand", [403, 200, 403]),
        ("/any", [200, 200, 403]),
        ("/all", [403, 200, 403]),
    ];
    for (target, expected) in cases {
        for (key, status) in [READER, WRITER, NOBODY].into_iter().zip(expected) {
            assert_eq!(send(target, key).await.status(), status, "{target} {key}");
        }
        // Authentication precedes authorization.
        assert_eq!(send(target, "0000000000000000").await.status(), 401);
    }
}

#[tokio::test]
async fn refusal_names_the_scope_and_is_not_stored() {
    for target in ["/write", "/hand"] {
        let refused = send(target, READER).await;
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        assert_eq!(refused.headers()["cache-control"], "no-store");
        assert!(
            !refused.headers().contains_key("www-authenticate"),
            "the key did not come by Bearer"
        );
        let error = refused.extensions().get::<AuthError>().unwrap().clone();
        let AuthError::InsufficientScope(missing) = error else { panic!("{error}") };
        assert_eq!(
            (missing.client().name(), missing.needed()[0].as_str()),
            ("Reader", "orders:write")
        );
        let body = to_bytes(refused.into_body(), 1_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let problem = serde_json::json!({
            "title": "Forbidden", "status": 403, "detail": "Scope orders:write needed",
        });
        assert_eq!(body, problem);
    }
}

#[tokio::test]
async fn bearer_challenge_names_the_missing_scopes() {
    for (target, scopes) in [
        ("/write", "orders:write"),
        ("/hand", "orders:write"),
        ("/all", "orders:read orders:write"),
    ] {
        let request = request(target, "authorization", &format!("Bearer {NOBODY}"));
        let refused = app(header_or_bearer()).oneshot(request).await.unwrap();
        let challenges = refused.headers().get_all("www-authenticate").iter().collect::<Vec<_>>();
        let expected =
            format!("Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"{scopes}\"");
        assert_eq!(challenges, [expected.as_str()]);
    }
}

#[tokio::test]
async fn anonymous_caller_is_challenged_for_a_key() {
    let request = Request::post("/write").body(Body::empty()).unwrap();
    let refused = app(header_or_bearer().optional()).oneshot(request).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers().get_all("www-authenticate").iter().count(), 2);
}

#[tokio::test]
async fn without_a_key_layer_nobody_is_admitted() {
    let app: Router = Router::new()
        .route("/", get(|| async { "admitted" }))
        .layer(RequireScope::new("orders:read").unwrap());
    let refused = app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(refused.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let error = refused.extensions().get::<AuthError>().unwrap();
    assert!(matches!(error, AuthError::Misconfigured(Misconfiguration::NoKeyLayer)), "{error:?}");
    assert!(!refused.headers().contains_key("www-authenticate"));
    let body = to_bytes(refused.into_body(), usize::MAX).await.unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["status"], 500);
    assert!(problem["detail"].as_str().unwrap().contains("`ApiKeyLayer`"), "{problem}");
}

#[tokio::test]
async fn grpc_says_permission_denied() {
    let inner = service_fn(|_: Request<()>| async { Ok::<_, ()>(Response::new(Body::empty())) });
    let guarded = RequireScope::new("orders:write").unwrap().with_response(Grpc).layer(inner);
    let mut request = Request::new(());
    request.extensions_mut().insert(Client::for_test("User 1"));
    let refused = guarded.oneshot(request).await.unwrap();
    assert_eq!(
        (refused.status(), &refused.headers()["grpc-status"]),
        (StatusCode::OK, &"7".parse().unwrap())
    );
    assert_eq!(refused.headers()["grpc-message"], "Scope orders:write needed");
}

#[tokio::test]
async fn grpc_says_internal_without_a_key_layer() {
    let inner = service_fn(|_: Request<()>| async { Ok::<_, ()>(Response::new(Body::empty())) });
    let guarded = RequireScope::new("orders:write").unwrap().with_response(Grpc).layer(inner);
    let refused = guarded.oneshot(Request::new(())).await.unwrap();
    assert_eq!(refused.headers()["grpc-status"], "13");
    let message = refused.headers()["grpc-message"].to_str().unwrap();
    assert!(message.contains("`ApiKeyLayer`") && !message.contains('%'), "{message}");
}

#[test]
fn empty_list_of_scopes_is_an_error_when_built() {
    let none: [&str; 0] = [];
    for layer in [RequireScope::all(none), RequireScope::any(none)] {
        assert_eq!(layer.unwrap_err(), ConfigError::NoScopes);
    }
}

#[test]
fn every_client_has_all_of_no_scopes_and_none_has_any() {
    let none: [&str; 0] = [];
    for scope in [None, Some("*")] {
        let scopes = scope.iter().map(|scope| scope.parse().unwrap());
        let client = Client::for_test(ClientProfile::new("App 1").with_scopes(scopes));
        assert!(client.require_all(none).is_ok());
        assert!(client.require_any(none).is_err());
    }
}

#[test]
fn text_that_is_not_a_scope_is_covered_by_nothing() {
    for text in ["", "Orders:read", "orders:", "a b"] {
        let error = RequireScope::new(text).unwrap_err();
        assert!(matches!(error, ConfigError::Scope(_)), "{text}: {error}");
        let all = ClientProfile::new("All").with_scopes(["*".parse().unwrap()]);
        let client = Client::for_test(all);
        assert!(client.require(text).is_err(), "{text}");
        assert!(client.require_all(["a", text]).is_err(), "{text}");
        assert!(client.require_any([text]).is_err(), "{text}");
        assert!(client.require_any([text, "a"]).is_ok(), "{text}");
    }
}

/// The scope's layer makes the body, and the key layer the challenges.
#[tokio::test]
async fn custom_body_of_a_scope_gets_the_key_layers_challenges() {
    let respond = |error: &AuthError| {
        let response = http::Response::builder().status(error.status());
        response.header("www-authenticate", "Basic").body(Body::from("custom")).unwrap()
    };
    let scope = RequireScope::new("orders:read").unwrap().with_response(respond);
    let inner: Router = Router::new().route("/", get(|| async { "admitted" })).layer(scope);
    let app: Router =
        Router::new().nest("/nested", inner).layer(ApiKeyLayer::new(MemoryStore::new()).optional());
    let request = Request::get("/nested").body(Body::empty()).unwrap();
    let refused = app.oneshot(request).await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = refused.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, [r#"ApiKey realm="api", in="header", name="x-api-key""#]);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert_eq!(to_bytes(refused.into_body(), usize::MAX).await.unwrap(), "custom");
}
