use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::request::Parts;
use keygate::manage::ManageError;
use keygate::testing::FakeClock;
use keygate::{
    ApiKey, Authenticator, Client, ClientProfile, KeyId, ManageKeys, MemoryStore, NewKey, YamlStore,
};
use keygate_admin::{Caller, SelfService, self_service};
use serde_json::{Value, json};

use super::documented::{Documented, JsonAnswer};
use super::hooked::{Hooked, outage};

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn clock() -> FakeClock {
    FakeClock::at(UNIX_EPOCH + Duration::from_secs(1_800_000_000))
}

/// Creates a store with two clients, `App 1` and `App 2`.
pub(super) fn store(clock: &FakeClock) -> MemoryStore {
    let store = MemoryStore::new().with_clock(clock.reader());
    for name in ["App 1", "App 2"] {
        let profile = ClientProfile::new(name)
            .with_title("The first")
            .with_scopes(["orders:*".parse().unwrap()])
            .with_metadata([("margin", "private")]);
        store.add_client(profile).unwrap();
    }
    store
}

/// Creates a router that trusts the caller named in a header, which a real service must not do.
pub(super) fn by_header(parts: &Parts) -> Option<Caller> {
    let header =
        |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let by_key = || header("key-of").map(|name| Caller::by_key(&Client::for_test(name)));
    header("user-of").map(Caller::signed_in).or_else(by_key)
}

pub(super) fn service(store: impl ManageKeys + 'static, clock: &FakeClock) -> SelfService {
    self_service(Arc::new(store), by_header).with_clock(clock.reader())
}

/// Returns a signed-in user of `App 1`.
pub(super) async fn user(service: SelfService) -> Documented {
    Documented::new(service, "").await.with_header("user-of", "App 1")
}

pub(super) fn id(answer: &JsonAnswer) -> &str {
    let new = answer.body.get("issued").or(answer.body.get("new")).unwrap();
    new["key_id"].as_str().unwrap()
}

pub(super) fn working(store: &MemoryStore, client: &str, now: SystemTime) -> usize {
    let keys = store.list_keys(Some(client)).unwrap();
    keys.iter().filter(|key| key.is_live(now)).count()
}

#[tokio::test]
async fn signed_out_caller_is_refused_with_a_challenge() {
    let clock = clock();
    let nobody = user(service(store(&clock), &clock)).await.without_header("user-of");
    for (method, path) in [("GET", "/whoami"), ("GET", "/keys"), ("POST", "/keys"), ("GET", "/no")]
    {
        let answer = nobody.send(method, path, None).await.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), r#"Session realm="self-service""#);
    }
}

#[tokio::test]
async fn caller_sees_its_client_without_metadata() {
    let clock = clock();
    let user = user(service(store(&clock), &clock).with_max_keys(3)).await;
    user.post("/keys", json!({})).await.expect(201);
    let answer = user.get("/whoami").await.expect(200);
    let expected = json!({
        "client": "App 1", "title": "The first", "enabled": true, "scopes": ["orders:*"], "networks": [],
        "quota": null, "key_id": null, "may_make_keys": true, "keys": 1, "max_keys": 3,
    });
    assert_eq!(answer.body, expected);
    let unknown =
        user.with_header("user-of", "App 3").get("/whoami").await.refused(404, "not-found");
    assert!(!unknown.text.contains("App"), "{}", unknown.text);
}

#[tokio::test]
async fn issued_key_works_and_is_shown_once() {
    let clock = clock();
    let store = store(&clock);
    let user = user(service(store.clone(), &clock).with_key_prefix("acme").unwrap()).await;
    let body =
        json!({ "label": "laptop", "scopes": ["orders:read"], "expires": "2027-02-01T00:00:00Z" });
    let issued = user.post("/keys", body).await.expect(201);
    assert!(issued.key().starts_with("acme"));
    let auth = Authenticator::new(store).with_clock(clock.reader());
    let client = auth.verify_key(issued.key().as_bytes()).unwrap();
    assert_eq!((client.name(), client.key_id().to_string()), ("App 1", id(&issued).to_owned()));
    assert_eq!(client.scopes(), ["orders:read".parse().unwrap()]);
    assert_eq!(issued.header("location"), format!("keys/{}", id(&issued)));

    let shown = user.get(&format!("/keys/{}", id(&issued))).await.expect(200);
    assert_eq!(shown.body["label"], "laptop");
    assert_eq!(shown.body["expires"], "2027-02-01T00:00:00Z");
    let list = user.get("/keys").await.expect(200);
    assert_eq!(list.body["items"], json!([shown.body]));
}

