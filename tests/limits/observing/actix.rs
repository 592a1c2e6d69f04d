//! The actix middleware makes the same responses as the layers, and reports the same outcomes to observers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, UNIX_EPOCH};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use http::{Request, Response};
use http_body_util::Full;
use keygate::adapter::ApiKeyMiddleware;
use keygate::client::{ClientAddress, TrustedProxies};
use keygate::respond::NoBody;
use keygate::testing::FakeClock;
use keygate::{AuthError, Authenticator, Client, KeyDigest, KeyRecord, Source};

use crate::common::reply::Reply;
use crate::observing::by_hand::{auth, by_layers, requests, throttle};
use crate::observing::fixture::{KEY, Log, store};

/// The same request in actix, by a key in a header or the query.
fn request(request: &Request<()>) -> TestRequest {
    let mut actix = TestRequest::with_uri(&request.uri().to_string());
    for (name, value) in request.headers() {
        actix = actix.append_header((name.as_str(), value.as_bytes()));
    }
    match request.extensions().get::<IpAddr>() {
        Some(peer) => actix.peer_addr(SocketAddr::new(*peer, 7_000)),
        None => actix,
    }
}

async fn reply<B: MessageBody>(response: ServiceResponse<B>) -> Reply {
    let mut converted = Response::builder().status(response.status().as_u16());
    for (name, value) in response.headers() {
        converted = converted.header(name.as_str(), value.as_bytes());
    }
    let body = read_body(response).await;
    Reply::of(converted.body(Full::new(body)).unwrap()).await
}

async fn greet(client: Client) -> Result<HttpResponse, AuthError> {
    client.require("orders:read")?;
    Ok(HttpResponse::Ok().body(client.name().to_owned()))
}

#[tokio::test]
async fn actix_middleware_gives_the_responses_of_the_layers() {
    for pending in [false, true] {
        let log = Log::default();
        let keys = ApiKeyMiddleware::from(auth(pending, &log, ClientAddress::peer()));
        let app =
            App::new().wrap(keys.with_throttle(throttle())).route("/route1", web::get().to(greet));
        let app = init_service(app).await;
        let expected = by_layers(pending).await;
        for (number, (sent, expected)) in requests().zip(expected).enumerate() {
            let response = call_service(&app, request(&sent).to_request()).await;
            let seen = (reply(response).await, log.take());
            assert_eq!(seen, expected, "request {number}, pending: {pending}");
        }
    }
}

/// Calls this app with a key.
async fn call<A, B>(app: &A, target: &str, key: Option<&str>) -> Reply
where
    A: Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    let mut request = TestRequest::with_uri(target);
    if let Some(key) = key {
        request = request.append_header(("x-api-key", key));
    }
    reply(call_service(app, request.to_request()).await).await
}

#[tokio::test]
async fn anonymous_caller_has_no_client_and_wrong_keys_are_refused() {
    async fn anyone(client: Option<Client>) -> String {
        client.map_or("nobody".to_owned(), |client| client.name().to_owned())
    }
    async fn name(client: Client) -> String {
        client.name().to_owned()
    }
    let log = Log::default();
    let auth = Authenticator::new(store(false)).add_observer(log.observer());
    let app = App::new()
        .wrap(ApiKeyMiddleware::from(auth).optional())
        .route("/anyone", web::get().to(anyone))
        .route("/client", web::get().to(name));
    let app = init_service(app).await;
    let response = call(&app, "/anyone", None).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, "nobody"));
    assert_eq!(
        (response.lines("vary"), response.lines("cache-control").len()),
        (vec!["x-api-key"], 0)
    );
    assert_eq!(call(&app, "/anyone", Some(KEY)).await.body, "Right");
    for key in [" ", "nobody's"] {
        assert_eq!(call(&app, "/anyone", Some(key)).await.status, 401, "{key}");
    }
    log.take();
    for key in [None, Some(" "), Some("nobody's")] {
        let response = call(&app, "/client", key).await;
        assert_eq!((response.status.as_u16(), log.take().len()), (401, 1), "{key:?}");
    }
}

