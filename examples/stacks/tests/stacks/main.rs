//! Starts each stack, and calls it with one table of cases.

mod ending;
mod grpc;
mod guide;
mod lambda;
mod mcp;

use std::net::SocketAddr;

use http::{HeaderMap, StatusCode};
use keygate_stacks::{READER, WRITER, actix, auth, client, from_fn, openapi, salvo, streams};
use tokio::net::TcpListener;

const WRONG: &str = "Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU";

/// A request, and the response that each stack must make.
struct Case {
    path: &'static str,
    header: Option<(&'static str, String)>,
    status: u16,
    challenges: &'static [&'static str],
    body: &'static str,
}

fn cases() -> Vec<Case> {
    const HEADER: &str = r#"ApiKey realm="api", in="header", name="x-api-key""#;
    const BEARER: &str = r#"Bearer realm="api""#;
    let by_header = |key: &str| Some(("x-api-key", key.to_owned()));
    let by_bearer = |key: &str| Some(("authorization", format!("Bearer {key}")));
    let case =
        |path, header, status, challenges, body| Case { path, header, status, challenges, body };
    let both: &[&str] = &[BEARER, HEADER];
    let invalid: &[&str] = &[r#"Bearer realm="api", error="invalid_token""#, HEADER];
    let scope: &[&str] =
        &[r#"Bearer realm="api", error="insufficient_scope", scope="orders:write""#];
    vec![
        case("/route1", None, 401, both, "Credentials not present in request"),
        case("/route1", by_header(" "), 401, both, "Credentials not present in request"),
        case("/route1", by_header(WRONG), 401, both, "Credentials not valid"),
        case("/route1", by_bearer(WRONG), 401, invalid, "Credentials not valid"),
        case("/route1", by_header(READER), 200, &[], "Hello, Reader"),
        case("/route1", by_bearer(WRITER), 200, &[], "Hello, Writer"),
        case("/orders", by_header(READER), 403, &[], "Scope orders:write needed"),
        case("/orders", by_bearer(READER), 403, scope, "Scope orders:write needed"),
        case("/orders", by_header(WRITER), 200, &[], ""),
    ]
}

/// The cases for a stack with one route.
fn cases_of_one_route() -> usize {
    cases().iter().filter(|case| case.path == "/route1").count()
}

/// Calls a stack with all cases, and returns how many passed.
async fn check(stack: &str, send: impl AsyncFn(&Case) -> (StatusCode, HeaderMap, String)) -> usize {
    let mut passed = 0;
    // An MCP server has one route.
    for case in cases().iter().filter(|case| stack != "rmcp" || case.path == "/route1") {
        let (status, headers, body) = send(case).await;
        let about = format!("{stack}: {} {:?}", case.path, case.header);
        let lines = |name: &str| -> Vec<String> {
            headers.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(status.as_u16(), case.status, "{about}: {body}");
        assert!(body.contains(case.body), "{about}: {body}");
        assert_eq!(lines("www-authenticate"), case.challenges, "{about}");
        // Event streams set `no-cache` themselves, which the layer keeps.
        let cached = if case.status == 200 { &["private", "no-cache"][..] } else { &["no-store"] };
        let cache_control = lines("cache-control");
        let is_cached = cache_control.iter().all(|line| cached.contains(&&**line));
        assert!(cache_control.len() == 1 && is_cached, "{about}: {cache_control:?}");
        if case.status == 200 {
            assert_eq!(lines("vary").join(","), "x-api-key,authorization", "{about}");
        } else if stack != "tonic" {
            assert_eq!(lines("content-type"), ["application/problem+json"], "{about}");
        }
        passed += 1;
    }
    passed
}

/// Calls a server at this address.
async fn check_at(stack: &str, address: SocketAddr) {
    let client = reqwest::Client::new();
    let passed = check(stack, async |case| {
        let mut request = client.get(format!("http://{address}{}", case.path));
        if let Some((name, value)) = &case.header {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.text().await.unwrap())
    });
    assert_eq!(passed.await, cases().len());
}

/// Starts an axum app.
async fn start(app: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn actix_passes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || actix_web::rt::System::new().block_on(actix::serve(listener)));
    check_at("actix", address).await;
}

#[tokio::test]
async fn axum_with_from_fn_passes() {
    check_at("from_fn", start(from_fn::app()).await).await;
}

#[tokio::test]
async fn axum_with_the_layer_passes() {
    check_at("layer", start(streams::app(auth())).await).await;
}

#[tokio::test]
async fn salvo_passes() {
    use ::salvo::Listener as _;
    let listener = ::salvo::conn::TcpListener::new("127.0.0.1:0").bind().await;
    let address = ::salvo::conn::Acceptor::holdings(&listener)[0].local_addr.clone();
    let address = address.into_std().unwrap();
    tokio::spawn(::salvo::Server::new(listener).serve(salvo::router()));
    check_at("salvo", address).await;
}

#[tokio::test]
async fn events_and_sockets_are_for_clients_alone() {
    let address = start(streams::app(auth())).await;
    let mut events = ending::events(address, READER).await.unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert_eq!(events.chunk().await.unwrap().unwrap(), "data: Hello, Reader\n\n");
    assert_eq!(ending::events(address, WRONG).await.unwrap_err().status().unwrap(), 401);

    let mut socket = ending::socket(address, READER).await.unwrap();
    let greeting = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert_eq!(greeting.into_text().unwrap(), "Hello, Reader");
    let refused = ending::socket(address, WRONG).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(response.status(), 401);
}

#[test]
fn openapi_is_understood_by_utoipa_and_aide() {
    let utoipa = serde_json::to_value(openapi::with_utoipa().unwrap()).unwrap();
    let aide = serde_json::to_value(openapi::with_aide().unwrap()).unwrap();
    for document in [&utoipa, &aide] {
        let schemes = &document["components"]["securitySchemes"];
        assert_eq!(schemes["bearer"]["scheme"], "bearer");
        assert_eq!(schemes["header-x-api-key"]["name"], "x-api-key");
    }
    let operation = &utoipa["paths"]["/orders"]["get"];
    assert_eq!(operation["security"][1]["bearer"][0], "orders:write");
    let retry_after = &operation["responses"]["429"]["headers"]["Retry-After"];
    assert_eq!(retry_after["schema"]["type"], "integer");
    assert_eq!(aide["security"][0]["header-x-api-key"], serde_json::json!([]));
    let unavailable = &aide["components"]["responses"]["503"]["content"];
    assert!(unavailable["application/problem+json"]["schema"]["properties"]["detail"].is_object());
    // The client is an argument of the handler, but not a parameter of the operation.
    let by_attributes = serde_json::to_value(openapi::by_attributes()).unwrap();
    for document in [&aide, &by_attributes] {
        let operation = &document["paths"]["/route1"]["get"];
        assert!(operation.is_object() && operation["parameters"].is_null(), "{operation}");
    }
}

#[test]
fn client_hides_its_key() {
    let client = client::with_key(READER).unwrap();
    assert!(!format!("{client:?}").contains(READER));
    assert!(client::with_key("a\nb").is_err());
}