#[tokio::test]
async fn key_of_another_client_is_not_found() {
    let clock = clock();
    let store = store(&clock);
    let foreign = ApiKey::generate("kg").unwrap();
    store.issue("App 2", NewKey::from(&foreign)).unwrap();
    let user = user(service(store.clone(), &clock)).await;
    user.post("/keys", json!({})).await.expect(201);

    let near = foreign.key_id().to_string().replace(['0', '1'], "2");
    let ids = [
        foreign.key_id().to_string(),
        near,
        "0".repeat(16),
        "nothing".to_owned(),
        "%20".to_owned(),
    ];
    for (method, action) in [("GET", ""), ("POST", "/rotate"), ("POST", "/revoke")] {
        let mut answers = Vec::new();
        for id in &ids {
            let body = (method == "POST").then(String::new);
            let answer = user.send(method, &format!("/keys/{id}{action}"), body).await;
            answers.push((answer.status, answer.text, format!("{:?}", answer.headers)));
        }
        assert_eq!(answers[0].0, 404);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    }
    assert_eq!(working(&store, "App 2", clock.now()), 1);
}

#[tokio::test]
async fn foreign_and_unknown_ids_are_handled_alike() {
    let clock = clock();
    let store = store(&clock);
    let foreign = ApiKey::generate("kg").unwrap();
    store.issue("App 2", NewKey::from(&foreign)).unwrap();
    let calls = Arc::new(std::sync::Mutex::new(Vec::new()));
    let counted = calls.clone();
    let watched = Hooked::new(Box::new(store), move |method, is_before| {
        if is_before {
            counted.lock().unwrap().push(method);
        }
        Box::pin(async { Ok(()) })
    });
    let user = user(self_service(watched, by_header).with_clock(clock.reader())).await;
    let mut all = Vec::new();
    for id in [foreign.key_id().to_string(), "0".repeat(16), "nothing".to_owned()] {
        user.act(&format!("/keys/{id}/revoke")).await.refused(404, "not-found");
        all.push(std::mem::take(&mut *calls.lock().unwrap()));
    }
    assert_eq!(all, [["keys"], ["keys"], ["keys"]]);
}

#[tokio::test]
async fn caller_with_an_api_key_cannot_issue_or_rotate() {
    let clock = clock();
    let store = store(&clock);
    let key = store.issue("App 1", NewKey::from(&ApiKey::generate("kg").unwrap())).unwrap().key_id;
    let user = user(service(store.clone(), &clock)).await;
    let thief = user.without_header("user-of").with_header("key-of", "App 1");
    thief.post("/keys", json!({})).await.refused(403, "key-cannot-make-keys");
    thief
        .post(&format!("/keys/{key}/rotate"), json!({}))
        .await
        .refused(403, "key-cannot-make-keys");
    assert_eq!(store.list_keys(None).unwrap().len(), 1);
    let whoami = thief.get("/whoami").await.expect(200);
    assert_eq!(whoami.body["may_make_keys"], false);
    assert_eq!(whoami.body["key_id"], Client::for_test("App 1").key_id().to_string());
    thief.get("/keys").await.expect(200);
    thief.act(&format!("/keys/{key}/revoke")).await.expect(200);
    assert_eq!(working(&store, "App 1", clock.now()), 0);
}

#[tokio::test]
async fn pages_of_other_origins_cannot_change_anything() {
    let clock = clock();
    let store = store(&clock);
    let service = service(store.clone(), &clock).add_origin("https://portal.example").unwrap();
    let user = user(service).await;
    let own = ("origin", "https://127.0.0.1:8081");
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), own],
        &[("origin", "https://evil.example")],
        &[("origin", "https://127.0.0.1:8082")],
        &[("origin", "null")],
        &[("origin", "https://portal.example.evil.example")],
    ] {
        let with = |with: Documented, header: &(&str, &str)| with.with_header(header.0, header.1);
        let page = headers.iter().fold(user.clone(), with);
        page.post("/keys", json!({})).await.refused(403, "cross-origin");
        page.get("/keys").await.expect(200);
    }
    // Requests that a form can send without a preflight, with and without a body.
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let form = user.with_header("content-type", media_type);
        form.post("/keys", json!({})).await.refused(415, "unsupported-media-type");
    }
    user.send("POST", "/keys", None).await.refused(415, "unsupported-media-type");
    assert_eq!(store.list_keys(None).unwrap(), []);

    for headers in [
        &[own][..],
        &[("sec-fetch-site", "same-origin"), own],
        &[("origin", "https://portal.example")],
    ] {
        let with = |with: Documented, header: &(&str, &str)| with.with_header(header.0, header.1);
        headers.iter().fold(user.clone(), with).post("/keys", json!({})).await.expect(201);
    }
}

