//! `strip_credentials` removes the credentials of every source, and nothing else.

use http::Request;
use http::request::Parts;
use keygate::{ApiKeyLayer, Authenticator, Source};

use crate::common::keys::{Keys, RIGHT, RIGHT_TOO};
use crate::common::services::seen_behind;
use crate::common::sources::{all, without_key};
use crate::common::stores::Later;

fn layer(sources: impl IntoIterator<Item = Source>) -> ApiKeyLayer<Keys> {
    let auth = Authenticator::new(Keys).with_sources_in_parts(sources).unwrap();
    ApiKeyLayer::from(auth).strip_credentials()
}

async fn stripped(layer: &ApiKeyLayer<Keys>, uri: &str, fields: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    seen_behind(layer, request.body(()).unwrap()).await.expect("the request is admitted")
}

fn lines<'a>(parts: &'a Parts, name: &str) -> Vec<&'a str> {
    parts.headers.get_all(name).iter().map(|line| line.to_str().unwrap()).collect()
}

#[tokio::test]
async fn credentials_stay_by_default() {
    let layer: ApiKeyLayer<_> = Authenticator::new(Keys)
        .with_sources_in_parts([Source::query("key"), Source::header("x-api-key")])
        .unwrap()
        .into();
    let uri = format!("/?key={RIGHT}");
    let parts = stripped(&layer, &uri, &[("x-api-key", RIGHT_TOO)]).await;
    assert_eq!(parts.uri, *uri);
    assert_eq!(lines(&parts, "x-api-key"), [RIGHT_TOO]);
}

#[tokio::test]
async fn only_the_key_header_is_stripped() {
    let layer = layer([Source::header("x-api-key")]);
    let fields =
        [("accept", "*/*"), ("x-api-key", RIGHT), ("x-api-key-2", RIGHT), ("te", "trailers")];
    let parts = stripped(&layer, "/", &fields).await;
    assert!(!parts.headers.contains_key("x-api-key"));
    assert_eq!(parts.headers.len(), 3);
    for (name, value) in [fields[0], fields[2], fields[3]] {
        assert_eq!(lines(&parts, name), [value]);
    }
}

#[tokio::test]
async fn credentials_are_stripped_with_a_store_that_waits() {
    let layer = ApiKeyLayer::new(Later(Keys)).strip_credentials();
    let request = Request::builder().header("x-api-key", RIGHT).header("accept", "*/*");
    let parts = seen_behind(&layer, request.body(()).unwrap()).await.unwrap();
    assert!(!parts.headers.contains_key("x-api-key"));
    assert_eq!(lines(&parts, "accept"), ["*/*"]);
}

#[tokio::test]
async fn blank_and_repeated_credentials_are_stripped() {
    for case in all() {
        let layer = layer([Source::header("x-api-key"), case.source.clone()]);
        for keys in [&[""][..], &["1", "2"], &["1", ""]] {
            let mut request = case.request(keys[0].as_bytes());
            for key in &keys[1..] {
                (case.write)(&mut request, key.as_bytes());
            }
            request.headers_mut().insert("x-api-key", RIGHT.parse().unwrap());
            let parts = seen_behind(&layer, request).await.expect("the request is admitted");
            assert_eq!(parts.uri, *without_key().uri(), "{:?}", case.constructor);
            // An empty `Authorization` has no credentials, and stays.
            let left = parts
                .headers
                .iter()
                .filter(|(name, value)| *name != "authorization" || !value.is_empty());
            let left: Vec<_> = left.map(|(_, value)| value).collect();
            assert_eq!(left, ["*/*"], "{:?}", case.constructor);
        }
    }
}

#[tokio::test]
async fn authorization_is_stripped_in_every_spelling() {
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let layer = layer([Source::header("x-api-key"), Source::bearer()]);
        let value = format!("{scheme}   {RIGHT_TOO}");
        let fields = [("x-api-key", RIGHT), ("authorization", &*value)];
        let parts = stripped(&layer, "/", &fields).await;
        assert!(parts.headers.is_empty(), "{scheme}");
    }
}

#[tokio::test]
async fn authorization_of_another_scheme_is_kept() {
    let layer = layer([Source::header("x-api-key"), Source::bearer(), Source::scheme("ApiKey")]);
    for value in ["Basic dXNlcjpwYXNz", "Bearerish token", "ApiKey2 key", "Token ApiKey"] {
        let fields = [("x-api-key", RIGHT), ("authorization", value)];
        let parts = stripped(&layer, "/", &fields).await;
        assert_eq!(lines(&parts, "authorization"), [value]);
    }
    let lines_of_both = [
        ("x-api-key", RIGHT),
        ("authorization", "Basic dXNlcjpwYXNz"),
        ("authorization", "Bearer key"),
        ("authorization", "Digest username=\"x\""),
    ];
    let parts = stripped(&layer, "/", &lines_of_both).await;
    assert_eq!(lines(&parts, "authorization"), ["Basic dXNlcjpwYXNz", "Digest username=\"x\""]);
}

