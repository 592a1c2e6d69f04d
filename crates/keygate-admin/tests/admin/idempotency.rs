use std::sync::{Arc, Mutex};
use std::time::Duration;

use keygate::MemoryStore;
use keygate_admin::Admin;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::api::{ann, issued, server};
use super::documented::Documented;
use super::hooked::Hooked;
use super::support::{Server, new_key};

const ISSUE: &str = "/clients/App%201/keys";

fn store() -> MemoryStore {
    let store = MemoryStore::new();
    store.add_client("App 1").unwrap();
    store
}

fn count(store: &MemoryStore) -> usize {
    store.list_keys(None).unwrap().len()
}

/// Waits for something that should happen at once.
async fn soon<F: Future>(future: F) -> F::Output {
    let waited = tokio::time::timeout(Duration::from_secs(20), future).await;
    waited.expect("nothing happened for 20 seconds")
}

fn once(api: &Documented, key: &str) -> Documented {
    api.with_header("idempotency-key", key)
}

#[tokio::test]
async fn repeated_issue_describes_the_key_without_its_text() {
    let store = store();
    let ann = ann(&server(store.clone())).await;
    let request = once(&ann, "8e03978e-40d5-43dd-bc93-6894a57f9324");
    let first = request.post(ISSUE, json!({ "label": "a" })).await.expect(201);
    assert_eq!(first.body["replayed"], false);
    assert_eq!(first.header("idempotent-replayed"), "");
    for key in ["8e03978e-40d5-43dd-bc93-6894a57f9324", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\""]
    {
        let again = once(&ann, key).post(ISSUE, json!({ "label": "a" })).await.expect(200);
        assert_eq!(issued(&again), issued(&first));
        assert_eq!((&again.body["key"], &again.body["replayed"]), (&Value::Null, &json!(true)));
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert!(again.body["message"].as_str().unwrap().contains("revoke"));
    }
    assert_eq!(count(&store), 1);
    // Without the header, or with another one, it is a new request.
    ann.post(ISSUE, json!({ "label": "a" })).await.expect(201);
    once(&ann, "another").post(ISSUE, json!({ "label": "a" })).await.expect(201);
    assert_eq!(count(&store), 3);
}

#[tokio::test]
async fn repeated_rotation_makes_no_second_successor() {
    let store = store();
    let server = server(store.clone());
    let ann = ann(&server).await;
    let old = ann.post(ISSUE, json!({})).await.expect(201);
    let path = format!("/keys/{}/rotate", issued(&old));
    // By the time of the repeat, the `If-Match` version of the request is out of date.
    let request = once(&ann, "r").with_header("if-match", old.header("etag"));
    let first = request.post(&path, json!({ "grace_seconds": 60 })).await.expect(201);
    let again = request.post(&path, json!({ "grace_seconds": 60 })).await.expect(200);
    assert_eq!(again.body["old"]["replaced_by"], issued(&first));
    assert_eq!(issued(&again), issued(&first));
    assert_eq!(count(&store), 2);
}

#[tokio::test]
async fn idempotency_key_of_another_request_is_refused() {
    let store = store();
    store.add_client("App 2").unwrap();
    let ann = ann(&server(store.clone())).await;
    let request = once(&ann, "k");
    let first = request.post(ISSUE, json!({ "label": "a" })).await.expect(201);
    for (path, body) in [
        (ISSUE, json!({ "label": "b" })),
        ("/clients/App%202/keys", json!({ "label": "a" })),
        (&format!("/keys/{}/rotate", issued(&first)), json!({ "label": "a" })),
    ] {
        request.post(path, body).await.refused(422, "idempotency-key-reused");
    }
    assert_eq!(count(&store), 1);
}

#[tokio::test]
async fn operators_do_not_share_idempotency_keys() {
    let store = store();
    let server = server(store.clone());
    let profile = keygate::ClientProfile::new("eve").with_scopes(["admin".parse().unwrap()]);
    server.operators.add_client(profile).unwrap();
    let ann = ann(&server).await;
    let eve = ann.with_header("x-api-key", &new_key(&server.operators, "eve"));
    let [first, second] =
        [ann, eve].map(|who| async move { once(&who, "k").post(ISSUE, json!({})).await });
    let (first, second) = (first.await.expect(201), second.await.expect(201));
    assert_ne!(issued(&first), issued(&second));
}