#[tokio::test]
async fn malformed_origins_are_refused_when_configured() {
    for origin in [
        "portal.example",
        "https://portal.example/",
        "https://Portal.example",
        "https://a@b",
        "ftp://a",
        "",
    ] {
        let service = self_service(Arc::new(MemoryStore::new()), |_| None);
        assert!(service.add_origin(origin).is_err(), "{origin}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_malformed_ones_refused() {
    let clock = clock();
    let user = user(service(store(&clock), &clock)).await;
    let long = json!({ "label": "x".repeat(1 << 20) }).to_string();
    user.send("POST", "/keys", Some(long)).await.refused(413, "body-too-large");
    for body in ["{", "[]", "\"x\"", "{\"label\": \"sk_secret_value\" oops"] {
        let refused = user.send("POST", "/keys", Some(body.to_owned())).await;
        assert!(!refused.refused(400, "malformed-request").text.contains("secret"));
    }
    let packed = user.with_header("content-encoding", "gzip");
    packed.post("/keys", json!({})).await.refused(415, "unsupported-media-type");
    user.send("DELETE", "/keys", Some(String::new())).await.refused(405, "method-not-allowed");
    let answer =
        user.send("PUT", "/whoami", Some(String::new())).await.refused(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    user.get("/nothing").await.refused(404, "not-found");
    let refused = user.get("/keys?limit=0&stat=x").await.refused(400, "invalid-parameters");
    assert_eq!(refused.places(), ["limit", "stat"]);
}

#[tokio::test]
async fn disabled_client_cannot_issue_keys() {
    let clock = clock();
    let store = store(&clock);
    store.disable_client("App 1").unwrap();
    let user = user(service(store.clone(), &clock)).await;
    user.post("/keys", json!({})).await.refused(403, "forbidden");
    assert_eq!(user.get("/whoami").await.body["may_make_keys"], false);
    assert_eq!(store.list_keys(None).unwrap(), []);
}

#[tokio::test]
async fn outage_is_reported_without_its_details() {
    let clock = clock();
    let down = Hooked::new(Box::new(store(&clock)), |_, _| Box::pin(async { Err(outage()) }));
    let user = user(self_service(down, by_header)).await;
    for (method, path) in [("GET", "/whoami"), ("GET", "/keys"), ("POST", "/keys")] {
        let body = (method == "POST").then(String::new);
        let answer = user.send(method, path, body).await.refused(503, "unavailable");
        assert!(!answer.text.contains("internal"), "{}", answer.text);
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn read_only_store_does_not_reveal_its_file() {
    let clock = clock();
    let refusing = Hooked::new(Box::new(store(&clock)), |method, _| {
        let why = "keys.yml, line 7: an anchor".to_owned();
        Box::pin(async move {
            if method == "issue" { Err(ManageError::NotEditable { why }) } else { Ok(()) }
        })
    });
    let user = user(self_service(refusing, by_header)).await;
    let answer = user.post("/keys", json!({})).await.refused(503, "unavailable");
    assert!(!answer.text.contains("keys.yml"));
}

#[tokio::test]
async fn events_name_the_client_and_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = YamlStore::create(folder.path().join("keys.yml")).unwrap();
    let store = store.record_events(folder.path()).unwrap();
    store.add_client("App 1").unwrap();
    let user = user(self_service(Arc::new(store.clone()), by_header)).await;
    let issued = user.post("/keys", json!({})).await.expect(201);
    let by_key = user.without_header("user-of").with_header("key-of", "App 1");
    by_key.act(&format!("/keys/{}/revoke", id(&issued))).await.expect(200);
    let events = store.events(&keygate::manage::EventQuery::default()).unwrap().found;
    let actors: Vec<_> = events.iter().filter_map(|event| event.actor.as_deref()).collect();
    let key = format!("key {} of App 1", Client::for_test("App 1").key_id());
    assert_eq!(actors[..2], [&*key, "customer App 1"]);
}

#[tokio::test]
async fn repeated_request_creates_no_second_key() {
    let clock = clock();
    let store = store(&clock);
    let user = user(service(store.clone(), &clock)).await;
    let once = user.with_header("idempotency-key", "7f9e");
    let issued = once.post("/keys", json!({})).await.expect(201);
    let again = once.post("/keys", json!({})).await.expect(200);
    assert_eq!((id(&again), &again.body["key"]), (id(&issued), &Value::Null));
    let rotate = |id: &str| format!("/keys/{id}/rotate");
    once.post(&rotate(id(&issued)), json!({})).await.refused(422, "idempotency-key-reused");
    // Clients do not share idempotency keys.
    let other = once.with_header("user-of", "App 2").post("/keys", json!({})).await.expect(201);
    assert_ne!(id(&other), id(&issued));
    assert_eq!(store.list_keys(None).unwrap().len(), 2);
    let _: KeyId = id(&other).parse().unwrap();
}

#[tokio::test]
async fn usage_is_404_without_a_history() {
    let clock = clock();
    user(service(store(&clock), &clock)).await.get("/usage").await.refused(404, "not-kept");
}