#[tokio::test]
async fn other_query_parameters_keep_their_order_and_spelling() {
    let layer = layer([Source::query("api_key")]);
    for (before, after) in [
        ("/?api_key=KEY", "/"),
        ("/route?api_key=KEY&a=1", "/route?a=1"),
        ("/route?a=1&api_key=KEY", "/route?a=1"),
        ("/route?b=2&api_key=KEY&a=1", "/route?b=2&a=1"),
        ("/route?%61pi%5Fkey=KEY&%61=%31&a=+&&b=&c", "/route?%61=%31&a=+&&b=&c"),
        ("/route?a%26api_key=1&api_key=KEY", "/route?a%26api_key=1"),
        (
            "/route?Api_Key=1&api_key=KEY&api_key2=2&xapi_key=3",
            "/route?Api_Key=1&api_key2=2&xapi_key=3",
        ),
        ("/%7Euser/a%2Fb?q=caf%C3%A9&api_key=KEY", "/%7Euser/a%2Fb?q=caf%C3%A9"),
        ("http://example.com/route?api_key=KEY&a=1", "http://example.com/route?a=1"),
        ("https://user@example.com:8443/?a=1&api_key=KEY", "https://user@example.com:8443/?a=1"),
        ("http://example.com?api_key=KEY", "http://example.com/"),
        ("//route?api_key=KEY", "//route"),
    ] {
        let parts = stripped(&layer, &before.replace("KEY", RIGHT), &[]).await;
        assert_eq!(parts.uri.to_string(), after, "{before}");
    }
}

#[tokio::test]
async fn targets_without_the_parameter_are_unchanged() {
    let layer = layer([Source::header("x-api-key"), Source::query("api_key")]);
    for target in ["/", "/?", "/?a=1&&%62=2&", "*", "http://example.com/?a", "example.com:443"] {
        let parts = stripped(&layer, target, &[("x-api-key", RIGHT)]).await;
        let before: http::Uri = target.parse().unwrap();
        assert_eq!(parts.uri.to_string(), before.to_string());
    }
}

#[tokio::test]
async fn parameter_name_with_a_space_is_stripped_in_every_spelling() {
    let layer = layer([Source::query("api key")]);
    for name in ["api+key", "api%20key", "%61pi+ke%79"] {
        let parts = stripped(&layer, &format!("/?a=1&{name}={RIGHT}"), &[]).await;
        assert_eq!(parts.uri, "/?a=1", "{name}");
    }
}

#[tokio::test]
async fn only_cookies_with_the_name_are_stripped() {
    let layer = layer([Source::cookie("key")]);
    let check = async |before: &[&str], after: &[&str]| {
        let before: Vec<_> = before.iter().map(|line| line.replace("KEY", RIGHT)).collect();
        let fields: Vec<_> = before.iter().map(|line| ("cookie", &**line)).collect();
        let parts = stripped(&layer, "/", &fields).await;
        assert_eq!(lines(&parts, "cookie"), after, "{before:?}");
    };
    check(&["key=KEY"], &[]).await;
    check(&["a=1; key=KEY"], &["a=1"]).await;
    check(&["key=KEY; a=1"], &["a=1"]).await;
    check(&["b=2; key=KEY; a=1"], &["b=2; a=1"]).await;
    check(&["a=1;key=KEY;b=2"], &["a=1;b=2"]).await;
    check(&["keys=1; Key=2; key=KEY; xkey=3; key"], &["keys=1; Key=2; xkey=3; key"]).await;
    check(&["a=1; a=2", "key=KEY", "b=3"], &["a=1; a=2", "b=3"]).await;
    check(&["z=\"q\"", "a=1; key=KEY", "b = 3 ;c"], &["z=\"q\"", "a=1", "b = 3 ;c"]).await;
}

#[tokio::test]
async fn key_without_its_scheme_is_stripped() {
    let with_bearer = layer([Source::header("x-api-key"), Source::bearer()]);
    for value in [RIGHT_TOO, "Bearer:KEY", "Bearer: KEY", "\"Bearer KEY\"", "=KEY x"] {
        let value = value.replace("KEY", RIGHT_TOO);
        let fields = [("x-api-key", RIGHT), ("authorization", &*value)];
        let parts = stripped(&with_bearer, "/", &fields).await;
        assert!(parts.headers.is_empty(), "{:?}", parts.headers);

        // If no source is in `Authorization`, the header belongs to the service.
        let parts = stripped(&layer([Source::header("x-api-key")]), "/", &fields).await;
        assert_eq!(lines(&parts, "authorization"), [value]);
    }
}
