//! Every `Respond` with every kind of body that it supports.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use keygate::respond::{Grpc, NoBody, ProblemJson, Respond};
use keygate::{ApiKeyLayer, AuthError};
use tower::{Layer as _, ServiceExt as _};

use crate::bodies::boxed::FromText;
use crate::common::keys::{Keys, UNANSWERABLE, WRONG, refusal_of};
use crate::common::reply::Reply;

type Answered<B> = std::future::Ready<Result<Response<B>, Infallible>>;

/// The response of the layer to a request with this key, for a service with this kind of body.
async fn reply<R, B>(respond: R, key: Option<&str>) -> Reply
where
    R: Respond<B> + Clone,
    B: hyper::body::Body<Error: std::fmt::Debug>,
{
    let inner = tower::service_fn(|request: Request<()>| -> Answered<B> {
        unreachable!("{request:?} is admitted")
    });
    let mut request = Request::new(());
    if let Some(key) = key {
        request.headers_mut().insert("x-api-key", key.parse().unwrap());
    }
    let service = ApiKeyLayer::new(Keys).with_response(respond).layer(inner);
    let Ok(response) = service.oneshot(request).await;
    Reply::of(response).await
}

const CASES: [(Option<&str>, u16, &str); 3] = [
    (
        None,
        401,
        r#"{"title":"Unauthorized","status":401,"detail":"Credentials not present in request"}"#,
    ),
    (Some(WRONG), 401, r#"{"title":"Unauthorized","status":401,"detail":"Credentials not valid"}"#),
    (
        Some(UNANSWERABLE),
        503,
        r#"{"title":"Service Unavailable","status":503,"detail":"Credentials could not be checked"}"#,
    ),
];

async fn assert_problem_json<B>()
where
    B: hyper::body::Body<Error: std::fmt::Debug> + From<String> + From<&'static str>,
{
    for (key, status, body) in CASES {
        let reply = reply::<_, B>(ProblemJson, key).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (status, body));
        assert_eq!(reply.lines("content-type"), ["application/problem+json"]);
        assert_eq!(reply.lines("cache-control"), ["no-store"]);
    }
}

#[tokio::test]
async fn problem_json_fits_bodies_that_are_made_from_text() {
    assert_problem_json::<axum::body::Body>().await;
    assert_problem_json::<Full<Bytes>>().await;
    assert_problem_json::<String>().await;
    assert_problem_json::<FromText>().await;
}

async fn assert_no_body<B>()
where
    B: hyper::body::Body<Error: std::fmt::Debug> + Default,
{
    for (key, status, _) in CASES {
        let reply = reply::<_, B>(NoBody, key).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (status, ""));
        assert!(reply.lines("content-type").is_empty());
        assert_eq!(reply.lines("cache-control"), ["no-store"]);
        assert_eq!(reply.lines("www-authenticate").len(), usize::from(status == 401));
        assert_eq!(reply.lines("retry-after").len(), usize::from(status == 503));
    }
}

#[tokio::test]
async fn no_body_fits_bodies_that_are_only_default() {
    assert_no_body::<axum::body::Body>().await;
    assert_no_body::<Full<Bytes>>().await;
    assert_no_body::<Empty<Bytes>>().await;
    assert_no_body::<String>().await;
    assert_no_body::<tonic::body::Body>().await;
}

async fn assert_grpc<B>()
where
    B: hyper::body::Body<Error: std::fmt::Debug> + Default,
{
    let statuses = ["16", "16", "14"];
    let messages = [
        "Credentials not present in request",
        "Credentials not valid",
        "Credentials could not be checked",
    ];
    for (((key, ..), code), message) in CASES.into_iter().zip(statuses).zip(messages) {
        let reply = reply::<_, B>(Grpc, key).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (200, ""));
        assert_eq!(reply.lines("content-type"), ["application/grpc"]);
        assert_eq!(reply.lines("grpc-status"), [code]);
        assert_eq!(reply.lines("grpc-message"), [message]);
        assert_eq!(reply.lines("cache-control"), ["no-store"]);
    }
}

#[tokio::test]
async fn grpc_fits_bodies_that_are_only_default() {
    assert_grpc::<tonic::body::Body>().await;
    assert_grpc::<axum::body::Body>().await;
    assert_grpc::<Full<Bytes>>().await;
    assert_grpc::<String>().await;
}

#[tokio::test]
async fn closure_makes_the_body_and_the_layer_adds_the_headers() {
    let respond = |error: &AuthError| {
        let body = Full::from(format!("<p>{error}</p>"));
        let response =
            Response::builder().status(error.status()).header("content-type", "text/html");
        response.header("www-authenticate", "Negotiate").body(body).unwrap()
    };
    let reply = reply::<_, Full<Bytes>>(respond, Some(WRONG)).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.body, "<p>Credentials not valid</p>");
    assert_eq!(reply.lines("content-type"), ["text/html"]);
    assert_eq!(
        reply.lines("www-authenticate"),
        [r#"ApiKey realm="api", in="header", name="x-api-key""#]
    );
    assert_eq!(reply.lines("cache-control"), ["no-store"]);
}

#[test]
fn challenges_of_a_closure_are_replaced_or_removed() {
    let respond = |error: &AuthError| {
        let response = Response::builder().status(error.status());
        response.header("www-authenticate", "Negotiate").body(String::new()).unwrap()
    };
    let auth = keygate::Authenticator::new(Keys);
    let missing_scope = keygate::Client::for_test("App 1").require("orders:read").unwrap_err();
    let ours = r#"ApiKey realm="api", in="header", name="x-api-key""#;
    for (error, expected) in [
        (AuthError::NoCredentials, &[ours][..]),
        (refusal_of(WRONG), &[ours]),
        (refusal_of(UNANSWERABLE), &[]),
        (missing_scope, &[]),
    ] {
        let mut response: Response<String> = auth.respond_with(&respond, &error);
        assert_eq!(lines(response.headers()), expected, "{error}");
        let headers = response.headers_mut();
        headers.insert("www-authenticate", "Negotiate".parse().unwrap());
        auth.finish_refusal(headers, &error);
        assert_eq!(lines(headers), expected, "{error}");
    }
}

fn lines(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all("www-authenticate").iter();
    lines.map(|line| line.to_str().unwrap()).collect()
}

#[tokio::test]
async fn status_and_retry_after_of_a_closure_are_kept() {
    let respond = |_: &AuthError| {
        let response = Response::builder().status(StatusCode::BAD_GATEWAY);
        response.header("retry-after", "3").body(String::new()).unwrap()
    };
    for _ in 0..20 {
        let response: Response<String> =
            keygate::Authenticator::new(Keys).respond_with(&respond, &refusal_of(UNANSWERABLE));
        assert_eq!(response.status(), 502);
        assert_eq!(response.headers()["retry-after"], "3");
    }
}
