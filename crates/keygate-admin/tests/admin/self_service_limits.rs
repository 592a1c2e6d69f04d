use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keygate::manage::Policy;
use keygate::{ApiKey, NewKey};
use keygate_admin::self_service;
use serde_json::{Value, json};

use super::hooked::Hooked;
use super::self_service::{DAY, by_header, clock, id, service, store, user, working};

#[tokio::test]
async fn new_key_is_within_the_clients_scopes_and_the_policy() {
    let clock = clock();
    let store = store(&clock);
    store
        .update_policy(Policy::new().with_max_lifetime(90 * DAY).with_default_lifetime(DAY))
        .unwrap();
    let user = user(service(store.clone(), &clock)).await;
    for (body, place) in [
        (json!({ "scopes": ["stock:read"] }), "#/scopes"),
        (json!({ "scopes": ["orders:read", "Orders"] }), "#/scopes/1"),
        (json!({ "expires": null }), "#/expires"),
        (json!({ "expires": "2030-01-01T00:00:00Z" }), "#/expires"),
        (json!({ "expires": "tomorrow" }), "#/expires"),
        (json!({ "label": " x" }), "#/label"),
        (json!({ "label": 7 }), "#/label"),
        (json!({ "client": "App 2" }), "#/client"),
    ] {
        let refused = user.post("/keys", body).await.refused(422, "invalid-fields");
        assert_eq!(refused.places(), [place]);
    }
    assert_eq!(store.list_keys(None).unwrap(), []);
    let issued = user.post("/keys", json!({})).await.expect(201);
    assert_eq!(issued.body["issued"]["expires"], "2027-01-16T08:00:00Z");
}

#[tokio::test]
async fn client_cannot_exceed_its_maximum_of_keys() {
    let clock = clock();
    let user = user(service(store(&clock), &clock).with_max_keys(2)).await;
    let first = user.post("/keys", json!({})).await.expect(201);
    user.post("/keys", json!({ "expires": "2027-01-16T00:00:00Z" })).await.expect(201);
    user.post("/keys", json!({})).await.refused(409, "too-many-keys");
    let other = user.with_header("user-of", "App 2");
    other.post("/keys", json!({})).await.expect(201);

    clock.advance(DAY);
    user.post("/keys", json!({})).await.expect(201);
    user.post("/keys", json!({})).await.refused(409, "too-many-keys");
    user.act(&format!("/keys/{}/revoke", id(&first))).await.expect(200);
    user.post("/keys", json!({})).await.expect(201);
}

#[tokio::test]
async fn rotation_cannot_exceed_the_maximum() {
    let clock = clock();
    let store = store(&clock);
    let user = user(service(store.clone(), &clock).with_max_keys(2)).await;
    let mut newest = id(&user.post("/keys", json!({})).await.expect(201)).to_owned();
    let rotate = async |id: &str, grace: Value| {
        user.post(&format!("/keys/{id}/rotate"), json!({ "grace_seconds": grace })).await
    };
    // During its grace period, the old key takes up the free place.
    let rotated = rotate(&newest, json!(3_600)).await.expect(201);
    assert_eq!(
        rotated.header("location"),
        format!("../keys/{}", id(&rotated)).replace("keys/", "")
    );
    newest = id(&rotated).to_owned();
    rotate(&newest, json!(3_600)).await.refused(409, "too-many-keys");
    rotate(&newest, json!(1)).await.refused(409, "too-many-keys");
    user.post("/keys", json!({})).await.refused(409, "too-many-keys");
    for _ in 0..3 {
        newest = id(&rotate(&newest, json!(0)).await.expect(201)).to_owned();
        assert_eq!(working(&store, "App 1", clock.now()), 2);
    }
    clock.advance(Duration::from_secs(3_600));
    rotate(&newest, json!(3_600)).await.expect(201);
    assert_eq!(working(&store, "App 1", clock.now()), 2);
}

#[tokio::test]
async fn concurrent_requests_cannot_exceed_the_maximum() {
    let clock = clock();
    let store = store(&clock);
    // A store that waits between counting the keys and issuing one.
    let slow = Hooked::new(Box::new(store.clone()), |_, _| {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(())
        })
    });
    let service = self_service(slow, by_header).with_clock(clock.reader()).with_max_keys(3);
    let user = user(service).await;
    let first = id(&user.post("/keys", json!({})).await.expect(201)).to_owned();
    let issues = (0..8).map(|_| {
        let user = user.clone();
        tokio::spawn(async move { user.post("/keys", json!({})).await.status })
    });
    let rotation = tokio::spawn({
        let (user, path) = (user.clone(), format!("/keys/{first}/rotate"));
        async move { user.post(&path, json!({})).await.status }
    });
    let mut made = 0;
    for request in issues.chain([rotation]).collect::<Vec<_>>() {
        let status = request.await.unwrap();
        assert!(status == 201 || status == 409);
        made += usize::from(status == 201);
    }
    assert_eq!((made, working(&store, "App 1", clock.now())), (2, 3));
}

#[tokio::test]
async fn key_issued_beyond_the_maximum_by_a_race_is_revoked() {
    let clock = clock();
    let store = store(&clock);
    let (other, issues) = (store.clone(), AtomicUsize::new(0));
    let beside = Hooked::new(Box::new(store.clone()), move |method, is_before| {
        if method == "issue" && is_before && issues.fetch_add(1, Ordering::Relaxed) == 0 {
            let key = ApiKey::generate("other").unwrap();
            other.issue("App 1", NewKey::from(&key)).unwrap();
        }
        Box::pin(async { Ok(()) })
    });
    let service = self_service(beside, by_header).with_clock(clock.reader()).with_max_keys(1);
    user(service).await.post("/keys", json!({})).await.refused(409, "too-many-keys");
    assert_eq!(working(&store, "App 1", clock.now()), 1);
    assert_eq!(store.list_keys(Some("App 1")).unwrap().len(), 2);
}

#[tokio::test]
async fn label_that_looks_like_a_key_is_refused() {
    let clock = clock();
    let store = store(&clock);
    let user = user(service(store.clone(), &clock)).await;
    let issued = user.post("/keys", json!({ "label": "first" })).await.expect(201);
    let key = ApiKey::generate("kg").unwrap().expose().to_owned();
    for path in ["/keys", &format!("/keys/{}/rotate", id(&issued))] {
        let refused = user
            .post(path, json!({ "label": format!("key {key}") }))
            .await
            .refused(422, "invalid-fields");
        assert_eq!(refused.places(), ["#/label"]);
        assert!(!refused.text.contains(&key), "{}", refused.text);
    }
    assert_eq!(working(&store, "App 1", clock.now()), 1);
}
