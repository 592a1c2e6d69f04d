//! The header for keys that end soon.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use keygate::testing::FakeClock;
use keygate::{ApiKeyLayer, Authenticator, KeyDigest, KeyRecord, KeyStore, MemoryStore};

use crate::common::reply::lines;
use crate::common::services::respond_from;
use crate::common::stores::Later;

const DAY: Duration = Duration::from_secs(86_400);

/// 2027-01-15T08:00:00Z
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    let record = |key: &str| KeyRecord::new(KeyDigest::of(key.as_bytes()), "App 1");
    for record in [
        record("never"),
        record("later").with_expiry(now() + 14 * DAY + Duration::from_secs(1)),
        record("soon").with_expiry(now() + 14 * DAY),
        record("replaced").with_expiry(now() + 30 * DAY).with_replaced(true),
        record("replaced for ever").with_replaced(true),
        record("expired").with_expiry(now()),
    ] {
        store.insert_record(record).unwrap();
    }
    store
}

fn auth<S: KeyStore>(store: S) -> Authenticator<S> {
    Authenticator::new(store).with_clock(FakeClock::at(now()).reader())
}

async fn warnings<S: KeyStore>(layer: &ApiKeyLayer<S>, key: &str, name: &str) -> Vec<String> {
    let request = Request::builder().header("x-api-key", key).body(()).unwrap();
    let response = respond_from(layer, request, |_| Response::new(String::new())).await;
    lines(&response, name).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn header_warns_of_keys_that_end_soon_or_were_replaced() {
    async fn check<S: KeyStore>(layer: ApiKeyLayer<S>) {
        for (key, expected) in [
            ("never", None),
            ("later", None),
            ("soon", Some("2027-01-29T08:00:00Z")),
            ("replaced", Some("2027-02-14T08:00:00Z")),
            ("replaced for ever", None),
            ("expired", None),
            ("unknown", None),
        ] {
            let seen = warnings(&layer, key, "x-key-expires").await;
            assert_eq!(seen, Vec::from_iter(expected), "{key}");
        }
    }
    check(auth(store()).warn_before(14 * DAY).into()).await;
    check(auth(Later(store())).warn_before(14 * DAY).into()).await;
    let layer = ApiKeyLayer::from(auth(store()).warn_before(14 * DAY));
    check(layer.without_cache_fields()).await;
    check(ApiKeyLayer::from(auth(store())).warn_before(14 * DAY)).await;
}

#[tokio::test]
async fn header_can_be_renamed_or_omitted() {
    let none = warnings(&auth(store()).into(), "soon", "x-key-expires").await;
    assert!(none.is_empty());
    let named = auth(store()).warn_before_in(14 * DAY, HeaderName::from_static("key-ends")).into();
    assert_eq!(warnings(&named, "soon", "key-ends").await, ["2027-01-29T08:00:00Z"]);
    assert!(warnings(&named, "soon", "x-key-expires").await.is_empty());
    let name = HeaderName::from_static("key-ends");
    let named = ApiKeyLayer::from(auth(store())).warn_before_in(14 * DAY, name);
    assert_eq!(warnings(&named, "soon", "key-ends").await, ["2027-01-29T08:00:00Z"]);
}

#[tokio::test]
async fn warning_of_one_layer_does_not_change_its_clones() {
    let layer = ApiKeyLayer::from(auth(store()));
    let warning = layer.clone().warn_before(14 * DAY);
    assert!(warnings(&layer, "soon", "x-key-expires").await.is_empty());
    assert_eq!(warnings(&warning, "soon", "x-key-expires").await.len(), 1);
}

#[tokio::test]
async fn header_set_by_the_service_is_kept() {
    let layer = ApiKeyLayer::from(auth(store()).warn_before(14 * DAY));
    let request = Request::builder().header("x-api-key", "soon").body(()).unwrap();
    let response = respond_from(&layer, request, |_| {
        let mut response = Response::new(String::new());
        response.headers_mut().insert("x-key-expires", HeaderValue::from_static("own"));
        response
    })
    .await;
    assert_eq!(lines(&response, "x-key-expires"), ["own"]);
}

#[test]
fn finish_response_adds_the_header() {
    let auth = auth(store()).warn_before(14 * DAY);
    let client = auth.verify_key(b"soon").unwrap();
    let mut headers = HeaderMap::new();
    auth.finish_response(&mut headers, &client);
    assert_eq!(headers["x-key-expires"], "2027-01-29T08:00:00Z");
    let mut headers = HeaderMap::new();
    auth.finish_refusal(&mut headers, &client.require("orders:write").unwrap_err());
    assert_eq!(headers["x-key-expires"], "2027-01-29T08:00:00Z");
}