#[tokio::test]
async fn requests_in_clear_are_refused_alike_if_tls_is_required() {
    async fn anyone(client: Option<Client>) -> String {
        client.map_or("nobody".to_owned(), |client| client.name().to_owned())
    }
    let proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    let address = ClientAddress::peer().behind(proxies);
    let auth = Authenticator::new(store(false)).with_client_address(address).require_tls();
    let keys = ApiKeyMiddleware::from(auth).optional();
    let app = init_service(App::new().wrap(keys).route("/", web::get().to(anyone))).await;
    for (peer, protocol, is_encrypted) in [
        ("10.0.0.1:1", "https", true),
        ("10.0.0.1:1", "http", false),
        ("192.0.2.1:1", "https", false),
    ] {
        let mut refused = Vec::new();
        for (key, name) in [(Some(KEY), "Right"), (Some("nobody's"), ""), (None, "nobody")] {
            let mut request = TestRequest::with_uri("/").peer_addr(peer.parse().unwrap());
            request = request.append_header(("x-forwarded-proto", protocol));
            if let Some(key) = key {
                request = request.append_header(("x-api-key", key));
            }
            let response = reply(call_service(&app, request.to_request()).await).await;
            if is_encrypted && !name.is_empty() {
                assert_eq!(response.body, name);
            } else {
                refused.push(response);
            }
        }
        let expected = if is_encrypted { 401 } else { 403 };
        assert!(refused.iter().all(|reply| *reply == refused[0] && reply.status == expected));
    }
}

#[tokio::test]
async fn handler_without_the_middleware_is_misconfigured() {
    let app = init_service(App::new().route("/", web::get().to(greet))).await;
    for key in [None, Some(KEY)] {
        let response = call(&app, "/", key).await;
        assert_eq!(response.status, 500);
        assert!(response.body.contains("No `ApiKeyLayer` saw this request"), "{}", response.body);
    }
}

#[tokio::test]
async fn error_without_the_middleware_has_the_default_challenge() {
    async fn refuse() -> Result<HttpResponse, AuthError> {
        Err(AuthError::NoCredentials)
    }
    let app = init_service(App::new().route("/", web::get().to(refuse))).await;
    let response = call(&app, "/", None).await;
    assert_eq!(response.status, 401);
    let challenge = r#"ApiKey realm="api", in="header", name="x-api-key""#;
    assert_eq!(response.lines("www-authenticate"), [challenge]);
    assert_eq!(response.lines("content-type"), ["application/problem+json"]);
}

#[tokio::test]
async fn refusal_behind_two_middlewares_is_completed_by_the_inner_one() {
    let (inner, outer) = (Log::default(), Log::default());
    let auth = |log: &Log, name: &str, realm: &str| {
        let auth = Authenticator::new(store(false)).add_observer(log.observer());
        let auth = auth.with_sources([Source::header(name)]).unwrap().with_realm(realm).unwrap();
        ApiKeyMiddleware::from(auth)
    };
    let app = App::new()
        .wrap(auth(&inner, "x-api-key", "inner"))
        .wrap(auth(&outer, "x-gateway-key", "outer"))
        .route("/", web::get().to(greet));
    let app = init_service(app).await;
    let request = TestRequest::get().uri("/").append_header(("x-gateway-key", KEY));
    let response = reply(call_service(&app, request.to_request()).await).await;
    let challenge = r#"ApiKey realm="inner", in="header", name="x-api-key""#;
    assert_eq!(response.lines("www-authenticate"), [challenge]);
    assert!(response.lines("vary").is_empty());
    assert_eq!(outer.take(), [("admitted", Some("Right".to_owned()), true)]);
    assert_eq!(inner.take(), [("no_credentials", None, false)]);
}

#[tokio::test]
async fn refusal_by_an_inner_middleware_is_that_of_a_handler() {
    async fn require(
        client: Client,
        request: ServiceRequest,
        next: Next<BoxBody>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        client.require("orders:read")?;
        next.call(request).await
    }
    let log = Log::default();
    let auth = Authenticator::new(store(false)).add_observer(log.observer());
    let auth = auth.with_realm("orders").unwrap().with_sources([Source::bearer()]).unwrap();
    let keys = ApiKeyMiddleware::from(auth);
    let by_handler = App::new().wrap(keys.clone()).route("/", web::get().to(greet));
    let by_handler = init_service(by_handler).await;
    let by_middleware = App::new().wrap(from_fn(require)).wrap(keys);
    let by_middleware = init_service(by_middleware.route("/", web::get().to(greet))).await;
    let request = || TestRequest::get().append_header(("authorization", format!("Bearer {KEY}")));
    let expected = reply(call_service(&by_handler, request().to_request()).await).await;
    let challenge = r#"Bearer realm="orders", error="insufficient_scope", scope="orders:read""#;
    assert_eq!(expected.lines("www-authenticate"), [challenge]);
    let reported = log.take();
    assert_eq!(reported.len(), 2);
    let Err(error) = by_middleware.call(request().to_request()).await else { panic!() };
    let response = error.error_response().map_into_boxed_body();
    let response = ServiceResponse::new(request().to_http_request(), response);
    assert_eq!((reply(response).await, log.take()), (expected, reported));
}

