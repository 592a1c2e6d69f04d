//! Starts each stack, and calls it with one table of cases.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Request, StatusCode};
use keygate_stacks::{
    READER, WRITER, actix, client, from_fn, grpc, lambda, mcp, openapi, salvo, streams,
};
use tokio::net::TcpListener;

const WRONG: &str = "Wg1vaDs8uqFbYtNDsJ8H3gKjl_oI0T_O6Jg8qNLWJcU";

/// A request, and what each stack must respond.
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

/// Calls a stack with all cases, and returns how many passed.
async fn check(stack: &str, send: impl AsyncFn(&Case) -> (StatusCode, HeaderMap, String)) -> usize {
    let mut passed = 0;
    for case in cases() {
        let (status, headers, body) = send(&case).await;
        let about = format!("{stack}: {} {:?}", case.path, case.header);
        let lines = |name: &str| -> Vec<String> {
            headers.get_all(name).iter().map(|line| line.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(status.as_u16(), case.status, "{about}: {body}");
        assert!(body.contains(case.body), "{about}: {body}");
        assert_eq!(lines("www-authenticate"), case.challenges, "{about}");
        let cached = if case.status == 200 { "private" } else { "no-store" };
        assert_eq!(lines("cache-control"), [cached], "{about}");
        if case.status == 200 {
            assert_eq!(lines("vary").join(","), "x-api-key,authorization", "{about}");
        } else {
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
    check_at("layer", start(streams::app()).await).await;
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
async fn lambda_passes() {
    use lambda_http::request::LambdaRequest;
    use lambda_http::{Adapter, Context, LambdaEvent};
    let passed = check("lambda", async |case| {
        let headers: serde_json::Map<_, _> = case
            .header
            .iter()
            .map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(value.clone())))
            .collect();
        let event = serde_json::json!({
            "resource": "/{proxy+}",
            "path": case.path,
            "httpMethod": Method::GET.as_str(),
            "headers": headers,
            "multiValueHeaders": {},
            "requestContext": { "stage": "$default", "requestId": "r", "httpMethod": "GET", "identity": {} },
            "isBase64Encoded": false
        });
        let request: LambdaRequest = serde_json::from_value(event).unwrap();
        let mut adapter = Adapter::from(lambda::service());
        let event = LambdaEvent::new(request, Context::default());
        let response = tower::Service::call(&mut adapter, event).await.unwrap();
        let response = serde_json::to_value(response).unwrap();
        let mut headers = HeaderMap::new();
        for (name, values) in response["multiValueHeaders"].as_object().into_iter().flatten() {
            for value in values.as_array().unwrap() {
                let name: http::HeaderName = name.parse().unwrap();
                headers.append(name, value.as_str().unwrap().parse().unwrap());
            }
        }
        for (name, value) in response["headers"].as_object().into_iter().flatten() {
            if !headers.contains_key(name) {
                let name: http::HeaderName = name.parse().unwrap();
                headers.append(name, value.as_str().unwrap().parse().unwrap());
            }
        }
        let status = response["statusCode"].as_u64().unwrap();
        let status = StatusCode::from_u16(u16::try_from(status).unwrap()).unwrap();
        (status, headers, response["body"].as_str().unwrap_or_default().to_owned())
    });
    assert_eq!(passed.await, cases().len());
}

#[tokio::test]
async fn events_and_sockets_are_for_clients_alone() {
    let address = start(streams::app()).await;
    let get = async |key: &str| {
        let client = client::with_key(key).unwrap();
        client.get(format!("http://{address}/events")).send().await.unwrap()
    };
    let events = get(READER).await;
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert_eq!(events.text().await.unwrap(), "data: Hello, Reader\n\n");
    assert_eq!(get(WRONG).await.status(), 401);

    let connect = async |key: &str| {
        let request = Request::get(format!("ws://{address}/socket"))
            .header("host", address.to_string())
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("x-api-key", key);
        tokio_tungstenite::connect_async(request.body(()).unwrap()).await
    };
    let (mut socket, _) = connect(READER).await.unwrap();
    let greeting = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert_eq!(greeting.into_text().unwrap(), "Hello, Reader");
    let refused = connect(WRONG).await.unwrap_err();
    let tokio_tungstenite::tungstenite::Error::Http(response) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn tonic_passes() {
    use keygate::adapter::ApiKeyInterceptor;
    use tonic::Code;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    tokio::spawn(grpc::server().serve_with_incoming(incoming));
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    for (key, expected) in
        [(WRONG, Code::Unauthenticated), (READER, Code::PermissionDenied), (WRITER, Code::Ok)]
    {
        let key = ApiKeyInterceptor::bearer(key).unwrap();
        let mut client = HealthClient::with_interceptor(channel.clone(), key);
        let called = client.check(HealthCheckRequest::default()).await;
        assert_eq!(called.map_or_else(|status| status.code(), |_| Code::Ok), expected);
    }
}

#[tokio::test]
async fn session_of_mcp_belongs_to_the_client_that_opened_it() {
    let address = start(mcp::app()).await;
    let post = async |key: Option<&str>, session: Option<&str>, body: &'static str| {
        let client = match key {
            Some(key) => client::with_key(key).unwrap(),
            None => reqwest::Client::new(),
        };
        let mut request = client
            .post(format!("http://{address}/mcp"))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body);
        if let Some(session) = session {
            request = request.header("mcp-session-id", session);
        }
        request.send().await.unwrap()
    };
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
    let refused = post(None, None, initialize).await;
    assert_eq!(refused.status(), 401);
    let challenge = r#"Bearer realm="api", resource_metadata="https://api.example/.well-known/oauth-protected-resource""#;
    assert_eq!(refused.headers()["www-authenticate"], challenge);

    let opened = post(Some(READER), None, initialize).await;
    assert_eq!(opened.status(), 200);
    let session = opened.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    for (key, status) in [(WRITER, 404), (READER, 202)] {
        let response = post(Some(key), Some(&session), initialized).await;
        assert_eq!(response.status(), status, "{key}");
    }
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
    // The client is an argument of the handler, and not of the operation.
    assert!(aide["paths"]["/route1"]["get"]["parameters"].is_null());
}

#[test]
fn client_hides_its_key() {
    let client = client::with_key(READER).unwrap();
    assert!(!format!("{client:?}").contains(READER));
    assert!(client::with_key("a\nb").is_err());
}
