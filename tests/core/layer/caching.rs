//! `Vary` and `Cache-Control` of responses.

use std::collections::BTreeSet;

use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderValue, Request, Response};
use keygate::{ApiKeyLayer, Authenticator, KeyStore};

use crate::common::keys::{Keys, RIGHT, UNANSWERABLE, WRONG};
use crate::common::reply::lines;
use crate::common::services::{greet, respond, respond_from};
use crate::common::sources::all;
use crate::common::stores::Later;

fn with_key(key: &str) -> Request<()> {
    Request::builder().header("x-api-key", key).body(()).unwrap()
}

/// The caching headers set by the service, after the layer.
async fn fields<S: KeyStore>(
    layer: &ApiKeyLayer<S>,
    request: Request<()>,
    vary: &'static [&str],
    cache_control: &'static [&str],
) -> (Vec<String>, Vec<String>) {
    let response = respond_from(layer, request, |_| {
        let mut response = Response::new(String::new());
        for (name, values) in [(VARY, vary), (CACHE_CONTROL, cache_control)] {
            for value in values {
                response.headers_mut().append(&name, HeaderValue::from_static(value));
            }
        }
        response
    })
    .await;
    let lines = |name| lines(&response, name).into_iter().map(str::to_owned).collect();
    (lines("vary"), lines("cache-control"))
}

#[tokio::test]
async fn response_to_a_client_is_private_and_varies_by_key_header() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let response = respond(&layer, with_key(RIGHT)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(lines(&response, "vary"), ["x-api-key"]);
        assert_eq!(lines(&response, "cache-control"), ["private"]);
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
    check(ApiKeyLayer::new(Keys).optional()).await;
    check(ApiKeyLayer::new(Keys).strip_credentials()).await;
}

#[tokio::test]
async fn anonymous_response_varies_and_is_not_private() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let response = respond(&layer.optional(), Request::new(())).await;
        assert_eq!(response.status(), 200);
        assert_eq!(lines(&response, "vary"), ["x-api-key"]);
        assert!(lines(&response, "cache-control").is_empty());
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}

#[tokio::test]
async fn response_varies_by_each_source_header_once() {
    let sources = all().into_iter().map(|case| case.source);
    let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
    let response = respond(&auth.into(), all()[0].request(RIGHT.as_bytes())).await;
    let mut vary = lines(&response, "vary").join(",").to_lowercase();
    vary.retain(|char| char != ' ');
    let mut names: Vec<_> = vary.split(',').collect();
    names.sort_unstable();
    let expected: BTreeSet<_> = all().into_iter().filter_map(|case| case.header).collect();
    assert_eq!(names, Vec::from_iter(expected));
}

#[tokio::test]
async fn vary_of_the_service_is_extended_without_repeats() {
    let layer = ApiKeyLayer::new(Keys);
    let cases: [(&'static [&str], &[&str]); 6] = [
        (&["accept"], &["accept", "x-api-key"]),
        (&["accept, origin", "te"], &["accept, origin", "te", "x-api-key"]),
        (&["x-api-key"], &["x-api-key"]),
        (&["accept,X-API-Key ,te"], &["accept,X-API-Key ,te"]),
        (&["x-api-keys"], &["x-api-keys", "x-api-key"]),
        (&["*"], &["*"]),
    ];
    for (before, after) in cases {
        let (vary, _) = fields(&layer, with_key(RIGHT), before, &[]).await;
        assert_eq!(vary, after);
    }
}

#[tokio::test]
async fn cache_control_of_the_service_is_kept() {
    let layer = ApiKeyLayer::new(Keys).optional();
    for own in [&["public, max-age=60"] as &[_], &["no-store"], &["max-age=1", "private"]] {
        for request in [with_key(RIGHT), Request::new(())] {
            let (vary, cache_control) = fields(&layer, request, &[], own).await;
            assert_eq!(vary, ["x-api-key"]);
            assert_eq!(cache_control, own);
        }
    }
}

#[tokio::test]
async fn cache_headers_can_be_left_to_the_service() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        let layer = layer.optional().without_cache_fields();
        for request in [with_key(RIGHT), Request::new(())] {
            let response = respond(&layer, request.clone()).await;
            assert_eq!((response.status().as_u16(), response.headers().len()), (200, 0));
            let own = fields(&layer, request, &["accept"], &["public"]).await;
            assert_eq!(own, (vec!["accept".to_owned()], vec!["public".to_owned()]));
        }
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
}

#[tokio::test]
async fn refusals_are_not_stored() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        for request in [Request::new(()), with_key(WRONG), with_key(UNANSWERABLE)] {
            let response = respond(&layer, request).await;
            assert!(!response.status().is_success());
            assert_eq!(lines(&response, "cache-control"), ["no-store"]);
        }
    }
    check(ApiKeyLayer::new(Keys)).await;
    check(ApiKeyLayer::new(Later(Keys))).await;
    check(ApiKeyLayer::new(Keys).without_cache_fields()).await;
    check(ApiKeyLayer::new(Later(Keys)).without_cache_fields()).await;
}

#[tokio::test]
async fn error_responses_of_the_service_are_private_too() {
    let response = respond_from(&ApiKeyLayer::new(Keys), with_key(RIGHT), |request| {
        let mut response = greet(&request);
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        response
    })
    .await;
    assert_eq!(lines(&response, "cache-control"), ["private"]);
}