#[tokio::test]
async fn request_in_progress_is_not_repeated() {
    let store = store();
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (starts, goes) = (begun.clone(), go.clone());
    let slow = Hooked::new(Box::new(store.clone()), move |method, is_before| {
        let (begun, go) = (starts.clone(), goes.clone());
        Box::pin(async move {
            if method == "issue" && is_before {
                begun.notify_one();
                go.notified().await;
            }
            Ok(())
        })
    });
    let ann = ann(&Server::with(slow, Admin::with_api)).await;
    let request = once(&ann, "k");
    let first = tokio::spawn({
        let request = request.clone();
        async move { request.post(ISSUE, json!({})).await }
    });
    soon(begun.notified()).await;
    let answer = soon(request.post(ISSUE, json!({}))).await.refused(409, "in-progress");
    assert_eq!(answer.header("retry-after"), "1");
    go.notify_one();
    let first = first.await.unwrap().expect(201);
    let again = soon(request.post(ISSUE, json!({}))).await.expect(200);
    assert_eq!(issued(&again), issued(&first));
    assert_eq!(count(&store), 1);
}

/// The caller disconnects while the store is working.
#[tokio::test]
async fn request_of_a_disconnected_caller_is_finished() {
    let store = store();
    let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (starts, goes) = (begun.clone(), go.clone());
    let slow = Hooked::new(Box::new(store.clone()), move |method, is_before| {
        let (begun, go) = (starts.clone(), goes.clone());
        Box::pin(async move {
            if method == "issue" && is_before {
                begun.notify_one();
                go.notified().await;
            } else if method == "issue" {
                begun.notify_one();
            }
            Ok(())
        })
    });
    let ann = ann(&Server::with(slow, Admin::with_api)).await;
    let request = once(&ann, "k");
    let first = tokio::spawn({
        let request = request.clone();
        async move { request.post(ISSUE, json!({})).await.status }
    });
    soon(begun.notified()).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    go.notify_one();
    soon(begun.notified()).await;
    tokio::task::yield_now().await;
    let again = soon(request.post(ISSUE, json!({}))).await.expect(200);
    let only = store.list_keys(None).unwrap();
    assert_eq!((only.len(), only[0].key_id.to_string()), (1, issued(&again).to_owned()));
}

#[tokio::test]
async fn failed_issue_creates_one_key_when_repeated() {
    for (fails_before, status) in [(true, 201), (false, 200)] {
        let store = store();
        let failing = Hooked::failing(store.clone(), "issue", fails_before);
        let ann = ann(&Server::with(failing, Admin::with_api)).await;
        let request = once(&ann, "k");
        request.post(ISSUE, json!({})).await.refused(503, "unavailable");
        assert_eq!(count(&store), usize::from(!fails_before));
        let again = request.post(ISSUE, json!({})).await.expect(status);
        let only = store.list_keys(None).unwrap();
        assert_eq!((only.len(), only[0].key_id.to_string()), (1, issued(&again).to_owned()));
        assert_eq!(issued(&request.post(ISSUE, json!({})).await.expect(200)), issued(&again));
    }
}

#[tokio::test]
async fn failed_rotation_creates_one_key_when_repeated() {
    for (fails_before, status) in [(true, 201), (false, 200)] {
        let store = store();
        let failing = Hooked::failing(store.clone(), "rotate", fails_before);
        let ann = ann(&Server::with(failing, Admin::with_api)).await;
        let old = ann.post(ISSUE, json!({})).await.expect(201);
        let path = format!("/keys/{}/rotate", issued(&old));
        let request = once(&ann, "k").with_header("if-match", old.header("etag"));
        request.post(&path, json!({})).await.refused(503, "unavailable");
        let again = request.post(&path, json!({})).await.expect(status);
        assert_eq!(again.body["old"]["replaced_by"], issued(&again));
        assert_eq!(count(&store), 2);
    }
}

#[tokio::test]
async fn refused_request_is_not_remembered() {
    let store = store();
    let ann = ann(&server(store.clone())).await;
    let request = once(&ann, "k");
    request.post(ISSUE, json!({ "scopes": ["a"] })).await.refused(422, "invalid-fields");
    request.post(ISSUE, json!({})).await.expect(201);
    for key in ["", "a b", "é", &"x".repeat(256)] {
        once(&ann, key).post(ISSUE, json!({})).await.refused(400, "malformed-request");
    }
    assert_eq!(count(&store), 1);
}

#[tokio::test]
async fn request_is_remembered_for_a_day() {
    let store = store();
    let server = server(store.clone());
    let ann = ann(&server).await;
    let request = once(&ann, "k");
    let last = Duration::from_secs(24 * 60 * 60 - 1);
    request.post(ISSUE, json!({})).await.expect(201);
    server.pass(last);
    request.post(ISSUE, json!({})).await.expect(200);
    server.pass(Duration::from_secs(1));
    request.post(ISSUE, json!({})).await.expect(201);
    assert_eq!(count(&store), 2);
}

#[tokio::test]
async fn restart_forgets_requests() {
    let store = store();
    let keys = Mutex::new(Vec::new());
    for _ in 0..2 {
        let ann = ann(&server(store.clone())).await;
        let answer = once(&ann, "k").post(ISSUE, json!({})).await.expect(201);
        keys.lock().unwrap().push(issued(&answer).to_owned());
    }
    assert_eq!(count(&store), 2);
}