#[tokio::test]
async fn headers_set_by_the_service_are_kept() {
    async fn respond(_: Client) -> HttpResponse {
        let own = [("vary", "Accept"), ("cache-control", "max-age=60"), ("x-key-expires", "own")];
        own.into_iter()
            .fold(HttpResponse::Ok(), |mut response, header| {
                response.append_header(header);
                response
            })
            .finish()
    }
    let keys = store(false);
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let record = KeyRecord::new(KeyDigest::of(b"ends-soon"), "Soon");
    keys.0.insert_record(record.with_expiry(now + Duration::from_secs(1))).unwrap();
    let auth = Authenticator::new(keys).with_clock(FakeClock::at(now).reader());
    let keys = ApiKeyMiddleware::from(auth.warn_before(Duration::from_secs(60)));
    let app = App::new().wrap(keys).route("/", web::get().to(respond));
    let response = call(&init_service(app).await, "/", Some("ends-soon")).await;
    assert_eq!(response.lines("vary"), ["Accept", "x-api-key"]);
    assert_eq!(response.lines("cache-control"), ["max-age=60"]);
    assert_eq!(response.lines("x-key-expires"), ["own"]);
}

#[tokio::test]
async fn several_lines_of_a_key_are_ambiguous_and_all_hidden() {
    async fn debug(request: HttpRequest) -> String {
        format!("{:?}", request.headers())
    }
    let header = Source::header("x-api-key").with_prefix("tJ0");
    let auth = Authenticator::new(store(false)).with_sources([header, Source::bearer()]).unwrap();
    let keys = ApiKeyMiddleware::from(auth).optional();
    let app = init_service(App::new().wrap(keys).route("/", web::get().to(debug))).await;
    let both = |other: &str| {
        let request = TestRequest::get().append_header(("x-api-key", KEY));
        request.append_header(("x-api-key", other.to_owned())).to_request()
    };
    assert_eq!(reply(call_service(&app, both("tJ0")).await).await.status, 401);
    // Neither line is a key, and `Bearer` decides.
    let request = TestRequest::get().append_header(("x-api-key", "one"));
    let request = request.append_header(("x-api-key", "other"));
    let request = request.append_header(("authorization", format!("Bearer {KEY}")));
    let shown = reply(call_service(&app, request.to_request()).await).await;
    assert_eq!(shown.status, 200);
    assert_eq!(shown.body.matches("Sensitive").count(), 3, "{}", shown.body);
}

#[tokio::test]
async fn query_and_body_are_configured_as_for_the_layer() {
    async fn debug(request: HttpRequest) -> String {
        let client = request.extensions().get::<Client>().map(|client| client.name().to_owned());
        format!("{client:?} {:?}", request.headers())
    }
    let sources = [Source::header("x-api-key"), Source::query("key")];
    let auth = Authenticator::new(store(false)).with_sources_in_parts(sources).unwrap();
    let app = App::new()
        .wrap(ApiKeyMiddleware::from(auth).with_response(NoBody))
        .route("/", web::get().to(debug));
    let app = init_service(app).await;
    let target = format!("/?key={KEY}");
    assert!(call(&app, &target, None).await.body.starts_with("Some(\"Right\")"));
    let refused = call(&app, "/?key=nobodys", None).await;
    assert_eq!((refused.status.as_u16(), &*refused.body), (401, ""));
    // The key in a header is hidden.
    let shown = call(&app, "/", Some(KEY)).await.body;
    assert!(shown.contains("Sensitive") && !shown.contains(KEY), "{shown}");
}
